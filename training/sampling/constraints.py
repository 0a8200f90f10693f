"""Pieces that are being composed side by side: where each stands, and what may not come next whatever the network says.

Rules that hold for every stream: no rest is longer than two bars of 4/4, a chord is written from its lowest note up and has at most
16 notes, no pitch comes more than 12 times running, and no bar, pair of bars or four bars stand more than four times running.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from training.events import classes as events
from training.events.classes import EDGES, PITCH, TIME

LONGEST_REST = 2 * 96  # ticks
LARGEST_CHORD = 16  # notes at one onset
SAME_PITCH = 12  # as often as a pitch may come running
SAME_BARS = 4  # as often as the same bars may stand running
LOOPS = (1, 2, 4)  # bars that a loop may have to be looked for

IntArray = npt.NDArray[np.int32]
Numbers = npt.NDArray[Any]
Meter = tuple[int, int, int]  # tick, numerator, denominator

_NONE = -1
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_REMEMBERED_BARS = SAME_BARS * max(LOOPS)  # bars that are remembered


class Constraints:
    """The state of `count` streams; every array has a row for each that still goes on."""

    def __init__(self, meters: Sequence[Meter], ticks: Sequence[int]) -> None:
        """Begin streams, each with its time signature and the tick of its first note."""
        count = len(meters)
        self.began = np.array([tick for tick, _, _ in meters], np.int32)
        self.bar = np.array([events.bar_ticks(n, d) for _, n, d in meters], np.int32)  # ticks
        self.tick = np.array(ticks, np.int32)
        self.last = np.full(count, _NONE, np.int32)  # pitch of the last note
        self.chord = np.zeros(count, np.int32)  # notes at this onset
        self.run = np.zeros(count, np.int32)  # how often the last pitch came running
        self.number = np.full(count, -(10**6), np.int32)  # of the bar that the last note stands in
        self.content = np.zeros(count, np.uint64)  # a hash of what stands in it so far
        self.opening = np.full(count, _NONE, np.int32)  # its first note: 256 × place + pitch
        self.bars = np.zeros(
            (count, _REMEMBERED_BARS), np.uint64
        )  # hashes of the bars before it, the latest first; 0 for an empty one
        self.openings = np.full((count, _REMEMBERED_BARS), _NONE, np.int32)

    def keep(self, rows: Numbers) -> None:
        """Go on with these streams only, in this order; one may come several times."""
        for name, held in vars(self).items():
            setattr(self, name, held[rows])

    def onset(self, time: Numbers) -> IntArray:
        """Return the ticks at which notes of these times (classes) begin."""
        return np.asarray(self.tick + EDGES[time], np.int32)

    def place(self, onset: IntArray) -> IntArray:
        """Return the classes of place in the bar of onsets."""
        place: IntArray = np.minimum((onset - self.began) % self.bar, events.PLACES - 1)
        return place

    def add(self, rows: IntArray) -> None:
        """Take the next note of each stream: classes [streams, 5]."""
        first = self.last == _NONE
        step = np.where(first, 0, EDGES[rows[:, TIME]])
        self.tick = self.tick + step
        pitch = rows[:, PITCH]
        self.run = np.where(pitch == self.last, self.run + 1, 1)
        self.chord = np.where((step == 0) & ~first, self.chord + 1, 1)
        self.last = pitch.copy()
        number = (self.tick - self.began) // self.bar
        note = (((self.tick - self.began) % self.bar << 8) + pitch).astype(np.int32)
        is_new_bar = number != self.number
        if is_new_bar.any():
            self._shift_bars(np.flatnonzero(is_new_bar), number)
            self.opening = np.where(is_new_bar, note, self.opening)
            self.content = np.where(is_new_bar, np.uint64(0), self.content)
            self.number = number
        self.content = (self.content ^ (note.astype(np.uint64) + np.uint64(1))) * _MULTIPLIER

    def forbid_time(self, logits: Numbers) -> None:
        """Rule out times, in place: long rests, and another note where a chord is full."""
        logits[:, EDGES > LONGEST_REST] = -np.inf
        logits[(self.last == events.PITCHES - 1) | (self.chord >= LARGEST_CHORD), 0] = -np.inf

    def forbid_pitch(self, logits: Numbers, time: Numbers, onset: IntArray) -> None:
        """Rule out pitches, in place: those below the last in a chord, one that came too often, and what opens a worn bar."""
        chord = np.flatnonzero(time == 0)
        logits[chord] = np.where(np.arange(events.PITCHES) <= self.last[chord, None], -np.inf, logits[chord])
        repeated = np.flatnonzero(self.run >= SAME_PITCH)
        rule_out(logits, repeated, self.last[repeated])
        number = (onset - self.began) // self.bar
        place = (onset - self.began) % self.bar
        entering = np.flatnonzero(number == self.number + 1)  # after an empty bar nothing is worn
        if not len(entering):
            return
        bars = np.concatenate([self.content[entering, None], self.bars[entering]], axis=1)
        openings = np.concatenate([self.opening[entering, None], self.openings[entering]], axis=1)
        for period in LOOPS:
            span = bars[:, : SAME_BARS * period]
            same = (span[:, :-period] == span[:, period:]).all(axis=1) & (span != 0).all(axis=1)
            opening = openings[:, period - 1]
            rows = np.flatnonzero(same & (opening >> 8 == place[entering]))
            rule_out(logits, entering[rows], opening[rows] & 255)

    def _shift_bars(self, rows: Numbers, number: IntArray) -> None:
        """Put the bars that these streams leave among those before, with empty ones for the bars that nothing stood in."""
        bars_passed = np.minimum(number[rows] - self.number[rows], _REMEMBERED_BARS)
        for step in range(int(bars_passed.max())):
            now = rows[bars_passed > step]
            self.bars[now, 1:], self.openings[now, 1:] = self.bars[now, :-1], self.openings[now, :-1]
            self.bars[now, 0] = self.content[now] if step == 0 else 0
            self.openings[now, 0] = self.opening[now] if step == 0 else _NONE


def rule_out(logits: Numbers, rows: Numbers, classes: Numbers) -> None:
    """Rule out one class in each of these rows, in place, but where nothing else is left."""
    before = logits[rows, classes]
    logits[rows, classes] = -np.inf
    empty = ~np.isfinite(logits[rows]).any(axis=1)
    logits[rows[empty], classes[empty]] = before[empty]
