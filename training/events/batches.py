"""Batches of event windows for one epoch.

In: encoded pieces, the settings of a recipe, a seed and the epoch's number. Out: batches that contain every training
note once, in a random order of pieces, each randomly transposed. The windows of a piece follow one another in the
same row of consecutive batches, so that the network's state is carried on. The batches depend on seed and epoch
number only, so a resumed run sees the same ones.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from training.events import character, ears, plan_columns
from training.events.encoding import (
    CHROMA,
    COLUMNS,
    CONFIDENCE,
    GUESS,
    HEARD,
    LINE,
    NEXT_PITCH,
    PITCH_CLASS_SHARES,
    PLANNED,
    VALUES,
    Events,
    encode,
)
from training.events.fields import PITCH
from training.events.repeat_models import PLAN_GUESSES
from training.events.slips import Flags, slipped
from training.events.vocabulary import UNKNOWN, Vocabulary

_PITCHES = np.array(
    [*range(COLUMNS)[HEARD], *(PLANNED.start + at for at in plan_columns.PITCHED)]
)  # columns of 1 + pitch
_SCALES = np.array([PLANNED.start + at for at in plan_columns.SCALED])  # columns of 1 + pitch class

if TYPE_CHECKING:
    from dataset.corpus.corpus import CorpusPiece


class EpochSettings(Protocol):
    """The recipe settings that determine an epoch's windows."""

    @property
    def batch(self) -> int:
        """Windows per step."""

    @property
    def window(self) -> int:
        """Notes per window."""

    @property
    def epoch_notes(self) -> int:
        """Minimum number of notes in an epoch."""

    @property
    def transpose(self) -> int:
        """Maximum transposition in semitones."""

    @property
    def style_dropout(self) -> float:
        """Share of windows without series or game."""

    @property
    def plan_dropout(self) -> float:
        """Share of pieces without their plans when training begins."""

    @property
    def last_plan_dropout(self) -> float:
        """Share of pieces without their plans when it ends."""

    @property
    def slips(self) -> float:
        """Share of pieces with slips."""


