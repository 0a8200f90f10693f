"""Constraints on pieces that are composed together, independent of the network.

For every stream: no rest is longer than two bars of 4/4; a chord is written in ascending pitch, has no more notes than
sound at once in the bar of the plan that is followed, and two hands can strike it: at most five notes and a tenth each; a
second within it needs a probability above SECOND_PROBABILITY; no chord, or single note, occurs more than 22 times in a
row; no group of one, two or four bars occurs more than four times in a row. The last two limits are people's 99th
percentiles in VGMusic's piano section.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from training.events import fields as events
from training.events.fields import EDGES, PITCH, TIME
from training.sampling.playable import HAND_NOTES, HAND_SPAN

LONGEST_REST = 2 * 96  # ticks
SAME_CHORD = 22  # maximum repetitions of a chord in a row
SAME_BARS = 4  # maximum repetitions of the same bars in a row
LOOPS = (1, 2, 4)  # loop lengths, in bars, that are limited
SECONDS = (1, 2)  # semitones between neighbours of a chord
SECOND_PROBABILITY = 0.8  # that a second within a chord must exceed

IntArray = npt.NDArray[np.int32]
Numbers = npt.NDArray[Any]
Meter = tuple[int, int, int]  # tick, numerator, denominator

_NONE = -1
_FIRST_TOO_LONG = int(np.searchsorted(EDGES, LONGEST_REST, side="right"))  # class of time
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_PITCHES = np.arange(events.PITCHES)
_REMEMBERED_BARS = SAME_BARS * max(LOOPS)  # number of stored bars


class Constraints:
    """The state of `count` streams; every array has one row per active stream."""

    def __init__(self, meters: Sequence[Meter], ticks: Sequence[int]) -> None:
        """Start streams with their time signatures and the ticks of their first notes."""
        count = len(meters)
        self.first_tick = np.array([tick for tick, _, _ in meters], np.int32)
        self.bar = np.array([events.bar_ticks(n, d) for _, n, d in meters], np.int32)  # ticks
        self.tick = np.array(ticks, np.int32)
        self.last = np.full(count, _NONE, np.int32)  # pitch of the last note
        self.low = np.zeros(count, np.int32)  # lowest pitch of this onset
        self.left = np.zeros(count, np.int32)  # notes of this onset in the left hand: as many as it can strike
        self.right = np.zeros(count, np.int32)  # and in the right hand
        self.right_low = np.full(count, _NONE, np.int32)  # its lowest pitch
        self.highest = self._highest()
        self.chord = np.zeros(count, np.uint64)  # hash of this onset's pitches so far
        self.last_chord = np.zeros(count, np.uint64)  # hash of the pitches of the onset before
        self.run = np.zeros(count, np.int32)  # how often the chord of the onset before has been struck in a row
        self.number = np.full(count, -(10**6), np.int32)  # number of the current bar
        self.content = np.zeros(count, np.uint64)  # hash of the current bar so far
        self.opening = np.full(count, _NONE, np.int32)  # first note of the current bar: 256 × place + pitch
        # hashes of earlier bars, the latest first; 0 if empty
        self.bars = np.zeros((count, _REMEMBERED_BARS), np.uint64)
        self.openings = np.full((count, _REMEMBERED_BARS), _NONE, np.int32)

    def keep(self, rows: Numbers) -> None:
        """Keep only these streams, in this order; a stream may be repeated."""
        for name, held in vars(self).items():
            setattr(self, name, held[rows])

    def onset(self, time: Numbers) -> IntArray:
        """Return the onsets in ticks of notes with these time classes."""
        return np.asarray(self.tick + EDGES[time], np.int32)

    def place(self, onset: IntArray) -> IntArray:
        """Return the classes of place in the bar of onsets."""
        place: IntArray = np.minimum((onset - self.first_tick) % self.bar, events.PLACES - 1)
        return place

    def add(self, rows: IntArray) -> None:
        """Append a note to each stream: classes [streams, KNOWN]."""
        first = self.last == _NONE
        step = np.where(first, 0, EDGES[rows[:, TIME]])
        self.tick = self.tick + step
        pitch = rows[:, PITCH]
        self._strike(pitch, is_chord=(step == 0) & ~first)
        self.last = pitch.copy()
        number = (self.tick - self.first_tick) // self.bar
        note = (((self.tick - self.first_tick) % self.bar << 8) + pitch).astype(np.int32)
        is_new_bar = number != self.number
        if is_new_bar.any():
            self._shift_bars(is_new_bar.nonzero()[0], number)
            self.opening = np.where(is_new_bar, note, self.opening)
            self.content = np.where(is_new_bar, np.uint64(0), self.content)
            self.number = number
        self.content = (self.content ^ (note.astype(np.uint64) + np.uint64(1))) * _MULTIPLIER

    def rounds(self) -> IntArray:
        """Return how often the chord of the last onset has been struck in a row, [streams]."""
        return np.where(self.chord == self.last_chord, self.run + 1, 1)

    def forbid_time(self, logits: Numbers, voices: Numbers) -> None:
        """Exclude times, in place: long rests, and further notes of a full chord.

        `voices` [streams] is 1 + the number of notes that sound at once in this bar, at most; 0 if it is not known.
        """
        logits[:, _FIRST_TOO_LONG:] = -np.inf
        is_full = (voices > 0) & (self.left + self.right >= voices - 1)
        logits[(self.last >= self.highest) | is_full, 0] = -np.inf

    def forbid_pitch(self, logits: Numbers, time: Numbers, onset: IntArray) -> None:
        """Exclude pitches, in place.

        Excluded are pitches below the last one of a chord or out of reach, a second above it unless that is
        nearly certain, the lowest pitch of a chord repeated too often, and the first note of a bar repeated too often.
        """
        chord = (time == 0).nonzero()[0]
        if len(chord):
            low, high = self.last[chord, None], self.highest[chord, None]
            logits[chord] = np.where((low >= _PITCHES) | (high < _PITCHES), -np.inf, logits[chord])
            shares = np.exp(logits[chord] - logits[chord].max(axis=1, keepdims=True))
            shares /= shares.sum(axis=1, keepdims=True)
            for step in SECONDS:
                above = np.minimum(self.last[chord] + step, events.PITCHES - 1)
                unlikely = (shares[np.arange(len(chord)), above] <= SECOND_PROBABILITY) & (
                    self.last[chord] + step < events.PITCHES
                )
                rule_out(logits, chord[unlikely], above[unlikely])
        repeated = ((self.rounds() >= SAME_CHORD) & (time > 0)).nonzero()[0]
        rule_out(logits, repeated, self.low[repeated])
        number = (onset - self.first_tick) // self.bar
        entering = (number == self.number + 1).nonzero()[0]  # an empty bar ends repetitions
        if not len(entering):
            return
        place = (onset - self.first_tick) % self.bar
        bars = np.concatenate([self.content[entering, None], self.bars[entering]], axis=1)
        openings = np.concatenate([self.opening[entering, None], self.openings[entering]], axis=1)
        for period in LOOPS:
            span = bars[:, : SAME_BARS * period]
            same = (span[:, :-period] == span[:, period:]).all(axis=1) & (span != 0).all(axis=1)
            opening = openings[:, period - 1]
            rows = (same & (opening >> 8 == place[entering])).nonzero()[0]
            rule_out(logits, entering[rows], opening[rows] & 255)

    def _strike(self, pitch: IntArray, is_chord: Numbers) -> None:
        """Give the notes that were added to hands; `is_chord` [streams] marks those of the same onset."""
        in_left = is_chord & (self.right == 0) & (pitch - self.low <= HAND_SPAN) & (self.left < HAND_NOTES)
        in_right = is_chord & ~in_left
        self.run = np.where(is_chord, self.run, np.where(self.chord == self.last_chord, self.run + 1, 1))
        self.last_chord = np.where(is_chord, self.last_chord, self.chord)
        self.chord = (
            np.where(is_chord, self.chord, np.uint64(0)) ^ (pitch.astype(np.uint64) + np.uint64(1))
        ) * _MULTIPLIER
        self.low = np.where(is_chord, self.low, pitch)
        self.left = np.where(is_chord, self.left + in_left, 1)
        self.right_low = np.where(in_right & (self.right == 0), pitch, self.right_low)
        self.right = np.where(is_chord, self.right + in_right, 0)
        self.highest = self._highest()

    def _highest(self) -> IntArray:
        """Return the highest pitch [streams] that can be struck with this onset's notes; -1 if none can."""
        top = np.minimum(self.right_low + HAND_SPAN, events.PITCHES - 1)
        return np.where(self.right == 0, events.PITCHES - 1, np.where(self.right < HAND_NOTES, top, _NONE))

    def _shift_bars(self, rows: Numbers, number: IntArray) -> None:
        """Move the current bars of these streams to the earlier bars.

        Skipped bars are stored as empty.
        """
        bars_passed = np.minimum(number[rows] - self.number[rows], _REMEMBERED_BARS)
        for step in range(int(bars_passed.max())):
            now = rows[bars_passed > step]
            self.bars[now, 1:], self.openings[now, 1:] = self.bars[now, :-1], self.openings[now, :-1]
            self.bars[now, 0] = self.content[now] if step == 0 else 0
            self.openings[now, 0] = self.opening[now] if step == 0 else _NONE


def rule_out(logits: Numbers, rows: Numbers, classes: Numbers) -> None:
    """Exclude one class in each of these rows, in place, unless no other is left."""
    if not len(rows):
        return
    before = logits[rows, classes]
    logits[rows, classes] = -np.inf
    empty = ~np.isfinite(logits[rows]).any(axis=1)
    logits[rows[empty], classes[empty]] = before[empty]
