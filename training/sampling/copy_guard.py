"""Prevents composed pieces from copying passages that are too long.

In: an index of training pieces, and streams of notes. Out: pitches that keep every passage within the limit. The last
notes of each stream are looked up as a seed and matched note by note, exactly as in `passages.find`, so `find`
reports no longer passage in the finished piece. Notes that continue a match of LONG_MATCH notes or more are less
probable, so that few passages become long; once it has the maximum length, they are excluded until it ends. A
note that would join two passages to one that is too long is drawn again. Once too many notes follow one training
piece, passages of it are limited to fewer notes than `find` reports.
"""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from training.events.fields import EDGES, PITCH, PITCHES, TIME, to_class
from training.novelty.followed_pieces import FollowedPieces
from training.novelty.passages import (
    MAX_DROP,
    MIN_PASSAGE_NOTES,
    RATIOS,
    REACH,
    WRONG_PENALTY,
    Index,
    NoteLine,
    Numbers,
    agree,
    extend,
    places,
    reach,
)
from training.novelty.seed_hashes import SEED, extended, hash_of, hashed_steps

_RATIOS = np.array(RATIOS)
_IS_PLAIN = _RATIOS == 1
_TIMES = to_class(EDGES[:, None] * _RATIOS)  # [class, ratio]: the class of that time at another speed
LONG_MATCH = 11  # notes
# of the logit of a note that continues one; brings the share of passages of 16 notes near people's
LONG_MATCH_PENALTY = np.float32(2)
MAX_SHARE = 0.06  # of the notes, may follow one training piece: as in 99 of 100 held-out pieces of people
_REDRAW_FACTOR = 7919.0  # derives new uniform numbers for a redraw


@dataclass(frozen=True, slots=True, eq=False)
class _Matches:
    """Matches of streams in the index; every array has one entry per match."""

    stream: Numbers
    there: Numbers  # index of the last matching note
    shift: Numbers  # semitones
    ratio: Numbers
    ticks: Numbers  # of the stream, since the last matching note
    score: Numbers
    best: Numbers  # the highest score so far
    right: Numbers  # matching notes so far
    is_on: npt.NDArray[np.bool_]  # whether the last note matches

    @classmethod
    def none(cls) -> "_Matches":
        whole, real = np.zeros(0, np.int64), np.zeros(0)
        return cls(whole, whole, whole, real, real, whole, whole, whole, np.zeros(0, bool))

    def take(self, which: Numbers) -> "_Matches":
        return _Matches(*(getattr(self, field.name)[which] for field in fields(self)))

    def joined_with(self, more: "_Matches") -> "_Matches":
        both = (np.concatenate([getattr(self, f.name), getattr(more, f.name)]) for f in fields(self))
        return _Matches(*both)


