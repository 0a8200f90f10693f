"""Keeps pieces that are being composed from completing a passage of more than so many notes that stands in what was learned.

Every stream's last notes are looked up as a seed (`passages.py`); from there each place is followed note by note, as `find` would
follow it. Where a passage is as long as it may be, its right notes are ruled out until it is lost.
"""

import numpy as np
import numpy.typing as npt

from training.events import EDGES, PITCH, PITCHES, TIME, to_class
from training.passages import (
    DROP,
    RATIOS,
    REACH,
    SEED,
    WRONG,
    Index,
    Line,
    Numbers,
    agree,
    extend,
    hash_of,
    places,
    reach,
)
from training.streams import rule_out

_FIELDS = ("_stream", "_there", "_shift", "_ratio", "_ticks", "_score", "_best", "_right", "_notes")


class Guard:
    """The passages that `streams` pieces are in the middle of; every array `_…` has an entry for each place that is followed."""

    def __init__(self, index: Index, most: int, streams: int) -> None:
        """Allow passages of `most` right notes."""
        self.index, self.most = index, most
        self.ruled_out = 0  # how often a likely note was
        self._tick, self._pitch = np.zeros((streams, 256), np.int64), np.zeros((streams, 256), np.int16)
        self._length = 0
        for name in _FIELDS:
            setattr(self, name, np.zeros(0, float if name in ("_ratio", "_ticks") else np.int64))

    def keep(self, rows: Numbers) -> None:
        """Go on with these streams only, in this order; one may come several times."""
        self._tick, self._pitch = self._tick[rows], self._pitch[rows]
        where = [np.flatnonzero(self._stream == row) for row in rows]
        stream = np.repeat(np.arange(len(rows)), [len(which) for which in where])
        self._choose(np.concatenate([*where, np.zeros(0, np.int64)]).astype(np.int64))
        self._stream = stream

    def forbid(self, logits: Numbers, time: Numbers) -> None:
        """Rule out pitches, in place: those that make too long a passage longer. `time` [streams] are the classes just drawn."""
        full = np.flatnonzero(self._notes >= self.most)
        there, stream = self._there[full], self._stream[full]
        ticks = (self._ticks[full] + EDGES[time[stream]]) * self._ratio[full]
        for far in range(1, REACH + 1):
            at = np.minimum(there + far, len(self.index) - 1)
            pitch = self.index.pitch[at] + self._shift[full]
            right = agree(self.index.tick[at] - self.index.tick[there], ticks) & (at != there)
            right &= (pitch >= 0) & (pitch < PITCHES)
            rule_out(logits, stream[right], pitch[right])

    def add(self, rows: npt.NDArray[np.int32]) -> None:
        """Take the next note of each stream: classes [streams, 5]."""
        if self._length == self._tick.shape[1]:
            self._tick, self._pitch = (np.concatenate([a, np.zeros_like(a)], axis=1) for a in (self._tick, self._pitch))
        before = self._tick[:, self._length - 1] if self._length else np.zeros(len(rows), np.int64)
        passed = EDGES[rows[:, TIME]] if self._length else np.zeros(len(rows), np.int32)
        self._tick[:, self._length], self._pitch[:, self._length] = before + passed, rows[:, PITCH]
        self._length += 1
        self._follow(passed, rows[:, PITCH])
        if self._length >= SEED:
            self._find_seeds()

    def _follow(self, passed: Numbers, pitch: Numbers) -> None:
        self._ticks = self._ticks + passed[self._stream]
        step = reach(self.index, self._there, self._ticks * self._ratio, pitch[self._stream] - self._shift)
        is_right = step > 0
        self._there = self._there + step
        self._ticks = np.where(is_right, 0.0, self._ticks)
        self._score = self._score + np.where(is_right, 1 - WRONG * (step - 1), -WRONG)
        self._right = self._right + is_right
        better = self._score > self._best
        self._best = np.where(better, self._score, self._best)
        self._notes = np.where(better, self._right, self._notes)
        self._choose(np.flatnonzero(self._best - self._score <= DROP))

    def _find_seeds(self) -> None:
        """Begin to follow the places where the last SEED notes stand, but for those that are followed already."""
        window = slice(self._length - SEED, self._length)
        tick, pitch = self._tick[:, window], self._pitch[:, window].astype(np.int64)
        known = self._key(self._stream, self._there, self._ratio)
        for ratio in RATIOS:
            which = np.arange(len(tick)) if ratio == 1 else np.flatnonzero(tick[:, -1] > tick[:, 0])
            hashes = hash_of(np.diff(pitch, axis=1), to_class(np.diff(tick, axis=1) * ratio))
            stream, begin = places(self.index, which, hashes)
            there, ratios = begin + SEED - 1, np.full(len(stream), ratio)
            new = ~np.isin(self._key(stream, there, ratios), known)
            if new.any():
                self._begin(stream[new], begin[new], there[new], ratios[new])

    def _begin(self, stream: Numbers, begin: Numbers, there: Numbers, ratio: Numbers) -> None:
        room = self._tick.shape[1]
        line = Line(self._tick.reshape(-1), self._pitch.reshape(-1))
        first = stream * room + self._length - SEED
        right, score, *_ = extend(self.index, line, stream * room - 1, first, begin, ratio, -1)
        right, score = right + SEED, score + SEED
        shift = line.pitch[first].astype(np.int64) - self.index.pitch[begin]
        new = (stream, there, shift, ratio, np.zeros(len(stream)), score, score, right, right)
        for name, values in zip(_FIELDS, new, strict=True):
            setattr(self, name, np.concatenate([getattr(self, name), values]))

    def _key(self, stream: Numbers, there: Numbers, ratio: Numbers) -> Numbers:
        key: Numbers = (stream * len(self.index) + there) * len(RATIOS) + np.searchsorted(_SORTED, ratio)
        return key

    def _choose(self, which: Numbers) -> None:
        for name in _FIELDS:
            setattr(self, name, getattr(self, name)[which])


_SORTED = np.sort(RATIOS)
