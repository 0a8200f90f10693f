"""Seams of loops: how surprising a loop's first bars are to the network after its last bar. NumPy only.

In: pieces that end where their loop ends. Out: bits per note of the first bar after the seam, and of the bars of the
piece for comparison, without plan or guesses of the plan; and how strongly the loop's beginning is struck.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dataset.notes.meter import bar_ticks
from dataset.notes.model import Notes
from training.events import encoding
from training.events.batches import EncodedPiece
from training.events.vocabulary import Vocabulary
from training.network.inference import NoteNetwork
from training.sampling.conditioning import Styles, vector
from training.sampling.sample_record import Seam

AGAIN = 1  # bars of the next turn that are compared


def seams(
    network: NoteNetwork,
    vocabulary: Vocabulary,
    pieces: Sequence[tuple[Notes, Styles]],
    intro: int,
    bars: int,
) -> list[Seam]:
    """Return the seam of each piece: a loop of `bars` bars after `intro` bars, in one meter.

    A loop whose first or other bars have no note has infinite bits. One of a single bar is compared with its first turn.
    """
    lines = [bar_ticks(*notes.time_signatures[0][1:]) for notes, _ in pieces]
    twice = [
        with_next_turn(notes, intro * bar, (intro + bars) * bar, AGAIN * bar)
        for (notes, _), bar in zip(pieces, lines, strict=True)
    ]
    unknown = network.style(np.zeros((1, 2), np.int32))[0]
    style = np.stack([vector(network, vocabulary, styles) if styles else unknown for _, styles in pieces])
    encoded = [EncodedPiece(events, (0, 0)) for events in encoding.encode(twice)]
    costs = network.note_bits(encoded, style)
    return [
        _seam(cost, encoding.classes(notes)[1][1:] // bar, intro, intro + bars, accent(piece, intro * bar))
        for cost, notes, bar, (piece, _) in zip(costs, twice, lines, pieces, strict=True)
    ]


def accent(notes: Notes, start: int) -> float:
    """Return the share of onsets after tick `start` that are struck less strongly than the notes at it.

    The strength of an onset is the sum of its velocities. Returns 0 if no note is struck at `start`, or none later.
    """
    within = notes.onset >= start
    ticks, which = np.unique(notes.onset[within], return_inverse=True)
    if len(ticks) < 2 or ticks[0] != start:
        return 0.0
    strength = np.bincount(which, weights=notes.velocity[within])
    return float((strength[1:] < strength[0]).mean())


def _seam(costs: npt.NDArray[np.float64], bar: npt.NDArray[np.integer], intro: int, end: int, accent: float) -> Seam:
    """Return the seam, given the bits and the bar of each note, and the accent of the loop's beginning."""
    others = range(min(intro + 1, end - 1), end)
    means = [float(costs[bar == number].mean()) for number in others if (bar == number).any()]
    after = costs[(bar >= end) & (bar < end + AGAIN)]
    if not len(after) or not means:
        return Seam(float("inf"), 0.0, accent)
    return Seam(float(after.mean()), float(np.median(means)), accent)


def with_next_turn(notes: Notes, start: int, end: int, ticks: int) -> Notes:
    """Return the notes before tick `end`, and after them the first `ticks` of the loop from `start` once more."""
    first, again = notes.onset < end, (notes.onset >= start) & (notes.onset < start + ticks)
    onset = np.append(notes.onset[first], notes.onset[again] + end - start)
    duration, pitch, velocity = (
        np.append(column[first], column[again]) for column in (notes.duration, notes.pitch, notes.velocity)
    )
    return Notes.of(onset, duration, pitch, velocity, notes.tempos[:1], notes.time_signatures[:1])