@dataclass(frozen=True, slots=True, eq=False)
class EncodedPiece:
    """A piece as network input: events [n, COLUMNS] and its style numbers.

    For training, also the piece with slips: its events, and which of its notes are slips.
    """

    events: Events
    style: tuple[int, int]
    slipped: tuple[Events, Flags] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Windows of one step.

    events [batch, window + 1, COLUMNS]; style [batch, 2]; mask [batch, window], 1 where there is a note; fresh
    [batch], 1 where the window does not continue the same row of the previous step.
    """

    events: npt.NDArray[np.int32]
    style: npt.NDArray[np.int32]
    mask: npt.NDArray[np.float32]
    fresh: npt.NDArray[np.float32]


def encode_pieces(
    pieces: Sequence["CorpusPiece"], vocabulary: Vocabulary, *, planned: bool = False
) -> list[EncodedPiece]:
    """Return the pieces as events, with style numbers from the vocabulary; with `planned`, also with their plans."""
    encoded = encode([piece.notes for piece in pieces], planned=planned)
    styles = [vocabulary.style(piece.series, piece.game) for piece in pieces]
    return [EncodedPiece(events, style) for events, style in zip(encoded, styles, strict=True)]


def with_slips(
    encoded: Sequence[EncodedPiece], pieces: Sequence["CorpusPiece"], seed: int, *, planned: bool = False
) -> list[EncodedPiece]:
    """Return pieces that are `encoded` also with slips, drawn by `seed`; the plan is that of the piece without slips."""
    rng, notes = np.random.default_rng(seed), [piece.notes for piece in pieces]
    made = [slipped(piece, rng) for piece in notes]
    events = encode([piece for piece, _ in made], planned=planned, plans_of=notes)
    return [
        replace(clean, slipped=(rows, flags)) for clean, rows, (_, flags) in zip(encoded, events, made, strict=True)
    ]


def passes(pieces: Sequence[EncodedPiece], recipe: EpochSettings) -> int:
    """Return how many times an epoch goes through the pieces, at least once."""
    notes = sum(len(piece.events) - 1 for piece in pieces)
    return max(1, -(-recipe.epoch_notes // max(1, notes)))


def epoch(
    pieces: Sequence[EncodedPiece], recipe: EpochSettings, seed: int, number: int, used: float = 0.0
) -> Iterator[Batch]:
    """Yield the batches of epoch `number`, all of one shape.

    `used` is the share of the budget that is used: the share of pieces without their plans goes with it, in a straight line.
    The last batches are filled up with windows from the start.
    """
    rng = np.random.default_rng([seed, number])
    plan_dropout = recipe.plan_dropout + used * (recipe.last_plan_dropout - recipe.plan_dropout)
    windows = [w for _ in range(passes(pieces, recipe)) for w in _windows(pieces, recipe, plan_dropout, rng)]
    steps = -(-len(windows) // recipe.batch)
    for step in range(steps):
        held = [windows[(row * steps + step) % len(windows)] for row in range(recipe.batch)]
        yield _batch(pieces, held, recipe.window, first=step == 0)


@dataclass(frozen=True, slots=True)
class _Window:
    """Notes `start` to `end` of a piece; all but the first are predicted."""

    piece: int
    start: int
    end: int
    shift: int  # semitones
    styled: tuple[bool, bool]  # whether series and game are given
    planned: bool  # whether the plan is given
    slipped: bool  # whether it is of the piece with slips


def _windows(
    pieces: Sequence[EncodedPiece], recipe: EpochSettings, plan_dropout: float, rng: np.random.Generator
) -> Iterator[_Window]:
    """Yield the windows of all pieces, in a random order of pieces."""
    for which in rng.permutation(len(pieces)):
        slips = pieces[which].slipped if rng.random() < recipe.slips else None
        events = pieces[which].events if slips is None else slips[0]
        last = len(events) - 1
        shift = 0
        if recipe.transpose:
            shift = _possible(events, int(rng.integers(-recipe.transpose + 1, recipe.transpose + 1)))
        series, game = rng.random(2) >= recipe.style_dropout
        game &= series  # a game is given only together with its series
        planned = bool(rng.random() >= plan_dropout)
        for start in range(0, last, recipe.window):
            end = min(start + recipe.window, last)
            yield _Window(int(which), start, end, shift, (bool(series), bool(game)), planned, slips is not None)


def _batch(pieces: Sequence[EncodedPiece], windows: list[_Window], length: int, first: bool) -> Batch:
    events = np.zeros((len(windows), length + 1, COLUMNS), dtype=np.int32)
    shifts = np.zeros((len(windows), length + 1, 1), dtype=np.int32)
    style = np.full((len(windows), 2), UNKNOWN, dtype=np.int32)
    mask = np.zeros((len(windows), length), dtype=np.float32)
    for row, window in enumerate(windows):
        piece, part = pieces[window.piece], slice(window.start, window.end + 1)
        events_of, wrong = piece.slipped if window.slipped and piece.slipped is not None else (piece.events, None)
        held = events_of[part]
        events[row, : len(held)] = held
        shifts[row, : len(held)] = window.shift
        mask[row, : len(held) - 1] = 1 if wrong is None else ~wrong[part][1:]
        style[row] = np.where(window.styled, piece.style, UNKNOWN)
    _transpose(events, shifts)
    unplanned = np.flatnonzero([not window.planned for window in windows])
    without = events[unplanned]
    _forget_plan(without)
    events[unplanned] = without
    fresh = np.array([first or window.start == 0 for window in windows], dtype=np.float32)
    return Batch(events, style, mask, fresh)


def _forget_plan(events: npt.NDArray[np.int32]) -> None:
    """Remove what comes from the plan from events [..., COLUMNS], in place."""
    for columns in (PLANNED, *VALUES.values()):
        events[..., columns] = 0
    for name, count in PLAN_GUESSES.items():
        for columns in (GUESS[name], CONFIDENCE[name]):
            events[..., columns.stop - count : columns.stop] = 0
    for columns in (HEARD, LINE):
        events[..., columns.stop - ears.HAND_COLUMNS : columns.stop] = 0


def _possible(events: Events, shift: int) -> int:
    """Return `shift`, limited so that every pitch stays within 0–127."""
    pitches = events[:, PITCH]
    return int(np.clip(shift, -int(pitches.min()), 127 - int(pitches.max())))


def _transpose(events: npt.NDArray[np.int32], shifts: npt.NDArray[np.int32]) -> None:
    """Transpose events [..., COLUMNS] by as many semitones as `shifts` [..., 1] say, in place.

    Guesses outside 0–127 are clipped.
    """
    for columns, guessed in (
        (GUESS["pitch"], events[..., CONFIDENCE["pitch"]] > 0),
        (slice(NEXT_PITCH, NEXT_PITCH + 1), events[..., CONFIDENCE["time"]][..., :1] > 0),
    ):
        events[..., columns] = np.where(guessed, np.clip(events[..., columns] + shifts, 0, 127), 0)
    events[..., PITCH] += shifts[..., 0]
    events[..., _PITCHES] = character.transposed_pitches(events[..., _PITCHES], shifts)
    events[..., _SCALES] = character.transposed_scales(events[..., _SCALES], shifts)
    events[..., [*CHROMA]] = character.transposed_sets(events[..., [*CHROMA]], shifts)
    shares = events[..., PITCH_CLASS_SHARES].reshape(*shifts.shape[:-1], 2, 12)
    moved = np.take_along_axis(shares, (np.arange(12) - shifts[..., None]) % 12, axis=-1)
    events[..., PITCH_CLASS_SHARES] = moved.reshape(*shifts.shape[:-1], 24)
