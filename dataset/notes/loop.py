"""Find the loop of a piece: the bars that return until it ends.

Game music is often an introduction and then a body that is played twice or more, the last time perhaps not to its end. A
bar returns if its notes, as places in the bar and pitches, are those of the bar one period earlier. Pure functions.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataset.notes.meter import bars_of, count_bars
from dataset.notes.model import Notes

ALIKE, OF = 4, 5
"""At least 4 of 5 notes of the later turns must agree: in both bars of those in either."""

LAST_TURN = 0.75
"""Least part of a second turn."""

LEAST_SHARE = 0.5
"""Least share of the piece's bars that the loop and its later turns have together."""

MAX_BARS = 4096
"""Pieces of more bars are not searched."""

_COMPARED = 32  # bars of the second half that are compared with all earlier ones, to find periods worth a try
_TRIED = 16  # periods of which the whole piece is compared
_LEAST_VOTES = 0.1  # share of the notes of these bars that must occur one period earlier


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop: where it begins, and after how many bars it begins again."""

    start: int  # bar number, as in the score: from 1; 0 is a pickup
    bars: int


@dataclass(frozen=True, slots=True, eq=False)
class _Bars:
    """The bars from the first onset to the last, and their notes.

    `code` is int64[n], sorted, each once: bar * step + place * 128 + pitch. Bar i has code[bounds[i] : bounds[i + 1]].
    """

    code: NDArray[np.int64]
    step: int
    bounds: NDArray[np.int64]  # [bars + 1]
    length: NDArray[np.int64]  # [bars], ticks
    first: int  # number of the first bar in the score

    def __len__(self) -> int:
        return len(self.length)


def find_loop(notes: Notes) -> Loop | None:
    """Return the loop of a piece, or None if it has none.

    It has at least LAST_TURN of a second turn. Of several periods it is the one by which most notes return, counting
    against it those that do not; a single bar that is repeated is a loop of one bar. Bars that return in another key, or
    after a time that is not a whole number of bars, are no loop.
    """
    if len(notes) == 0 or count_bars(notes.time_signatures, int(notes.onset[-1]) + 1) > MAX_BARS:
        return None
    bars = _bars(notes)
    best, found = 0, None
    for period in _periods(bars):
        gain, again = _returns(bars, period)
        if gain > best:
            best, found = gain, Loop(bars.first + len(bars) - again - period, period)
    return found


def _bars(notes: Notes) -> _Bars:
    """Return the bars of a piece that has notes."""
    all_bars = bars_of(notes.time_signatures, int(notes.onset[-1]) + 1)
    start = np.array([bar.start for bar in all_bars], np.int64)
    first = int(np.searchsorted(start, notes.onset[0], side="right")) - 1
    bar = np.searchsorted(start, notes.onset, side="right") - 1
    length = np.array([bar.ticks for bar in all_bars[first:]], np.int64)
    step = 128 * int(length.max())
    every = ((bar - first) * step + (notes.onset - start[bar]) * 128 + notes.pitch).astype(np.int64)
    code = every[np.diff(every, prepend=-1) > 0]
    bounds = np.searchsorted(code, np.arange(len(length) + 1) * step)
    return _Bars(code, step, bounds, length, all_bars[first].number)


def _periods(bars: _Bars) -> list[int]:
    """Return the periods worth a try, in bars, the shortest first.

    They are those after which most notes of the second half return.
    """
    count = len(bars)
    compared = np.unique(np.linspace(count // 2, count - 1, min(count, _COMPARED)).astype(np.int64))
    bar, key = np.divmod(bars.code, bars.step)
    order = np.argsort(key, kind="stable")
    late = np.isin(bar, compared)
    begin, end = (np.searchsorted(key[order], key[late], side=side) for side in ("left", "right"))
    times = end - begin
    at = np.repeat(begin - np.cumsum(times) + times, times) + np.arange(times.sum())
    lag = np.repeat(bar[late], times) - bar[order[at]]
    votes = np.bincount(lag[(lag > 0) & (lag * (1 + LAST_TURN) <= count)], minlength=1)
    tried = np.argsort(-votes, kind="stable")[:_TRIED]
    return sorted(tried[votes[tried] > _LEAST_VOTES * np.count_nonzero(late)].tolist())


def _returns(bars: _Bars, period: int) -> tuple[int, int]:
    """Return how well the last bars are those one `period` before, and how many they are.

    How well is the number of notes in both times OF, less those in either times ALIKE, at its maximum over the numbers of
    bars that a loop may have after its first turn; 0 if there is none. The last bar may be cut: of the bar before it, only
    what comes until its last note is expected.
    """
    code, step, bounds, count = bars.code, bars.step, bars.bounds, len(bars)
    later = code[bounds[period] :] - period * step
    both = np.bincount(later[code[np.searchsorted(code, later)] == later] // step, minlength=count - period)
    both *= bars.length[period:] == bars.length[:-period]
    size = bounds[1:] - bounds[:-1]
    before = size[:-period].copy()
    before[-1] = np.searchsorted(code, later[-1] // 128 * 128 + 128) - bounds[count - 1 - period]
    gain = (OF * both - ALIKE * (size[period:] + before - both))[::-1]
    least = max(LAST_TURN * period, LEAST_SHARE * count - period)
    total = np.cumsum(gain) * ((gain > 0) & (np.arange(1, count - period + 1) >= least))
    again = int(total.argmax())
    return int(total[again]), again + 1
