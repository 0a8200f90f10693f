"""The past of pieces that advance together, and the guesses that follow their plans.

`Past` holds the latest notes, the latest first. `training.events.repeat_models` adds the models of repetition. Composing
takes these steps for every note, so there are few of them and they work on narrow types: masks and lengths are uint8.
"""

from collections.abc import Sequence
from copy import copy
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from training.events.ears import RECENT, heard, interval, releases
from training.events.fields import EDGES, to_class
from training.events.followed import Followed, Sources
from training.events.plans import COLUMNS, LEVELS, Plan

PITCH_CLASS_SHARES = 24
"""Pitch class shares: twelve for about the last 30 notes, twelve for about the last 250."""

HISTORY = 2048
"""Number of latest notes that are searched."""

Array = npt.NDArray[np.int16]
Numbers = npt.NDArray[Any]
Guess = tuple[Numbers, Numbers, Any]  # class, confidence, whether there is a guess

NARROW = ("time", "pitch", "duration", "velocity", "place", "exact", "moved", "rhythm")
"""What is known of each past note in one byte: its classes, and the lengths of matches that end before it."""

MATCHES = slice(NARROW.index("exact"), len(NARROW))
"""Those of NARROW that are lengths of matches."""

_FAR = 2**31  # more than any key
_FIGURE = 24  # latest notes that tell how far a figure is moved
_OLDER = 20  # semitones: a note of an earlier bar tells as little as one so much further away
_MOVED = 12  # semitones at most between a note and the one in its place
_CLOSE = np.array([0, 2, 4, 7])  # semitones: intervals of closeness
_SNAPS = (0, -1, 1, -2, 2)  # semitones to the nearest planned pitch class, in the order of trial
_CHROMA = [*COLUMNS].index("chroma")


