"""Find the form of a piece: its bars, and which earlier bar each one varies.

Bars are compared as sets of (place in the bar, pitch), and as sets of places for their rhythm, by Jaccard likeness: a
self-similarity matrix of bars (J. Foote, Visualizing Music and Audio using Self-Similarity, 1999). Pure functions.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataset.notes.meter import bar_ticks
from dataset.notes.model import Notes

LIKE = 0.4
"""Jaccard likeness from which a bar counts as a version of an earlier one."""

MAX_BARS = 1024
"""Bars from the first that are looked at."""

_CONTINUES = 0.1  # bonus for the bar after the source of the bar before
_BLOCK = 4096  # different notes that are compared at once


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
    """Return the form of a piece, of its first MAX_BARS bars.

    The source of a bar is the likest earlier bar, the latest of equals; the bar that follows the source of the bar
    before is preferred, so that sections stay together.
    """
    lines = bar_lines(notes)[: MAX_BARS + 1]
    inside = notes.onset < lines[-1]
    onset, pitch = notes.onset[inside], notes.pitch[inside]
    bar = np.searchsorted(lines, onset, side="right") - 1
    place = (onset - lines[bar]).astype(np.int64)
    by_notes = likest_sources(bar, place * 128 + pitch, len(lines) - 1)
    return Form(lines, *by_notes, *likest_sources(bar, place, len(lines) - 1))


def likest_sources(
    bar: NDArray[np.integer], key: NDArray[np.int64], bars: int, bonus: NDArray[np.float32] | None = None
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return source and likeness of each bar, by the keys of the notes in each.

    `bonus` [bars, bars] is added to the likeness of a bar to an earlier one, to choose among those that are like it.
    """
    items, number = np.unique(key, return_inverse=True)
    both = np.zeros((bars, bars), np.float32)  # notes that two bars have in common
    for start in range(0, len(items), _BLOCK):
        block = (number >= start) & (number < start + _BLOCK)
        present = np.zeros((bars, min(_BLOCK, len(items) - start)), np.float32)
        present[bar[block], number[block] - start] = 1
        both += present @ present.T
    size = both.diagonal()
    like = both / np.maximum(size[:, None] + size[None] - both, 1)
    source, likeness = np.full(bars, -1, np.int32), np.zeros(bars, np.float32)
    for at in range(1, bars):
        earlier = like[at, :at]
        if earlier.max() < LIKE:
            continue
        score = earlier + (0 if bonus is None else np.where(earlier >= LIKE, bonus[at, :at], 0))
        follows = source[at - 1] + 1 if source[at - 1] >= 0 else at
        if follows < at and earlier[follows] >= LIKE:
            score[follows] += _CONTINUES
        best = at - 1 - int(score[::-1].argmax())
        source[at], likeness[at] = best, earlier[best]
    return source, likeness
