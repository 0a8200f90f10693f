"""The past of pieces that advance together, and the guesses that follow their plans.

`Past` holds the latest notes, the latest first. `training.events.repeat_models` adds the models of repetition. Composing
takes these steps for every note, so there are few of them and they work on narrow types: masks and lengths are uint8.
"""

from collections.abc import Sequence
from copy import copy
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from dataset.notes.hand_form import CONTOUR, NEAR
from training.events import character
from training.events.ears import HAND_COLUMNS, RECENT, HandChords, heard, interval, releases
from training.events.fields import EDGES, to_class
from training.events.followed import Followed, Sources
from training.events.plan_columns import COLUMNS, HANDS, LEVELS
from training.events.plans import Plan

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
_EARLY = -(2**30)  # less than any key
_LANES = 3  # in which notes are searched: all of them, those of the left hand, and those of the right hand
_OF_SOURCES = np.array([0, 0, 1, 2])  # the lane of each source of a bar
_FIGURE = 24  # latest notes that tell how far a figure is moved
_OLDER = 20  # semitones: a note of an earlier bar tells as little as one so much further away
_MOVED = np.array([[12], [24], [24]])  # semitones at most between a note and the one in its place, by lane
_PLANNED_MOVE = 12  # confidence of a planned move, and its kind
_CLOSE = np.array([0, 2, 4, 7])  # semitones: intervals of closeness
_CHROMA = [[*COLUMNS].index(f"{hand}_chroma") for hand in HANDS]
_SCALE = [*COLUMNS].index("scale")


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
        # −key, where a key is 128 × onset + pitch, ascending throughout: lane by lane, stream by stream, columns without a
        # note first. In the lane of one hand, a note of the other one has the key of the note before it
        self._lanes = np.arange(_LANES * streams, dtype=np.int64).reshape(_LANES, streams)
        self._order = np.full((_LANES, *shape), -_FAR, np.int64) + (self._lanes << 32)[..., None]
        self._now: dict[str, Numbers] = {}  # what is known of the coming note
        # the pitch in each note's place: one bar before, and, if it is of that hand, in the bar whose rhythm the left or the
        # right hand repeats; −1 for none
        self._counterparts = np.full((_LANES, *shape), -1, np.int16)
        self._coming = np.zeros((_LANES, streams), np.int64)  # where those of the coming note are
        self._coming_counterparts = np.full((_LANES, streams), -1, np.int16)
        self._struck = np.full((2, streams), -1, np.int16)  # pitch that each hand has reached there, at the last onset
        # of each hand, [2, streams]: whether the plan says how it moves to the coming note, its last pitch, and the direction
        self.contour = (np.zeros((2, streams), bool), *np.zeros((2, 2, streams), np.int64))
        self._chords = HandChords(streams)
        self._pitch_class_memory = np.zeros((streams, 2, 12), np.float32)
        # the last note, and the highest notes of the last two chords before its onset, as pitch + 1; 0 for none
        self._tops = np.zeros((3, streams), np.int16)
        self.onset = np.zeros(streams, np.int32)
        self.bar = np.zeros(streams, np.int32)  # length of the last note's bar
        self._look()

    def keep(self, rows: Numbers) -> None:
        """Keep only these streams."""
        for name in ("_narrow", "_tops", "_counterparts", "_coming", "_coming_counterparts", "_struck"):
            setattr(self, name, getattr(self, name)[:, rows])
        self._chords.keep(rows)
        lanes = np.arange(_LANES * len(rows), dtype=np.int64).reshape(_LANES, -1)
        self._order = self._order[:, rows] + (lanes - self._lanes[:, rows] << 32)[..., None]
        self._lanes = lanes
        for name in ("_interval", "_onset", "_end", "_pitch_class_memory", "onset", "bar"):
            setattr(self, name, getattr(self, name)[rows])
        self.plans.keep(rows)
        self._look()

    def only(self, rows: Numbers) -> Self:
        """Return a copy with these streams only."""
        few = copy(self)
        few.plans, few._chords = copy(self.plans), copy(self._chords)
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

    def line(self, onset: Numbers, ends: Numbers) -> Numbers:
        """Return what is known of lines before the pitch, [streams, 3], see `ears.LINE`, from the hands' `ends`."""
        top, before = np.where(onset > self.onset, self._tops[:2], self._tops[1:])
        last, earlier = ends
        intervals: Numbers = interval(np.array([before, *earlier]), np.array([top, *last])).T
        return intervals

    def ends(self, onset: Numbers) -> Numbers:
        """Return the ends of hands at these onsets, see `HandChords.ends`; 0 where no plan parts the hands."""
        scale = self.plans.table[self._rows, self.plans.bar_of(onset), _SCALE]
        ends: Numbers = self._chords.ends(onset) * (scale > 0)
        return ends

    def heard(self, onset: Numbers, ends: Numbers) -> Array:
        """Return what sounds at the onsets [streams], see `training.events.ears`, from the hands' `ends`."""
        near = slice(self._front, min(self._front + RECENT, self._last))
        groups = heard(self.seen["pitch"][:, :RECENT], self._onset[:, near], self._end[:, near], onset)
        groups[:, -HAND_COLUMNS:] = ends[0].T
        return groups

    def note(self, name: str, at: Numbers) -> Numbers:
        """Return what is known of the notes at these positions, of any shape."""
        values: Numbers = self._held[name].take(at)
        return values

    def _add_note(self, note: Numbers, onset: Numbers, interval: Numbers) -> None:
        """Append a note to each stream, as classes and place [streams, ≥5]; there must be room."""
        self._front -= 1
        front = self._front
        self._narrow[: MATCHES.start, :, front] = note[:, : MATCHES.start].T
        pitch, is_new, of_left = note[:, NARROW.index("pitch")], onset > self.onset, self.plans.was_left
        self._tops[1:] = np.where(is_new, self._tops[:2], self._tops[1:])
        self._tops[0] = pitch + 1
        lanes = np.array([np.ones_like(of_left), of_left, ~of_left])
        is_near = (np.abs(self._coming_counterparts - pitch) <= _MOVED) & lanes
        self._counterparts[:, :, front] = np.where(is_near, self._coming_counterparts, -1)
        coming = self._coming_counterparts[1:]
        reached = np.where(lanes[1:], np.where(coming >= 0, coming, 127), np.where(is_new, -1, self._struck))
        reached[0] = np.where(of_left, reached[0], 127)  # the left hand strikes nothing above a note of the right one
        self._struck = reached
        self._chords.add(onset, pitch, of_left)
        self._coming_counterparts = np.full_like(self._coming_counterparts, -1)
        self.onset = onset.astype(np.int32)
        self._interval[:, front], self._onset[:, front] = interval, self.onset
        self._end[:, front] = self.onset + EDGES.take(note[:, NARROW.index("duration")])
        base = self._lanes << 32
        before = self._order[:, :, front + 1] if front + 1 < self._room else base - _EARLY
        self._order[:, :, front] = np.where(lanes, base - ((self.onset << 7) + pitch), before)
        self._look()

    def _drop_old_notes(self) -> None:
        """Move the latest HISTORY notes to the end of the arrays."""
        for held in (self._narrow, self._counterparts, self._interval, self._onset, self._end, self._order):
            held[..., self._room - HISTORY :] = held[..., :HISTORY].copy()
        self._front = self._room - HISTORY
        self._order[:, :, : self._front] = (self._lanes << 32)[..., None] - _FAR
        self._look()

    def _look(self) -> None:
        """Prepare views of the notes that there are: `seen[name]` [streams, notes]."""
        self._rows = np.arange(len(self.onset))
        self._last = min(self._room, self._front + HISTORY)
        self._start = self._rows * self._room + self._front  # positions of the latest notes
        self._held: dict[str, Numbers] = dict(zip(NARROW, self._narrow, strict=True))
        self._held |= {"interval": self._interval, "onset": self._onset}
        self.seen = {name: held[:, self._front : self._last] for name, held in self._held.items()}

    def _first_after(self, after: Numbers, lanes: Numbers | int = 0) -> tuple[Numbers, Numbers]:
        """Return the position of the first note after each key [..., streams], in these lanes, and whether it exists."""
        lane = self._lanes[lanes]
        following = self._order.ravel().searchsorted((lane << 32) - after) - (lane - self._rows) * self._room
        following = np.minimum(following, self._start + (self._last - self._front))
        at, found = np.maximum(following - 1, self._start), following > self._start
        if self._last - self._front == HISTORY:  # the earliest note that is left may be of the other hand
            found &= self._order.take(at + (lane - self._rows) * self._room) == (lane << 32) - self._key(at)
        return at, found

    def _key(self, at: Numbers) -> Numbers:
        """Return the keys of the notes at these positions [..., streams]."""
        keys: Numbers = (self._rows << 32) - self._order[0].take(at)
        return keys

    def _planned_steps(
        self, onset: Numbers, low: Numbers | int, now: Sources, following: Sources, done: Numbers | int
    ) -> Guess:
        """Guess the ticks from an onset to the next one, by the sources of its bar and of the next bar, [SOURCES, streams].

        It is the next note in the source of the bar, in the bar whose rhythm it repeats, and the next one of each hand in
        the bar whose rhythm that hand repeats. The notes after 128 × onset + `low` follow. `done` is the number of onsets
        in the bar until then.
        """
        after = np.array([((onset - now.lag) << 7) + low, ((following.begin - following.lag) << 7) - 1])
        source, found = self._first_after(after, _OF_SOURCES)
        tick, next_tick = self.note("onset", source) + np.array([now.lag, following.lag])
        inside = now.has_source & found[0] & (tick < now.end)
        is_over = now.has_source | (done + 1 >= now.onsets)
        enters = is_over & following.has_source & found[1] & (next_tick < following.end)
        ticks = np.where(inside, tick, next_tick) - onset
        return to_class(ticks), np.where(inside, now.level, LEVELS + following.level), inside | enters

    def _planned_notes(self, onset: Numbers, pitch: Numbers, of_left: Numbers, now: Sources) -> Guess:
        """Find what stands where a note is planned, [2, streams]: positions, levels, and whether there is a note.

        First the same pitch in the source of the bar, second the note in the same place of the bar whose rhythm the note's
        hand repeats.
        """
        wanted = ((onset - now.lag[0]) << 7) + pitch
        same, is_same = self._first_after(wanted - 1)
        hand = 2 - of_left  # its lane
        found = np.array([is_same & (self._key(same) == wanted), self._coming_counterparts[hand, self._rows] >= 0])
        at = np.array([np.zeros_like(hand), hand + 1]), self._rows
        level, has_source = now.level[at], now.has_source[at]
        return np.array([same, self._coming[hand, self._rows]]), level, found & has_source

    def _figures(self, onset: Numbers, place: Numbers, is_chord: Numbers, now: Sources) -> Guess:
        """Find what stands in the place of a coming note in other bars, and move it, [3, streams].

        The bars are the one before, and those whose rhythm the left and the right hand repeat, of which only the notes of
        that hand are taken. As the plan says, the notes of a hand are moved by an interval. Otherwise a figure comes again
        on another chord: it moves as the note nearest to it in pitch there, so of the same hand, was moved when it came
        again. Returns the positions of the notes, and of each its pitch after the move, 0–127, and a confidence, −1 for
        none.
        """
        lags = np.array([self.bar, *np.where(now.has_source[2:], now.lag[2:], 0)])
        near = slice(self._front, min(self._front + _FIGURE, self._last))
        width = near.stop - near.start
        before = np.where(
            is_chord, np.array([self._counterparts[0, :, self._front], *self._struck]), -1
        )  # the next follows
        source, found = self._first_after(((onset - lags) << 7) + before, np.arange(_LANES))
        found &= (self.note("onset", source) == onset - lags) & (lags > 0)
        pitch = self.note("pitch", source).astype(np.int64)
        self._coming, self._coming_counterparts = source, np.where(found, pitch, -1).astype(np.int16)
        theirs, is_older = self._counterparts[:, :, near], self.seen["onset"][:, :width] < (onset - place)[:, None]
        distance = np.abs(theirs - pitch[..., None]) + np.where(is_older, _OLDER, 0)
        at = np.where(theirs >= 0, distance, _FAR).argmin(axis=2)
        pair = np.arange(_LANES)[:, None], self._rows, at
        shift = self.seen["pitch"][self._rows, at].astype(np.int64) - theirs[pair]
        is_now = ~is_older[self._rows, at]
        closeness = (
            3 * _CLOSE.searchsorted(distance[pair] - np.where(is_now, 0, _OLDER)) + is_now + (is_now & (shift == 0))
        )
        is_of_bar = (theirs[1:] >= 0) & ~is_older
        last = np.arange(2)[:, None], self._rows, is_of_bar.argmax(axis=2)
        self.contour = (
            is_of_bar[last] & found[1:] & (now.moves >= CONTOUR),
            self.seen["pitch"][self._rows, last[2]],
            np.sign(pitch[1:] - theirs[1:][last]),
        )
        found[1:] &= (theirs[pair][1:] >= 0) | (now.moves >= NEAR)
        found[0] &= theirs[pair][0] >= 0
        shift[1:] = np.where(now.moves >= NEAR, now.shifts, shift[1:])
        closeness[1:] = np.where(now.moves >= NEAR, _PLANNED_MOVE + now.moves, closeness[1:])
        moved = pitch + shift
        valid = found & (moved >= 0) & (moved <= 127)
        return source, moved.clip(0, 127), np.where(valid, closeness, -1)

    def _pairs(self, is_chord: Numbers, bar: Numbers) -> tuple[Numbers, Numbers]:
        """Return the pitch that continues the last note's chord as its hand's last chord, and whether there is one."""
        hand, row = 1 - self.plans.was_left, self.plans.table[self._rows, bar]
        scale, chroma = row[:, _SCALE], row[self._rows, np.take(_CHROMA, hand)]
        last = self.note("pitch", self._start).astype(np.int64)
        pitch, is_known = self._chords.next_pitch(last, hand, scale, chroma)
        return pitch, is_chord & is_known

    def _in_harmony(self, pitch: Numbers, bar: Numbers) -> tuple[Numbers, Numbers]:
        """Return pitches [2, streams] moved into the planned pitch classes of each hand's bar, and where these are known."""
        chroma = self.plans.table[self._rows[:, None], bar[:, None], _CHROMA].T.astype(np.int64)
        return character.nearest_in_set(pitch, chroma), chroma > 0
