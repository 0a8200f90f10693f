"""The bars of a piece and the beats of a bar.

In: the time signatures of `Notes`; out: where each bar and each beat begins. Pure; ticks are of 1/24 quarter note.
Nothing here knows more of notes than when they start and when the last one ends.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, pairwise

import numpy as np
from numpy.typing import NDArray

from dataset.notes.timing import DEFAULT_TIME_SIGNATURE, MAX_TICK, TICKS_PER_QUARTER, TimeSignatureChange

WHOLE = 4 * TICKS_PER_QUARTER
TRIPLE_BEAT = 3 * TICKS_PER_QUARTER // 2  # a dotted quarter


@dataclass(frozen=True)
class Bar:
    """One bar: its first tick, its ticks, and the time signature in force.

    `ticks` is less than the time signature says where the next one cuts the bar short or where the bar is a pickup, and
    twice as much where one bar would be no whole number of ticks, such as 5/64. Bars are numbered from 1; a pickup is
    bar 0.
    """

    start: int
    ticks: int
    numerator: int
    denominator: int
    number: int = 1

    @property
    def end(self) -> int:
        """The tick after the last."""
        return self.start + self.ticks

    @property
    def is_whole(self) -> bool:
        """Whether it is as long as its time signature says."""
        return self.ticks * self.denominator == WHOLE * self.numerator

    @property
    def is_pickup(self) -> bool:
        """Whether it is an incomplete bar before the first one."""
        return self.number == 0

    @cached_property
    def beats(self) -> tuple[int, ...]:
        """Where the beats begin, in ticks from the start of the bar, and at last its end."""
        full, ends = self.numerator * WHOLE // self.denominator, [0]
        for length in _beats(self.numerator, self.denominator):
            ends.append(ends[-1] + length)
        if self.is_pickup:  # its beats are the last ones of a bar
            missing = full - self.ticks
            return (0, *(end - missing for end in ends if end > missing))
        while ends[-1] < self.ticks:  # a bar that is written twice as long
            ends.append(ends[-1] + full)
        return (*(end for end in ends if end < self.ticks), self.ticks)

    @cached_property
    def middle(self) -> int | None:
        """Where the second half begins that a player wants to see, or None.

        In ticks from the start of the bar.
        """
        lengths = {end - start for start, end in pairwise(self.beats)}
        count = len(self.beats) - 1
        if len(lengths) > 1 or count < 4:
            return None
        return self.beats[3 if count in (5, 6) else (count + 1) // 2]

    @property
    def is_triple(self) -> bool:
        """Whether each beat has three parts, as in 6/8."""
        return self.denominator >= 8 and self.numerator % 3 == 0


def bar_ticks(numerator: int, denominator: int) -> int:
    """Return the length of a bar in ticks, at least 1."""
    return max(1, WHOLE * numerator // denominator)


def bars_of(changes: Sequence[TimeSignatureChange], end: int) -> list[Bar]:
    """Return the bars from tick 0 until `end`, at least one.

    `changes` are time signatures as `Notes` holds them. A first bar that is shorter than the second is a pickup, bar 0,
    in the time signature of the second: it is cut short by a time signature, or has one of its own, such as 1/4 before
    3/4, which does not return and which the next one outlasts.
    """
    rows: list[tuple[int, int, int, int]] = []
    for tick, until, full, over, under in _stretches(changes, end):
        is_last = until >= end
        for start in range(tick, min(until, max(end, 1)), full):
            rows.append((start, full if is_last else min(full, until - start), over, under))
    if _begins_with_pickup(rows, changes):
        rows[0] = (*rows[0][:2], *rows[1][2:])
        return [Bar(*row, number) for number, row in enumerate(rows)]
    return [Bar(*row, number) for number, row in enumerate(rows, 1)]


def _begins_with_pickup(rows: list[tuple[int, int, int, int]], changes: Sequence[TimeSignatureChange]) -> bool:
    """Return whether the first of these bars is a pickup.

    Each is (start, ticks, numerator, denominator).
    """
    if len(rows) < 2 or rows[0][1] >= rows[1][1]:
        return False
    (_, ticks, over, under), following = rows[0], rows[1][2:]
    if ticks * under != WHOLE * over:
        return True
    returns = any(change[1:] == (over, under) for change in changes if change[0] > 0)
    return not returns and all(row[2:] == following for row in rows[2:3])


def count_bars(changes: Sequence[TimeSignatureChange], end: int) -> int:
    """Return how many bars `bars_of` would give, without making them."""
    return sum(len(range(tick, min(until, max(end, 1)), full)) for tick, until, full, _, _ in _stretches(changes, end))


def bar_numbers(changes: Sequence[TimeSignatureChange], ticks: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the numbers [n] of the bars of `bars_of` that contain these ticks, without making the bars.

    It is taken for granted that the piece has a third bar, on which it depends whether the first one is a pickup.
    """
    at = ticks.astype(np.int64)
    stretches = np.array([row[:3] for row in _stretches(changes, int(at.max(initial=0)) + 1)], np.int64)
    first, until, full = stretches.T
    before = np.concatenate([[0], np.cumsum(-(-(until - first) // full)[:-1])])
    which = np.maximum(np.searchsorted(first, at, side="right") - 1, 0)
    rows: list[tuple[int, int, int, int]] = []
    for tick, stop, ticks_a_bar, over, under in _stretches(changes, MAX_TICK):
        starts = islice(range(tick, stop, ticks_a_bar), 3)
        rows += [(start, min(ticks_a_bar, stop - start), over, under) for start in starts]
        if len(rows) >= 3:
            break
    number = before[which] + (at - first[which]) // full[which] + 1
    return np.asarray(number - _begins_with_pickup(rows[:3], changes), np.int64)


def bar_starts(changes: Sequence[TimeSignatureChange], ticks: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the first ticks of those bars of `bars_of` that contain any of `ticks`.

    It makes no other bars, so that a note after a million empty ones costs nothing. `ticks` has at least one.
    """
    at = ticks.astype(np.int64)
    stretches = np.array([row[:3] for row in _stretches(changes, int(at.max()) + 1)], np.int64)
    first, _, full = stretches[np.searchsorted(stretches[:, 0], at, side="right") - 1].T
    return np.unique(first + (at - first) // full * full)


def _stretches(changes: Sequence[TimeSignatureChange], end: int) -> Iterator[tuple[int, int, int, int, int]]:
    """Yield a row for each time signature until `end`.

    It is (first tick, tick after, ticks of a bar, numerator, denominator).
    """
    changes = [*changes, (max(end, 1), *DEFAULT_TIME_SIGNATURE)]
    if changes[0][0] > 0:
        changes.insert(0, (0, *DEFAULT_TIME_SIGNATURE))
    for (tick, over, under), (until, _, _) in pairwise(changes):
        twice = 1 if over * WHOLE % under == 0 else 2
        yield tick, until, over * WHOLE * twice // under, over, under
        if until >= end:
            break


def _beats(over: int, under: int) -> list[int]:
    """Return the lengths of the beats of one bar.

    They are quarters, dotted notes where there are three of a kind, or a mixture.
    """
    ticks = over * WHOLE // under
    if under >= 8 and over % 3 == 0 and ticks >= over:
        return [3 * WHOLE // under] * (over // 3)
    count, rest = divmod(ticks, TICKS_PER_QUARTER)
    if rest == TICKS_PER_QUARTER // 2 and count:
        return [TICKS_PER_QUARTER] * (count - 1) + [TRIPLE_BEAT]
    return [TICKS_PER_QUARTER] * count + [rest] * (rest > 0)