class Past:
    """The latest notes of `streams` pieces, their plans, and what sounds.

    Notes are found by their position in the flat arrays; `note(name, at)` reads them there.
    """

    def __init__(self, streams: int, longest: int, plans: Sequence[tuple[Plan, Numbers] | None] = ()) -> None:
        """Allocate space for pieces of up to `longest` notes, with their plans and bar lines.

        Beyond HISTORY notes, the earliest are dropped.
        """
        self.plans = Followed(plans or [None] * streams)
        self._room = min(longest, 2 * HISTORY) + 1
        self._front = self._room  # column of the latest note; older ones follow
        shape = streams, self._room
        self._narrow = np.zeros((len(NARROW), *shape), np.uint8)
        self._interval = np.zeros(shape, np.int16)
        self._onset, self._end = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
        # −key, where a key is 128 × onset + pitch, ascending throughout: stream by stream, columns without a note first
        self._order = np.full(shape, -_FAR, np.int64) + (np.arange(streams) << 32)[:, None]
        self._now: dict[str, Numbers] = {}  # what is known of the coming note
        # the pitch in each note's place one bar before, and in the bar whose rhythm is repeated; −1 for none
        self._counterparts = np.full((2, *shape), -1, np.int16)
        self._coming_counterparts = np.full((2, streams), -1, np.int16)  # those of the coming note
        self._pitch_class_memory = np.zeros((streams, 2, 12), np.float32)
        # the last note, and the highest notes of the last two chords before its onset, as pitch + 1; 0 for none
        self._tops = np.zeros((3, streams), np.int16)
        self.onset = np.zeros(streams, np.int32)
        self.bar = np.zeros(streams, np.int32)  # length of the last note's bar
        self._look()

    def keep(self, rows: Numbers) -> None:
        """Keep only these streams."""
        for name in ("_narrow", "_tops", "_counterparts", "_coming_counterparts"):
            setattr(self, name, getattr(self, name)[:, rows])
        self._order = self._order[rows] + (np.arange(len(rows)) - rows << 32)[:, None]
        for name in ("_interval", "_onset", "_end", "_pitch_class_memory", "onset", "bar"):
            setattr(self, name, getattr(self, name)[rows])
        self.plans.keep(rows)
        self._look()

    def only(self, rows: Numbers) -> Self:
        """Return a copy with these streams only."""
        few = copy(self)
        few.plans = copy(self.plans)
        few.keep(rows)
        return few

    def pitch_class_shares(self) -> Array:
        """Return the share of each pitch class in the past, in thousandths.

        int16 [streams, PITCH_CLASS_SHARES].
        """
        shares = self._pitch_class_memory / np.maximum(self._pitch_class_memory.sum(axis=2, keepdims=True), 1)
        thousandths: Array = (shares * 1000).round().astype(np.int16).reshape(-1, PITCH_CLASS_SHARES)
        return thousandths

    def releases(self) -> Array:
        """Return the ticks to releases after the last onset: see `training.events.ears`."""
        near = slice(self._front, min(self._front + RECENT, self._last))
        return releases(self._onset[:, near], self._end[:, near], self.onset, int(EDGES[-1]))

    def line_before(self) -> Numbers:
        """Return what is known of the top line before the time, [streams, 2]: see `ears.LINE`."""
        return interval(self._tops[1:], self._tops[:2]).T

    def line(self, onset: Numbers) -> Numbers:
        """Return what is known of the top line before the pitch, [streams]: see `ears.LINE`."""
        top, before = np.where(onset > self.onset, self._tops[:2], self._tops[1:])
        return interval(before, top)

    def heard(self, onset: Numbers) -> Array:
        """Return what sounds at the onsets [streams]: see `training.events.ears`."""
        near = slice(self._front, min(self._front + RECENT, self._last))
        return heard(self.seen["pitch"][:, :RECENT], self._onset[:, near], self._end[:, near], onset)

    def note(self, name: str, at: Numbers) -> Numbers:
        """Return what is known of the notes at these positions, of any shape."""
        values: Numbers = self._held[name].take(at)
        return values

    def _add_note(self, note: Numbers, onset: Numbers, interval: Numbers) -> None:
        """Append a note to each stream, as classes and place [streams, ≥5]; there must be room."""
        self._front -= 1
        front = self._front
        self._narrow[: MATCHES.start, :, front] = note[:, : MATCHES.start].T
        self._tops[1:] = np.where(onset > self.onset, self._tops[:2], self._tops[1:])
        self._tops[0] = note[:, NARROW.index("pitch")] + 1
        self.onset = onset.astype(np.int32)
        is_near = np.abs(self._coming_counterparts - note[:, NARROW.index("pitch")]) <= _MOVED
        self._counterparts[:, :, front] = np.where(is_near, self._coming_counterparts, -1)
        self._coming_counterparts = np.full_like(self._coming_counterparts, -1)
        self._interval[:, front], self._onset[:, front] = interval, self.onset
        self._end[:, front] = self.onset + EDGES.take(note[:, NARROW.index("duration")])
        self._order[:, front] = (self._rows << 32) - ((self.onset << 7) + note[:, NARROW.index("pitch")])
        self._look()

    def _drop_old_notes(self) -> None:
        """Move the latest HISTORY notes to the end of the arrays."""
        for held in (self._narrow, self._counterparts, self._interval, self._onset, self._end, self._order):
            held[..., self._room - HISTORY :] = held[..., :HISTORY].copy()
        self._front = self._room - HISTORY
        self._order[:, : self._front] = (self._rows << 32)[:, None] - _FAR
        self._look()

    def _look(self) -> None:
        """Prepare views of the notes that there are: `seen[name]` [streams, notes]."""
        self._rows = np.arange(len(self.onset))
        self._last = min(self._room, self._front + HISTORY)
        self._start = self._rows * self._room + self._front  # positions of the latest notes
        self._held: dict[str, Numbers] = dict(zip(NARROW, self._narrow, strict=True))
        self._held |= {"interval": self._interval, "onset": self._onset}
        self.seen = {name: held[:, self._front : self._last] for name, held in self._held.items()}

    def _first_after(self, after: Numbers) -> tuple[Numbers, Numbers]:
        """Return the position of the first note after each key [..., streams], and whether it exists."""
        following = self._order.ravel().searchsorted((self._rows << 32) - after)
        following = np.minimum(following, self._start + (self._last - self._front))
        return np.maximum(following - 1, self._start), following > self._start

    def _key(self, at: Numbers) -> Numbers:
        """Return the keys of the notes at these positions [..., streams]."""
        keys: Numbers = (self._rows << 32) - self._order.take(at)
        return keys

    def _planned_steps(
        self, onset: Numbers, low: Numbers | int, now: Sources, following: Sources, done: Numbers | int
    ) -> Guess:
        """Guess the ticks from an onset to the next one, by the sources of its bar and of the next bar, [2, streams].

        First the note that follows in the source of the bar, second in the bar whose rhythm it repeats. The notes after
        128 × onset + `low` follow. `done` is the number of onsets in the bar until then.
        """
        after = np.array([((onset - now.lag) << 7) + low, ((following.begin - following.lag) << 7) - 1])
        source, found = self._first_after(after)
        tick, next_tick = self.note("onset", source) + np.array([now.lag, following.lag])
        inside = now.has_source & found[0] & (tick < now.end)
        is_over = now.has_source | (done + 1 >= now.onsets)
        enters = is_over & following.has_source & found[1] & (next_tick < following.end)
        ticks = np.where(inside, tick, next_tick) - onset
        return to_class(ticks), np.where(inside, now.level, LEVELS + following.level), inside | enters

    def _planned_notes(self, onset: Numbers, pitch: Numbers, now: Sources) -> Guess:
        """Find what stands where a note is planned, [2, streams]: positions, levels, and whether there is a note.

        First the same pitch in the source of the bar, second the nearest pitch at the same place of the bar whose
        rhythm it repeats.
        """
        wanted = ((onset - now.lag) << 7) + pitch
        source, found = self._first_after(wanted - 1)
        above = self._key(source) - wanted
        upper, is_later, place = source[1], found[1], onset - now.lag[1]
        lower = np.minimum(upper + is_later, self._start + (self._last - self._front - 1))  # the note before it
        here_above = is_later & (self.note("onset", upper) == place)
        here_below = self.note("onset", lower) == place
        is_upper = here_above & (~here_below | (above[1] <= wanted[1] - self._key(lower)))
        source[1] = np.where(is_upper, upper, lower)
        found[0] &= above[0] == 0
        found[1] = here_above | here_below
        return source, now.level, found & now.has_source

    def _figures(self, onset: Numbers, place: Numbers, is_chord: Numbers, now: Sources) -> Guess:
        """Find what stands in the place of a coming note in other bars, and move it, [2, streams].

        The bars are the one before, and the one whose rhythm is repeated. A figure comes again on another chord: it moves
        as the note nearest to it in pitch there, so of the same hand, was moved when it came again. Returns the positions
        of the notes, and of each its pitch after the move, 0–127, and a confidence, −1 for none.
        """
        lags = np.array([self.bar, np.where(now.has_source[1], now.lag[1], 0)])
        near = slice(self._front, min(self._front + _FIGURE, self._last))
        width = near.stop - near.start
        before = np.where(is_chord, self._counterparts[:, :, self._front], -1)  # in the chord, the next one follows
        source, found = self._first_after(((onset - lags) << 7) + before)
        found &= (self.note("onset", source) == onset - lags) & (lags > 0)
        pitch = self.note("pitch", source).astype(np.int64)
        self._coming_counterparts = np.where(found, pitch, -1).astype(np.int16)
        theirs, is_older = self._counterparts[:, :, near], self.seen["onset"][:, :width] < (onset - place)[:, None]
        distance = np.abs(theirs - pitch[..., None]) + np.where(is_older, _OLDER, 0)
        at = np.where(theirs >= 0, distance, _FAR).argmin(axis=2)
        pair = np.arange(2)[:, None], self._rows, at
        shift = self.seen["pitch"][self._rows, at].astype(np.int64) - theirs[pair]
        is_now = ~is_older[self._rows, at]
        closeness = (
            3 * _CLOSE.searchsorted(distance[pair] - np.where(is_now, 0, _OLDER)) + is_now + (is_now & (shift == 0))
        )
        moved = pitch + shift
        valid = found & (theirs[pair] >= 0) & (moved >= 0) & (moved <= 127)
        return source, moved.clip(0, 127), np.where(valid, closeness, -1)

    def _in_harmony(self, pitch: Numbers, bar: Numbers) -> tuple[Numbers, Numbers]:
        """Return pitches [..., streams] moved by up to two semitones into the planned pitch classes of their bars.

        Also return for which streams these are known.
        """
        chroma = self.plans.table[self._rows, bar, _CHROMA].astype(np.int64)
        found, is_done = pitch.copy(), np.zeros(pitch.shape, bool)
        for step in _SNAPS:
            fits = (chroma >> (pitch + step) % 12 & 1 > 0) & ~is_done
            found = np.where(fits, pitch + step, found)
            is_done |= fits
        return found.clip(0, 127), chroma > 0
