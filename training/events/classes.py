"""Event classes: notes as class numbers, and back.

Time since the last onset and duration have 65 classes of ticks each; there are 128 pitches and 16 velocities. The
classes never change, so that bits per note can be compared between any two runs. Pure; `encoding.py` encodes pieces
with them.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dataset.notes.model import Notes
from dataset.notes.timing import TICKS_PER_QUARTER

EDGES = np.array([*range(49), *(round(48 * 2 ** (k / 4)) for k in range(1, 17))], dtype=np.int32)
"""Ticks (1/24 quarter note) of each class of time and duration: 0–48 exact, then 4 per octave up to 768."""

_MIDDLES = (EDGES[:-1] + EDGES[1:]) / 2
PITCHES, VELOCITIES, VELOCITY_STEP = 128, 16, 8
PLACES = 144
"""Number of classes of place in the bar: ticks since the bar line, clipped to the last class (6/4 and longer)."""

TIME, PITCH, DURATION, VELOCITY, PLACE = range(5)
FIELDS = ("time", "pitch", "duration", "velocity")
SIZES = {"time": len(EDGES), "pitch": PITCHES, "duration": len(EDGES), "velocity": VELOCITIES}

IntArray = npt.NDArray[np.int32]


def to_class(ticks: npt.ArrayLike) -> IntArray:
    """Return the class of each number of ticks.

    The nearest class is taken, the shorter one on a tie; more than 768 ticks are clipped.
    """
    classes: IntArray = np.searchsorted(_MIDDLES, np.asarray(ticks), side="left").astype(np.int32)
    return classes


def bar_ticks(numerator: int, denominator: int) -> int:
    """Return the length of a bar in ticks, at least 1."""
    return max(1, 4 * TICKS_PER_QUARTER * numerator // denominator)


def places(onsets: npt.ArrayLike, time_signatures: Sequence[tuple[int, int, int]]) -> IntArray:
    """Return the class of place in the bar [n] of onsets in ticks.

    `time_signatures` are (tick, numerator, denominator); a bar begins at each of them.
    """
    onset = np.asarray(onsets, dtype=np.int32)
    starts = np.array([tick for tick, _, _ in time_signatures], dtype=np.int32)
    lengths = np.array([bar_ticks(n, d) for _, n, d in time_signatures], dtype=np.int32)
    which = np.maximum(np.searchsorted(starts, onset, side="right") - 1, 0)
    place: IntArray = np.minimum((onset - starts[which]) % lengths[which], PLACES - 1).astype(np.int32)
    return place


def bars_at(ticks: npt.ArrayLike, time_signatures: Sequence[tuple[int, int, int]]) -> IntArray:
    """Return the bar numbers [n], from 1, of ticks.

    `time_signatures` are (tick, numerator, denominator); a bar begins at each of them.
    """
    tick = np.asarray(ticks, np.int64)
    starts = np.array([start for start, _, _ in time_signatures], np.int64)
    lengths = np.array([bar_ticks(numerator, denominator) for _, numerator, denominator in time_signatures], np.int64)
    before = np.concatenate([[0], np.cumsum(-(-np.diff(starts) // lengths[:-1]))])
    which = np.maximum(np.searchsorted(starts, tick, side="right") - 1, 0)
    number: IntArray = np.maximum(1, before[which] + (tick - starts[which]) // lengths[which] + 1).astype(np.int32)
    return number


def bar_of(tick: int, time_signatures: Sequence[tuple[int, int, int]]) -> int:
    """Return the bar number, from 1, of `tick`; see `bars_at`."""
    return int(bars_at([tick], time_signatures)[0])


def decode(
    events: IntArray,
    tempos: tuple[tuple[int, float], ...],
    time_signatures: tuple[tuple[int, int, int], ...],
    start: int = 0,
) -> Notes:
    """Convert events [n, ≥4] to notes; the first begins at tick `start`.

    Each class becomes its tick count or, for velocities, the middle of its range.
    """
    return Notes(
        onset=(start + np.cumsum(EDGES[events[:, TIME]]) - EDGES[events[:1, TIME]].sum()).astype(np.int32),
        duration=np.maximum(1, EDGES[events[:, DURATION]]).astype(np.int32),
        pitch=events[:, PITCH].astype(np.uint8),
        velocity=(events[:, VELOCITY] * VELOCITY_STEP + VELOCITY_STEP // 2).astype(np.uint8),
        tempos=tempos,
        time_signatures=time_signatures,
    )
