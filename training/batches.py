"""Windows of events for one epoch: every training note once, cut at a fresh phase, transposed afresh, in a fresh order.

What an epoch holds follows from the seed and the epoch's number alone, so a resumed run sees the batches it would have seen.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dataset.corpus import CorpusPiece
from training.events import COLUMNS, GUESS_PITCH, MATCH, PITCH, encode
from training.recipe import NoteLSTMRecipe
from training.vocabulary import UNKNOWN, Vocabulary


@dataclass(frozen=True, slots=True, eq=False)
class EncodedPiece:
    """A piece as the network takes it: events [n, 9] and the numbers of its series and game."""

    events: npt.NDArray[np.int32]
    style: tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Windows of one step: events [batch, window + 1, 9], style [batch, 2], mask [batch, window] (1 where there is a note)."""

    events: npt.NDArray[np.int32]
    style: npt.NDArray[np.int32]
    mask: npt.NDArray[np.float32]


def encode_pieces(pieces: Sequence[CorpusPiece], vocabulary: Vocabulary) -> list[EncodedPiece]:
    """Return the pieces as events, with their styles as the vocabulary numbers them."""
    return [EncodedPiece(encode(piece.notes), vocabulary.style(piece.series, piece.game)) for piece in pieces]


def passes(pieces: Sequence[EncodedPiece], recipe: NoteLSTMRecipe) -> int:
    """Return how often an epoch goes through the pieces: once, or more where they are few."""
    notes = sum(len(piece.events) - 1 for piece in pieces)
    return max(1, -(-recipe.epoch_notes // max(1, notes)))


def epoch(pieces: Sequence[EncodedPiece], recipe: NoteLSTMRecipe, seed: int, number: int) -> Iterator[Batch]:
    """Yield the batches of epoch `number`, all of one shape; the last is filled up with windows from the front."""
    rng = np.random.default_rng([seed, number])
    cuts = [cut for _ in range(passes(pieces, recipe)) for cut in _cuts(pieces, recipe.window, rng)]
    order = rng.permutation(len(cuts))
    steps = -(-len(cuts) // recipe.batch)
    order = np.resize(order, steps * recipe.batch)
    for step in range(steps):
        yield _batch(pieces, [cuts[i] for i in order[step * recipe.batch : (step + 1) * recipe.batch]], recipe, rng)


def _cuts(pieces: Sequence[EncodedPiece], window: int, rng: np.random.Generator) -> list[tuple[int, int, int]]:
    """Return (piece, start, end) of windows that cover every piece, the first of each cut short at a random phase."""
    cuts = []
    for which, piece in enumerate(pieces):
        last = len(piece.events) - 1  # a window of notes start … end predicts those from start + 1 to end
        start, end = 0, int(rng.integers(1, window + 1)) if last > window else last
        while start < last:
            cuts.append((which, start, min(end, last)))
            start, end = end, end + window
    return cuts


def _batch(
    pieces: Sequence[EncodedPiece], cuts: list[tuple[int, int, int]], recipe: NoteLSTMRecipe, rng: np.random.Generator
) -> Batch:
    events = np.zeros((len(cuts), recipe.window + 1, COLUMNS), dtype=np.int32)
    style = np.zeros((len(cuts), 2), dtype=np.int32)
    mask = np.zeros((len(cuts), recipe.window), dtype=np.float32)
    shifts = (
        rng.integers(-recipe.transpose + 1, recipe.transpose + 1, len(cuts)) if recipe.transpose else [0] * len(cuts)
    )
    hidden = rng.random((len(cuts), 2)) < recipe.style_dropout
    for row, (which, start, end) in enumerate(cuts):
        held = pieces[which].events[start : end + 1]
        events[row, : len(held)] = _transpose(held, int(shifts[row]))
        mask[row, : end - start] = 1
        style[row] = pieces[which].style
    style[hidden] = UNKNOWN
    return Batch(events, style, mask)


def _transpose(events: npt.NDArray[np.int32], shift: int) -> npt.NDArray[np.int32]:
    """Return the events moved by `shift` semitones, or by as much of it as leaves every pitch and guess within 0–127."""
    moved = events.copy()
    guessed = moved[:, MATCH] > 0
    pitches = np.concatenate([moved[:, PITCH], moved[guessed, GUESS_PITCH]])
    shift = int(np.clip(shift, -pitches.min(), 127 - pitches.max()))
    moved[:, PITCH] += shift
    moved[guessed, GUESS_PITCH] += shift
    return moved
