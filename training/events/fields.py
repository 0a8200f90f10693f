"""Fields of events: their classes, notes as class numbers, and back.

Time since the last onset and duration have 117 classes of ticks each; there are 128 pitches and 16 velocities. Every
multiple of a sixteenth and of an eighth triplet up to 8 quarters, and of a quarter up to 32, is exact. Each class lies
within one of the 65 coarse classes, in which bits per note are also reported, so that figures can be compared with
those of earlier versions. Pure; `encoding.py` encodes pieces with them.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dataset.notes.meter import bar_numbers
from dataset.notes.meter import bar_ticks as bar_ticks
from dataset.notes.model import Notes
from dataset.notes.timing import TICKS_PER_QUARTER

EDGES = np.array(
    [*range(49), *(t for t in range(49, 193) if t % 6 == 0 or t % 8 == 0), *range(204, 385, 12), *range(408, 769, 24)],
    dtype=np.int32,
)
"""Ticks (1/24 quarter note) of each class of time and duration, up to 768."""

COARSE_EDGES = np.array([*range(49), *(round(48 * 2 ** (k / 4)) for k in range(1, 17))], dtype=np.int32)
"""Ticks of each coarse class: 0–48 exact, then 4 per octave up to 768."""


def _nearest(values: npt.ArrayLike, edges: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Return the index of the nearest edge, the lower one on a tie."""
    nearest: npt.NDArray[np.int32] = np.searchsorted((edges[:-1] + edges[1:]) / 2, values, side="left").astype(np.int32)
    return nearest


COARSE = _nearest(EDGES, COARSE_EDGES)
"""The coarse class [classes] that contains each class."""


def _classes_of_ticks() -> npt.NDArray[np.int32]:
    """Return the class of each number of ticks: the nearest within the same coarse class."""
    ticks = np.arange(EDGES[-1] + 1)
    distance = np.abs(ticks[:, None] - EDGES).astype(np.float64)
    distance[_nearest(ticks, COARSE_EDGES)[:, None] != COARSE] = np.inf
    nearest: npt.NDArray[np.int32] = distance.argmin(axis=1).astype(np.int32)
    return nearest


_CLASS_OF_TICKS = _classes_of_ticks()
PITCHES, VELOCITIES, VELOCITY_STEP = 128, 16, 8
SHADES = 8
"""Number of velocities that a class stands for in a piece; all the same if the piece has one."""
PLACES = 144
"""Number of classes of place in the bar: ticks since the bar line, clipped to the last class (6/4 and longer)."""

BEAT = TICKS_PER_QUARTER
"""Ticks of the beat whose places, besides those of the bar, are scored: a quarter."""

TIME, PITCH, DURATION, VELOCITY, PLACE, BAR = range(6)
KNOWN = BAR + 1
"""Columns of a note: four fields, the place in the bar, and the bar's length in ticks, at most PLACES."""

FIELDS = ("time", "pitch", "duration", "velocity")
SIZES = {"time": len(EDGES), "pitch": PITCHES, "duration": len(EDGES), "velocity": VELOCITIES}

IntArray = npt.NDArray[np.int32]


def to_class(ticks: npt.ArrayLike) -> IntArray:
    """Return the class of each number of ticks.

    Ticks are rounded to whole numbers, halves down. The nearest class within the same coarse class is taken, the shorter one on a
    tie; more than 768 ticks are clipped.
    """
    whole = np.asarray(ticks)
    if whole.dtype.kind not in "iu":
        whole = np.clip(np.ceil(whole - 0.5), 0, EDGES[-1]).astype(np.int32)
    return _CLASS_OF_TICKS.take(whole, mode="clip")


def counted(notes: Notes) -> npt.NDArray[np.intp]:
    """Return the indices of the notes that are events, in order: of notes of one pitch at one onset, the first."""
    keep = np.ones(len(notes.onset), dtype=bool)
    keep[1:] = (notes.onset[1:] != notes.onset[:-1]) | (notes.pitch[1:] != notes.pitch[:-1])
    return np.flatnonzero(keep)


def velocities_of_classes(velocity: npt.NDArray[np.integer]) -> IntArray:
    """Return velocities of each class, [VELOCITIES, SHADES]: quantiles of those that occur, ascending.

    Of a class that does not occur, its middle.
    """
    of_class = velocity.astype(np.int32) // VELOCITY_STEP
    found = np.repeat(np.arange(VELOCITIES) * VELOCITY_STEP + VELOCITY_STEP // 2, SHADES).reshape(-1, SHADES)
    for number in np.unique(of_class):
        inside = np.sort(velocity[of_class == number])
        found[number] = inside[(2 * np.arange(SHADES) + 1) * len(inside) // (2 * SHADES)]
    shades: IntArray = np.maximum(1, found).astype(np.int32)
    return shades


def shade_of_place(place: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
    """Return which of the SHADES of its class a note has, by its place in the bar: the same in each bar.

    The places are scattered by Fibonacci hashing (D. Knuth, The Art of Computer Programming 3, 6.4).
    """
    shade: npt.NDArray[np.int64] = (place.astype(np.int64) * 0x9E3779B1 & 0xFFFFFFFF) * SHADES >> 32
    return shade


def places(onsets: npt.ArrayLike, time_signatures: Sequence[tuple[int, int, int]]) -> tuple[IntArray, IntArray]:
    """Return the class of place in the bar [n] of onsets in ticks, and the bars' lengths [n], at most PLACES.

    `time_signatures` are (tick, numerator, denominator); a bar begins at each of them.
    """
    onset = np.asarray(onsets, dtype=np.int32)
    starts = np.array([tick for tick, _, _ in time_signatures], dtype=np.int32)
    lengths = np.array([bar_ticks(n, d) for _, n, d in time_signatures], dtype=np.int32)
    which = np.maximum(np.searchsorted(starts, onset, side="right") - 1, 0)
    place: IntArray = np.minimum((onset - starts[which]) % lengths[which], PLACES - 1).astype(np.int32)
    return place, np.minimum(lengths[which], PLACES).astype(np.int32)


def bars_at(ticks: npt.ArrayLike, time_signatures: Sequence[tuple[int, int, int]]) -> IntArray:
    """Return the bar numbers [n] of ticks, as the score has them: from 1, and 0 for a pickup.

    `time_signatures` are (tick, numerator, denominator); a bar begins at each of them.
    """
    return bar_numbers(time_signatures, np.asarray(ticks)).astype(np.int32)


def bar_of(tick: int, time_signatures: Sequence[tuple[int, int, int]]) -> int:
    """Return the bar number of `tick`; see `bars_at`."""
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
