"""The classes that stand for notes, and notes made of them again.

The classes are fixed for ever, so that bits per note can be compared between any two runs: time since the last onset and duration
in 65 classes of ticks, 128 pitches, 16 velocities. Pure; `encoding.py` turns pieces into them.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dataset.notes.model import Notes
from dataset.notes.timing import TICKS_PER_QUARTER

EDGES = np.array([*range(49), *(round(48 * 2 ** (k / 4)) for k in range(1, 17))], dtype=np.int32)
"""Ticks (1/24 of a quarter note) that each class of time and duration stands for: 0–48 exact, then quarter octaves to 768."""

_MIDDLES = (EDGES[:-1] + EDGES[1:]) / 2
PITCHES, VELOCITIES, VELOCITY_STEP = 128, 16, 8
PLACES = 144
"""Classes of place in the bar: ticks since the bar began, 6/4 and longer bars clipped to the last."""

TIME, PITCH, DURATION, VELOCITY, PLACE = range(5)
FIELDS = ("time", "pitch", "duration", "velocity")
SIZES = {"time": len(EDGES), "pitch": PITCHES, "duration": len(EDGES), "velocity": VELOCITIES}

IntArray = npt.NDArray[np.int32]


def to_class(ticks: npt.ArrayLike) -> IntArray:
    """Return the class of each number of ticks (the nearest edge, the shorter of two as near; longer than 768 is clipped)."""
    classes: IntArray = np.searchsorted(_MIDDLES, np.asarray(ticks), side="left").astype(np.int32)
    return classes


def bar_ticks(numerator: int, denominator: int) -> int:
    """Return the length of a bar in ticks, at least 1."""
    return max(1, 4 * TICKS_PER_QUARTER * numerator // denominator)


def places(onsets: npt.ArrayLike, time_signatures: Sequence[tuple[int, int, int]]) -> IntArray:
    """Return the class of place in the bar, [n], of onsets in ticks; a bar begins at every (tick, numerator, denominator)."""
    onset = np.asarray(onsets, dtype=np.int32)
    starts = np.array([tick for tick, _, _ in time_signatures], dtype=np.int32)
    lengths = np.array([bar_ticks(n, d) for _, n, d in time_signatures], dtype=np.int32)
    which = np.maximum(np.searchsorted(starts, onset, side="right") - 1, 0)
    place: IntArray = np.minimum((onset - starts[which]) % lengths[which], PLACES - 1).astype(np.int32)
    return place


def bars_at(ticks: npt.ArrayLike, time_signatures: Sequence[tuple[int, int, int]]) -> IntArray:
    """Return the numbers of the bars, from 1, that ticks lie in, [n]; a bar begins at every (tick, numerator, denominator)."""
    tick = np.asarray(ticks, np.int64)
    starts = np.array([start for start, _, _ in time_signatures], np.int64)
    lengths = np.array([bar_ticks(numerator, denominator) for _, numerator, denominator in time_signatures], np.int64)
    before = np.concatenate([[0], np.cumsum(-(-np.diff(starts) // lengths[:-1]))])
    which = np.maximum(np.searchsorted(starts, tick, side="right") - 1, 0)
    number: IntArray = np.maximum(1, before[which] + (tick - starts[which]) // lengths[which] + 1).astype(np.int32)
    return number


def bar_of(tick: int, time_signatures: Sequence[tuple[int, int, int]]) -> int:
    """Return the number of the bar, from 1, that `tick` lies in; as `bars_at`."""
    return int(bars_at([tick], time_signatures)[0])


def decode(
    events: IntArray,
    tempos: tuple[tuple[int, float], ...],
    time_signatures: tuple[tuple[int, int, int], ...],
    start: int = 0,
) -> Notes:
    """Return the notes that `events` [n, ≥4] stand for, the first of them at tick `start`: the middle of each class."""
    return Notes(
        onset=(start + np.cumsum(EDGES[events[:, TIME]]) - EDGES[events[:1, TIME]].sum()).astype(np.int32),
        duration=np.maximum(1, EDGES[events[:, DURATION]]).astype(np.int32),
        pitch=events[:, PITCH].astype(np.uint8),
        velocity=(events[:, VELOCITY] * VELOCITY_STEP + VELOCITY_STEP // 2).astype(np.uint8),
        tempos=tempos,
        time_signatures=time_signatures,
    )
