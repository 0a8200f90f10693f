"""Keeps pieces that are being composed from completing a passage of more than so many notes that stands in what was learned.

Each stream's last notes are looked up as a seed, and from there every place is followed note by note, both just as `passages.find`
does it; so no passage that `find` sees in the finished piece is longer. Where one is as long as it may be, its right notes are ruled
out until it is lost; and a note is taken back that would join two passages to one that is too long.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from training.events.classes import EDGES, PITCH, PITCHES, TIME, to_class
from training.novelty.passages import (
    MAX_DROP,
    RATIOS,
    REACH,
    SEED,
    WRONG_PENALTY,
    Index,
    NoteLine,
    Numbers,
    agree,
    extend,
    hash_of,
    places,
    reach,
)

_RATIOS = np.array(RATIOS)
_REDRAW_FACTOR = 7919.0  # luck is spread anew by it for another draw


@dataclass(frozen=True, slots=True, eq=False)
class _Matches:
    """Places of the index that streams are followed at; every array has an entry for each."""

    stream: Numbers
    there: Numbers  # the place of the last right note
    shift: Numbers  # semitones
    ratio: Numbers
    ticks: Numbers  # of the stream, since the last right note
    score: Numbers
    best: Numbers  # the highest score so far
    right: Numbers  # right notes so far

    @classmethod
    def none(cls) -> "_Matches":
        whole, real = np.zeros(0, np.int64), np.zeros(0)
        return cls(whole, whole, whole, real, real, whole, whole, whole)

    def take(self, which: Numbers) -> "_Matches":
        return _Matches(*(getattr(self, field.name)[which] for field in fields(self)))

    def joined_with(self, more: "_Matches") -> "_Matches":
        both = (np.concatenate([getattr(self, f.name), getattr(more, f.name)]) for f in fields(self))
        return _Matches(*both)


@dataclass(frozen=True, slots=True, eq=False)
class _Seeds:
    """Where the last SEED notes of streams stand: the stream, the place of the first of them, and the ratio's number, [n] each."""

    stream: Numbers
    begin: Numbers
    ratio: Numbers

    @classmethod
    def none(cls) -> "_Seeds":
        nothing = np.zeros(0, np.int64)
        return cls(nothing, nothing, nothing)

    def take(self, which: Numbers) -> "_Seeds":
        return _Seeds(self.stream[which], self.begin[which], self.ratio[which])

    def keys(self, length: int, later: int = 0) -> Numbers:
        key: Numbers = (self.stream * (length + 1) + self.begin + later) * len(RATIOS) + self.ratio
        return key


