"""Shingles: hashes of short runs of the outer voices, equal in any key and tempo.

Notes that sound together form a slice; the top voice and the bass are its highest and lowest pitches. A shingle is the
hash of the intervals between SLICES successive pitches. Velocity, duration, rhythm, tempo, resolution and the number of
tracks have no effect, so pieces that differ only in these share their shingles.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataset.notes.model import Notes

SLICES = 8  # at this length unrelated pieces of VGMusic's piano section (721 pieces) share almost none
SLICE_TICKS = 2  # onsets this close to the previous one join its slice: a chord as played
FAST, FAST_SHARE = 6, 0.1  # a piece is fast if a tenth of its steps are shorter than a sixteenth note (ticks)
_MIX = np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio: Knuth's multiplicative hashing, TAOCP vol. 3, 6.4


@dataclass(frozen=True, slots=True, eq=False)
class Shingles:
    """The shingles of one piece: those of the top voice, then of the bass.

    Each voice is in order of time.
    """

    hash: NDArray[np.uint64]
    onset: NDArray[np.int64]  # start of each, in ticks
    span: NDArray[np.int64]  # ticks from its first slice to its last, at least 1
    pitch: NDArray[np.int64]  # its first pitch


def shingles_of(notes: Notes) -> Shingles:
    """Return the shingles of a piece; fewer than SLICES slices give none."""
    if len(notes) == 0:
        return _joined([])
    gaps = np.diff(notes.onset, prepend=-SLICE_TICKS - 1)
    parts = _outer_voices(notes, gaps > SLICE_TICKS, 1)
    if np.count_nonzero((gaps > 0) & (gaps < FAST)) >= FAST_SHARE * np.count_nonzero(gaps):
        parts += _outer_voices(notes, gaps > 0, 3)  # notes of fast runs, which the slices above would join
    return _joined(parts)


def _outer_voices(notes: Notes, starts: NDArray[np.bool_], salt: int) -> list[Shingles]:
    """Return the shingles of top voice and bass; slices start where `starts` is true."""
    first = np.flatnonzero(starts)
    count = len(first) - SLICES + 1
    if count < 1:
        return []
    pitch = notes.pitch.astype(np.int64)
    onset = notes.onset[first].astype(np.int64)
    span = np.maximum(onset[SLICES - 1 :] - onset[:count], 1)
    voices = (np.maximum.reduceat(pitch, first), np.minimum.reduceat(pitch, first))
    return [Shingles(_hash(v, salt + n), onset[:count], span, v[:count]) for n, v in enumerate(voices)]


def _hash(voice: NDArray[np.int64], salt: int) -> NDArray[np.uint64]:
    """Return a hash of the intervals of every SLICES successive pitches of `voice`.

    `salt` separates the voices.
    """
    steps = np.diff(voice).astype(np.uint64)
    count = len(voice) - SLICES + 1
    mixed = np.full(count, salt, np.uint64)
    for place in range(SLICES - 1):
        mixed = (mixed ^ steps[place : place + count]) * _MIX
        mixed ^= mixed >> np.uint64(29)
    return mixed


def _joined(parts: list[Shingles]) -> Shingles:
    none = np.empty(0, np.int64)
    return Shingles(
        np.concatenate([none.astype(np.uint64), *(part.hash for part in parts)]),
        np.concatenate([none, *(part.onset for part in parts)]),
        np.concatenate([none, *(part.span for part in parts)]),
        np.concatenate([none, *(part.pitch for part in parts)]),
    )
