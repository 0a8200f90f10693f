"""Windows of events for one epoch: every training note once, each piece transposed afresh, the pieces in a fresh order.

The windows of a piece follow one another in the same row of batch after batch, so that the network's state can be carried on.
What an epoch holds follows from the seed and the epoch's number alone, so a resumed run sees the batches it would have seen.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from training.events.classes import PITCH
from training.events.encoding import COLUMNS, CONFIDENCE, GUESS, NEXT_PITCH, PITCH_CLASS_SHARES, Events, encode
from training.events.vocabulary import UNKNOWN, Vocabulary

if TYPE_CHECKING:
    from dataset.corpus.corpus import CorpusPiece


class EpochSettings(Protocol):
    """The settings of a recipe on which an epoch's windows depend."""

    @property
    def batch(self) -> int:
        """Windows a step."""

    @property
    def window(self) -> int:
        """Notes a window."""

    @property
    def epoch_notes(self) -> int:
        """How many notes an epoch has at least."""

    @property
    def transpose(self) -> int:
        """Semitones by which a window may be moved."""

    @property
    def style_dropout(self) -> float:
        """Share of windows without series or game."""


@dataclass(frozen=True, slots=True, eq=False)
class EncodedPiece:
    """A piece as the network takes it: events [n, COLUMNS] and the numbers of its series and game."""

    events: Events
    style: tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Windows of one step: events [batch, window + 1, COLUMNS], style [batch, 2], mask [batch, window] (1 where there is a note),
    and fresh [batch] (1 where the window does not go on from that row's of the step before).
    """

    events: npt.NDArray[np.int32]
    style: npt.NDArray[np.int32]
    mask: npt.NDArray[np.float32]
    fresh: npt.NDArray[np.float32]


def encode_pieces(pieces: Sequence["CorpusPiece"], vocabulary: Vocabulary) -> list[EncodedPiece]:
    """Return the pieces as events, with their styles as the vocabulary numbers them."""
    encoded = encode([piece.notes for piece in pieces])
    return [
        EncodedPiece(events, vocabulary.style(piece.series, piece.game))
        for events, piece in zip(encoded, pieces, strict=True)
    ]


def passes(pieces: Sequence[EncodedPiece], recipe: EpochSettings) -> int:
    """Return how often an epoch goes through the pieces: once, or more where they are few."""
    notes = sum(len(piece.events) - 1 for piece in pieces)
    return max(1, -(-recipe.epoch_notes // max(1, notes)))


def epoch(pieces: Sequence[EncodedPiece], recipe: EpochSettings, seed: int, number: int) -> Iterator[Batch]:
    """Yield the batches of epoch `number`, all of one shape; the last are filled up with windows from the front."""
    rng = np.random.default_rng([seed, number])
    windows = [w for _ in range(passes(pieces, recipe)) for w in _windows(pieces, recipe, rng)]
    steps = -(-len(windows) // recipe.batch)
    for step in range(steps):
        held = [windows[(row * steps + step) % len(windows)] for row in range(recipe.batch)]
        yield _batch(pieces, held, recipe.window, first=step == 0)


@dataclass(frozen=True, slots=True)
class _Window:
    """Notes `start` … `end` of a piece, of which all but the first are predicted."""

    piece: int
    start: int
    end: int
    shift: int  # semitones
    styled: tuple[bool, bool]  # whether series and game are said


def _windows(pieces: Sequence[EncodedPiece], recipe: EpochSettings, rng: np.random.Generator) -> Iterator[_Window]:
    """Yield the windows of every piece in turn, in a random order of pieces."""
    for which in rng.permutation(len(pieces)):
        last = len(pieces[which].events) - 1
        shift = 0
        if recipe.transpose:
            shift = _possible(pieces[which].events, int(rng.integers(-recipe.transpose + 1, recipe.transpose + 1)))
        series, game = rng.random(2) >= recipe.style_dropout
        game &= series  # a style is said whole, by its series, or not at all
        for start in range(0, last, recipe.window):
            yield _Window(int(which), start, min(start + recipe.window, last), shift, (bool(series), bool(game)))


def _batch(pieces: Sequence[EncodedPiece], windows: list[_Window], length: int, first: bool) -> Batch:
    events = np.zeros((len(windows), length + 1, COLUMNS), dtype=np.int32)
    style = np.full((len(windows), 2), UNKNOWN, dtype=np.int32)
    mask = np.zeros((len(windows), length), dtype=np.float32)
    for row, window in enumerate(windows):
        held = pieces[window.piece].events[window.start : window.end + 1]
        events[row, : len(held)] = _transposed(held, window.shift)
        mask[row, : len(held) - 1] = 1
        style[row] = np.where(window.styled, pieces[window.piece].style, UNKNOWN)
    fresh = np.array([first or window.start == 0 for window in windows], dtype=np.float32)
    return Batch(events, style, mask, fresh)


def _possible(events: Events, shift: int) -> int:
    """Return `shift`, or as much of it as leaves every pitch within 0–127."""
    pitches = events[:, PITCH]
    return int(np.clip(shift, -int(pitches.min()), 127 - int(pitches.max())))


def _transposed(events: Events, shift: int) -> Events:
    """Return the events moved by `shift` semitones; a guess that would leave the keyboard stays at its end."""
    if not shift:
        return events
    moved = events.copy()
    moved[:, PITCH] += shift
    for columns, guessed in (
        (GUESS["pitch"], events[:, CONFIDENCE["pitch"]] > 0),
        (slice(NEXT_PITCH, NEXT_PITCH + 1), events[:, CONFIDENCE["time"]][:, :1] > 0),
    ):
        moved[:, columns] = np.where(guessed, np.clip(moved[:, columns] + shift, 0, 127), 0)
    moved[:, PITCH_CLASS_SHARES] = np.roll(events[:, PITCH_CLASS_SHARES].reshape(-1, 2, 12), shift, axis=2).reshape(
        len(events), -1
    )
    return moved