class CopyGuard:
    """The passages that `streams` pieces are in the middle of, and what may not follow."""

    def __init__(self, index: Index, most: int, streams: int) -> None:
        """Allow passages of `most` right notes."""
        self.index, self.most = index, most
        self.ruled_out = 0  # notes that were drawn and taken back
        self._tick, self._pitch = np.zeros((streams, 256), np.int64), np.zeros((streams, 256), np.int16)
        self._length = 0
        self._matches, self._seeds = _Matches.none(), _Seeds.none()
        self._last_lookup: tuple[Numbers, _Seeds, _Matches] | None = None  # notes looked up last, and what was found

    def keep(self, rows: Numbers) -> None:
        """Go on with these streams only, in this order; one may come several times."""
        self._tick, self._pitch = self._tick[rows], self._pitch[rows]
        which, stream = _select_streams(self._matches.stream, rows)
        kept = self._matches.take(which)
        kept.stream[:] = stream
        which, stream = _select_streams(self._seeds.stream, rows)
        self._matches, self._seeds = kept, self._seeds.take(which)
        self._seeds.stream[:] = stream

    def draw(
        self, logits: Numbers, time: Numbers, uniforms: Numbers, choose: Callable[[Numbers, Numbers], Numbers]
    ) -> tuple[Numbers, npt.NDArray[np.bool_]]:
        """Return a pitch for each stream that makes no passage too long, and which streams have none left, both [streams].

        `logits` [streams, 128] are changed in place; `time` [streams] are the classes just drawn, `luck` [streams] numbers in [0, 1), and
        `choose` draws a class from each row of logits by such luck.
        """
        self.forbid(logits, time)
        pitch, redrawn = np.zeros(len(logits), np.int64), np.arange(len(logits))
        while len(redrawn):
            redrawn = redrawn[np.isfinite(logits[redrawn]).any(axis=1)]
            if len(redrawn):
                pitch[redrawn] = choose(logits[redrawn], uniforms[redrawn])
            redrawn = redrawn[self._too_long(time, pitch)[redrawn]]
            logits[redrawn, pitch[redrawn]] = -np.inf
            uniforms = uniforms * _REDRAW_FACTOR % 1
            self.ruled_out += len(redrawn)
        return pitch, np.logical_not(np.isfinite(logits).any(axis=1))

    def forbid(self, logits: Numbers, time: Numbers) -> None:
        """Rule out pitches, in place: those that go on with a passage that is as long as it may be."""
        which = np.flatnonzero(self._matches.right >= self.most)
        if not len(which):
            return
        full = self._matches.take(which)
        ticks = (full.ticks + EDGES[time[full.stream]]) * full.ratio
        for far in range(1, REACH + 1):
            at = np.minimum(full.there + far, len(self.index) - 1)
            pitch = self.index.pitch[at] + full.shift
            right = agree(self.index.tick[at] - self.index.tick[full.there], ticks) & (at != full.there)
            right &= (pitch >= 0) & (pitch < PITCHES)
            logits[full.stream[right], pitch[right]] = -np.inf

    def add(self, rows: npt.NDArray[np.int32]) -> None:
        """Take the next note of each stream: classes [streams, 5]."""
        passed = EDGES[rows[:, TIME]] if self._length else np.zeros(len(rows), np.int32)
        seeds, new = self._look_up(rows[:, TIME], rows[:, PITCH])
        self._last_lookup = None
        self._length += 1
        self._follow(passed, rows[:, PITCH])
        self._matches, self._seeds = self._matches.joined_with(new) if len(new.stream) else self._matches, seeds

    def _look_up(self, time: Numbers, pitch: Numbers) -> tuple[_Seeds, _Matches]:
        """Return what `_begun` gives with these notes, [streams] each, as the last ones."""
        note = np.stack([time, pitch])
        if self._last_lookup is not None and np.array_equal(self._last_lookup[0], note):
            return self._last_lookup[1:]
        if self._length == self._tick.shape[1]:
            self._tick, self._pitch = (np.concatenate([a, np.zeros_like(a)], axis=1) for a in (self._tick, self._pitch))
        self._pitch[:, self._length] = pitch
        self._tick[:, self._length] = self._tick[:, self._length - 1] + EDGES[time] if self._length else 0
        seeds, new = self._find_seeds(self._length + 1)
        self._last_lookup = note, seeds, new
        return seeds, new

    def _too_long(self, time: Numbers, pitch: Numbers) -> npt.NDArray[np.bool_]:
        """Return for which streams a note would complete a seed that makes the passage before it too long."""
        _, new = self._look_up(time, pitch)
        over = np.zeros(len(self._tick), bool)
        over[new.stream[new.right > self.most]] = True
        return over

    def _follow(self, passed: Numbers, pitch: Numbers) -> None:
        old = self._matches
        if not len(old.stream):
            return
        ticks = old.ticks + passed[old.stream]
        step = reach(self.index, old.there, ticks * old.ratio, pitch[old.stream] - old.shift)
        is_right = step > 0
        score = old.score + np.where(is_right, 1 - WRONG_PENALTY * (step - 1), -WRONG_PENALTY)
        now = _Matches(
            stream=old.stream,
            there=old.there + step,
            shift=old.shift,
            ratio=old.ratio,
            ticks=np.where(is_right, 0.0, ticks),
            score=score,
            best=np.maximum(old.best, score),
            right=old.right + is_right,
        )
        self._matches = now.take(now.best - now.score <= MAX_DROP)

    def _find_seeds(self, length: int) -> tuple[_Seeds, _Matches]:
        """Return where the last SEED of `length` notes stand, and what is newly followed there: not where the seed before goes on."""
        if length < SEED:
            return _Seeds.none(), _Matches.none()
        window = slice(length - SEED, length)
        tick, pitch = self._tick[:, window], self._pitch[:, window].astype(np.int64)
        time = to_class(np.diff(tick, axis=1)[:, None] * _RATIOS[:, None])
        interval = np.broadcast_to(np.diff(pitch, axis=1)[:, None], time.shape)
        hashes = hash_of(interval.reshape(-1, SEED - 1), time.reshape(-1, SEED - 1))
        has_speed = (tick[:, -1] > tick[:, 0])[:, None] | (_RATIOS == 1)  # a chord alone has none
        which, begin = places(self.index, np.flatnonzero(has_speed), hashes)
        if not len(which):
            return _Seeds.none(), _Matches.none()
        seeds = _Seeds(which // len(RATIOS), begin.astype(np.int64), which % len(RATIOS))
        size = len(self.index)
        new = seeds.take(~np.isin(seeds.keys(size), self._seeds.keys(size, later=1)))
        return seeds, self._start_matches(new, length - SEED)

    def _start_matches(self, seeds: _Seeds, note: int) -> _Matches:
        """Return the places of these seeds, that begin at this note of their streams, as they are followed from their last notes on."""
        if not len(seeds.stream):
            return _Matches.none()
        room = self._tick.shape[1]
        line = NoteLine(self._tick.reshape(-1), self._pitch.reshape(-1))
        first, ratio = seeds.stream * room + note, _RATIOS[seeds.ratio]
        before, *_ = extend(self.index, line, seeds.stream * room - 1, first, seeds.begin, ratio, -1)
        score = np.full(len(first), SEED)
        return _Matches(
            stream=seeds.stream,
            there=seeds.begin + SEED - 1,
            shift=line.pitch[first].astype(np.int64) - self.index.pitch[seeds.begin],
            ratio=ratio,
            ticks=np.zeros(len(first)),
            score=score,
            best=score,
            right=before + SEED,
        )


def _select_streams(stream: Numbers, rows: Numbers) -> tuple[Numbers, Numbers]:
    """Return the entries that belong to the streams `rows`, one after the other, and the new number of each entry's stream."""
    where = [np.flatnonzero(stream == row) for row in rows]
    which = np.concatenate([*where, np.zeros(0, np.int64)]).astype(np.int64)
    return which, np.repeat(np.arange(len(rows)), [len(found) for found in where])