@dataclass(frozen=True, slots=True, eq=False)
class _Seeds:
    """Places of the last SEED notes of streams, [n] each.

    `begin` is the place of the first note, `ratio` the number of the speed.
    """

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
    """The current matches of `streams` pieces."""

    def __init__(self, index: Index, most: int, streams: int) -> None:
        """Allow passages of up to `most` matching notes, and MAX_SHARE of the notes to follow one piece.

        One passage of `most` notes is always allowed.
        """
        self.index, self.most = index, most
        self.ruled_out = 0  # number of rejected draws
        self._tick, self._pitch = np.zeros((streams, 256), np.int64), np.zeros((streams, 256), np.int16)
        self._length, self._begin = 0, 0
        self._followed = FollowedPieces(streams)
        self._matches, self._seeds = _Matches.none(), _Seeds.none()
        self._last_lookup: tuple[Numbers, _Seeds, _Matches, Numbers] | None = None  # notes, result, and their steps
        self._steps = np.zeros((streams, len(RATIOS), SEED - 2), np.uint64)  # of the last notes, at each speed
        self._hash = np.zeros((streams, len(RATIOS)), np.uint64)  # of these steps

    def begin(self) -> None:
        """Let the piece begin here: what was added before, such as a prime, follows no piece."""
        self._begin, self._followed = self._length, FollowedPieces(len(self._tick))

    def keep(self, rows: Numbers) -> None:
        """Keep only these streams, in this order; a stream may be repeated."""
        self._last_lookup = None
        self._followed = copy(self._followed)
        self._followed.keep(rows)
        self._tick, self._pitch = self._tick[rows], self._pitch[rows]
        self._steps, self._hash = self._steps[rows], self._hash[rows]
        which, stream = _select_streams(self._matches.stream, rows)
        kept = self._matches.take(which)
        kept.stream[:] = stream
        which, stream = _select_streams(self._seeds.stream, rows)
        self._matches, self._seeds = kept, self._seeds.take(which)
        self._seeds.stream[:] = stream

    def draw(
        self, logits: Numbers, time: Numbers, uniforms: Numbers, choose: Callable[[Numbers, Numbers], Numbers]
    ) -> tuple[Numbers, npt.NDArray[np.bool_]]:
        """Draw a pitch for each stream that makes no passage too long.

        `logits` [streams, 128] are changed in place. `time` [streams] holds the time classes just drawn, `uniforms`
        [streams] numbers in [0, 1). `choose` draws a class from each row of logits. Also returns which streams have
        no pitch left, [streams].
        """
        self.forbid(logits, time)
        pitch, is_left = np.zeros(len(logits), np.int64), logits.max(axis=1) > -np.inf
        drawn = is_left.nonzero()[0]
        while len(drawn):
            pitch[drawn] = choose(logits[drawn], uniforms[drawn])
            drawn = drawn[self._too_long(time, pitch)[drawn]]
            if len(drawn):
                self.ruled_out += len(drawn)
                logits[drawn, pitch[drawn]] = -np.inf
                is_left[drawn] = logits[drawn].max(axis=1) > -np.inf
                drawn = drawn[is_left[drawn]]
                uniforms = uniforms * _REDRAW_FACTOR % 1
        return pitch, ~is_left

    def forbid(self, logits: Numbers, time: Numbers) -> None:
        """Exclude pitches, in place, that continue a match of maximum length; lower those that continue a long one."""
        right = self._matches.right
        if right.max(initial=0) < min(self.most, MIN_PASSAGE_NOTES - 1):
            return
        for which, penalty in (
            ((right >= LONG_MATCH) & self._matches.is_on, LONG_MATCH_PENALTY),
            (right >= self._limits(self._matches), np.inf),
        ):
            if which.any():
                logits[self._next_notes(which, time)] -= penalty

    def _next_notes(self, which: npt.NDArray[np.bool_], time: Numbers) -> tuple[Numbers, Numbers]:
        """Return the streams and pitches of notes at the times `time` that continue these matches."""
        matches = self._matches.take(which.nonzero()[0])
        ticks = (matches.ticks + EDGES[time[matches.stream]]) * matches.ratio
        far = np.arange(1, REACH + 1)[:, None]
        at = np.minimum(matches.there + far, len(self.index) - 1)
        pitch = self.index.pitch[at] + matches.shift
        right = agree(self.index.tick[at] - self.index.tick[matches.there], ticks) & (at != matches.there)
        right &= (pitch >= 0) & (pitch < PITCHES)
        return np.broadcast_to(matches.stream, right.shape)[right], pitch[right]

    def add(self, rows: npt.NDArray[np.int32]) -> None:
        """Append a note to each stream: classes [streams, KNOWN]."""
        passed = EDGES[rows[:, TIME]] if self._length else np.zeros(len(rows), np.int32)
        seeds, new = self._look_up(rows[:, TIME], rows[:, PITCH])
        if self._last_lookup is not None:
            self._steps = np.concatenate([self._steps[:, :, 1:], self._last_lookup[3][:, :, None]], axis=2)
            self._hash = hash_of(self._steps)
        self._last_lookup = None
        self._length += 1
        self._follow(passed, rows[:, PITCH])
        self._matches, self._seeds = self._matches.joined_with(new) if len(new.stream) else self._matches, seeds
        on = ((self._matches.right >= MIN_PASSAGE_NOTES) & self._matches.is_on).nonzero()[0]
        if len(on):
            there = self._matches.there[on]
            self._followed.add(self._length, self._matches.stream[on], self._piece(there), there)

    def _look_up(self, time: Numbers, pitch: Numbers) -> tuple[_Seeds, _Matches]:
        """Return `_find_seeds` with these notes, [streams] each, as the last ones."""
        note = np.array([time, pitch])
        if self._last_lookup is not None and (self._last_lookup[0] == note).all():
            return self._last_lookup[1:3]
        if self._length == self._tick.shape[1]:
            self._tick, self._pitch = (np.concatenate([a, np.zeros_like(a)], axis=1) for a in (self._tick, self._pitch))
        self._pitch[:, self._length] = pitch
        self._tick[:, self._length] = self._tick[:, self._length - 1] + EDGES[time] if self._length else 0
        step = hashed_steps(self._pitch[:, self._length, None] - self._pitch[:, self._length - 1, None], _TIMES[time])
        seeds, new = self._find_seeds(self._length + 1, step)
        self._last_lookup = note, seeds, new, step
        return seeds, new

    def _too_long(self, time: Numbers, pitch: Numbers) -> npt.NDArray[np.bool_]:
        """Return for which streams the note completes a passage that is too long."""
        _, new = self._look_up(time, pitch)
        over = np.zeros(len(self._tick), bool)
        if len(new.stream):
            over[new.stream[new.right > self._limits(new)]] = True
        return over

    def _limits(self, matches: _Matches) -> Numbers:
        """Return the maximum matching notes of each match: fewer than a passage has, where the piece is used up."""
        limits = np.full(len(matches.right), self.most)
        near = (matches.right >= MIN_PASSAGE_NOTES - 1).nonzero()[0]
        if len(near):
            counts = self._followed.counts(matches.stream[near], self._piece(matches.there[near]))
            allowed = max(self.most, int(MAX_SHARE * (self._length - self._begin)))
            limits[near[counts >= allowed]] = MIN_PASSAGE_NOTES - 1
        return limits

    def _piece(self, there: Numbers) -> Numbers:
        """Return the number of the training piece of each note of the index."""
        piece: Numbers = np.searchsorted(self.index.first, there, side="right") - 1
        return piece

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
            is_on=is_right,
        )
        self._matches = now.take(now.best - now.score <= MAX_DROP)

    def _find_seeds(self, length: int, step: Numbers) -> tuple[_Seeds, _Matches]:
        """Return the places of the last SEED notes, and new matches; `step` is `_step` of the last note.

        Places that continue a previous seed are not new.
        """
        if length < SEED:
            return _Seeds.none(), _Matches.none()
        has_speed = self._tick[:, length - 1] > self._tick[:, length - SEED]  # a single chord has no speed
        hashes = extended(self._hash, step)
        which, begin = places(self.index, (has_speed[:, None] | _IS_PLAIN).ravel().nonzero()[0], hashes.ravel())
        if not len(which):
            return _Seeds.none(), _Matches.none()
        seeds = _Seeds(which // len(RATIOS), begin.astype(np.int64), which % len(RATIOS))
        size = len(self.index)
        new = seeds.take(~np.isin(seeds.keys(size), self._seeds.keys(size, later=1)))
        return seeds, self._start_matches(new, length - SEED)

    def _start_matches(self, seeds: _Seeds, note: int) -> _Matches:
        """Return matches of seeds that begin at note `note` of their streams."""
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
            is_on=np.ones(len(first), bool),
        )


def _select_streams(stream: Numbers, rows: Numbers) -> tuple[Numbers, Numbers]:
    """Return the entries of the streams `rows`, and the new stream number of each."""
    where = [np.flatnonzero(stream == row) for row in rows]
    which = np.concatenate([*where, np.zeros(0, np.int64)]).astype(np.int64)
    return which, np.repeat(np.arange(len(rows)), [len(found) for found in where])
