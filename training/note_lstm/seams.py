"""Seams of loops: how surprising a loop's first bars are to the network after its last bar. NumPy only.

In: pieces that end where their loop ends. Out: bits per note of the first bar after the seam, and of the bars of the
piece for comparison, without plan or guesses of the plan; and how much the sound changes where the loop begins again.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dataset.notes.meter import bar_ticks
from dataset.notes.model import Notes
from dataset.notes.timing import tick_to_seconds
from training.events import encoding
from training.events.batches import EncodedPiece
from training.events.vocabulary import Vocabulary
from training.network.inference import NoteNetwork
from training.sampling.conditioning import Styles, vector
from training.sampling.sample_record import Seam

AGAIN = 1  # bars of the next turn that are compared
PARTIALS = ((0, 1.0), (12, 0.5), (19, 0.35), (24, 0.25), (28, 0.2), (31, 0.16), (36, 0.1))
"""Partials of a note: semitones above it, to the nearest, and amplitude."""
BINS = 128 + PARTIALS[-1][0]
DECAY = 2.0  # of amplitudes, per second
COMPRESSION = 30.0  # loudness is the logarithm of 1 + this times the amplitude


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
        _seam(
            cost,
            encoding.classes(notes)[1][1:] // bar,
            intro,
            intro + bars,
            accent(notes, intro * bar, (intro + bars) * bar),
        )
        for cost, notes, bar in zip(costs, twice, lines, strict=True)
    ]


def accent(notes: Notes, start: int, end: int) -> float:
    """Return the share of onsets between ticks `start` and `end` at which the sound changes less than at `end`.

    At `end` the next turn of the loop begins, and what is held there still sounds. The change is the spectral flux
    (J. P. Bello et al., A Tutorial on Onset Detection in Music Signals, 2005), computed from the notes: each is heard as
    PARTIALS that decay, and its velocity squared is its amplitude. Returns 0 if no note is struck at `end`, or none
    between.
    """
    ticks = np.unique(notes.onset[(notes.onset > start) & (notes.onset <= end)])
    if len(ticks) < 2 or ticks[-1] != end:
        return 0.0
    change = np.array([_flux(notes, tick) for tick in ticks.tolist()])
    return float((change[:-1] < change[-1]).mean())


def _flux(notes: Notes, tick: int) -> float:
    """Return by how much the loudness of all partials rises at a tick, together."""
    held, struck = (notes.onset < tick) & (notes.end >= tick), notes.onset == tick
    before = tick_to_seconds(notes.tempos, [tick]) - tick_to_seconds(notes.tempos, notes.onset)
    level = (notes.velocity / 127) ** 2 * np.exp(-DECAY * np.maximum(before, 0))
    partials = notes.pitch[:, None].astype(np.int64) + [interval for interval, _ in PARTIALS]
    amplitude = level[:, None] * [share for _, share in PARTIALS]
    sums = [np.bincount(partials[which].ravel(), amplitude[which].ravel(), minlength=BINS) for which in (held, struck)]
    quiet, loud = np.log1p(COMPRESSION * sums[0]), np.log1p(COMPRESSION * (sums[0] + sums[1]))
    return float((loud - quiet).sum())


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
