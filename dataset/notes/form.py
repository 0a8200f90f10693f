"""Find the form of a piece: its bars, and which earlier bar each one varies.

Bars are compared as sets of (place in the bar, pitch), and as sets of places for their rhythm, by Jaccard likeness: a
self-similarity matrix of bars (J. Foote, Visualizing Music and Audio using Self-Similarity, 1999). Pure functions.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataset.notes.model import Notes
from dataset.notes.timing import TICKS_PER_QUARTER

LIKE = 0.4
"""Jaccard likeness from which a bar counts as a version of an earlier one."""

_CONTINUES = 0.1  # bonus for the bar after the source of the bar before
_BLOCK = 512  # bars that are compared at once


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """Bars from the one with the first onset to the one with the last.

    lines     int32[bars + 1], ticks of their bar lines
    source    int32[bars], the earlier bar that each one repeats or varies; -1 for none
    likeness  float32[bars], the Jaccard likeness to the source, 0 to 1; 0 for none
    rhythm_source, rhythm_likeness  the same for the onsets alone
    """

    lines: NDArray[np.int32]
    source: NDArray[np.int32]
    likeness: NDArray[np.float32]
    rhythm_source: NDArray[np.int32]
    rhythm_likeness: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.source)


def bar_ticks(numerator: int, denominator: int) -> int:
    """Return the length of a bar in ticks, at least 1."""
    return max(1, 4 * TICKS_PER_QUARTER * numerator // denominator)


def bar_lines(notes: Notes) -> NDArray[np.int32]:
    """Return the bar lines around all onsets: [bars + 1], in ticks.

    A bar begins at each time signature. Raises ValueError for a piece without notes.
    """
    if not len(notes):
        raise ValueError("a piece without notes has no bars")
    first, last = int(notes.onset[0]), int(notes.onset[-1])
    lines: list[NDArray[np.int64]] = []
    for (start, numerator, denominator), (end, *_) in zip(
        notes.time_signatures, [*notes.time_signatures[1:], (None, 0, 0)], strict=True
    ):
        length = bar_ticks(numerator, denominator)
        stop = max(start + 1, last + length + 1 if end is None else end)
        lines.append(np.arange(start, stop, length))
    found = np.concatenate(lines)
    begin = np.searchsorted(found, first, side="right") - 1
    finish = np.searchsorted(found, last, side="right")
    held: NDArray[np.int32] = found[max(0, begin) : finish + 1].astype(np.int32)
    return held


def find_form(notes: Notes) -> Form:
    """Return the form of a piece.

    The source of a bar is the likest earlier bar, the latest of equals; the bar that follows the source of the bar
    before is preferred, so that sections stay together.
    """
    lines = bar_lines(notes)
    bar = np.searchsorted(lines, notes.onset, side="right") - 1
    place = (notes.onset - lines[bar]).astype(np.int64)
    by_notes = _sources(bar, place * 128 + notes.pitch, len(lines) - 1)
    return Form(lines, *by_notes, *_sources(bar, place, len(lines) - 1))


def _sources(
    bar: NDArray[np.integer], key: NDArray[np.int64], bars: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return source and likeness of each bar, by the keys of the notes in each."""
    item, number = np.unique(key, return_inverse=True)
    present = np.zeros((bars, len(item)), np.float32)
    present[bar, number] = 1
    size = present.sum(axis=1)
    source, likeness = np.full(bars, -1, np.int32), np.zeros(bars, np.float32)
    for begin in range(0, bars, _BLOCK):
        block = slice(begin, begin + _BLOCK)
        both = present[block] @ present[: begin + _BLOCK].T
        like = both / np.maximum(size[block, None] + size[None, : begin + _BLOCK] - both, 1)
        for at, row in enumerate(like, start=begin):
            earlier = row[:at]
            if not len(earlier) or earlier.max() < LIKE:
                continue
            score = earlier.copy()
            follows = source[at - 1] + 1 if source[at - 1] >= 0 else at
            if follows < at and earlier[follows] >= LIKE:
                score[follows] += _CONTINUES
            best = at - 1 - int(score[::-1].argmax())
            source[at], likeness[at] = best, earlier[best]
    return source, likeness
