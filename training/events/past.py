"""The past of pieces that advance together, and the guesses that follow their plans.

`Past` holds the latest notes, the latest first. `training.events.repeat_models` adds the models of repetition.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from training.events.classes import EDGES, FIELDS, to_class
from training.events.ears import RECENT, heard, interval, releases, tops
from training.events.plans import LEVELS, Followed, Plan

PITCH_CLASS_SHARES = 24
"""Pitch class shares: twelve for about the last 30 notes, twelve for about the last 250."""

HISTORY = 2048
"""Number of latest notes that are searched."""

Array = npt.NDArray[np.int16]
Numbers = npt.NDArray[Any]
Guess = tuple[Numbers, Numbers, Any]  # class, confidence, whether there is a guess


class Past:
    """The latest notes of `streams` pieces, their plans, and what sounds."""

    def __init__(self, streams: int, longest: int, plans: Sequence[tuple[Plan, Numbers] | None] = ()) -> None:
        """Allocate space for pieces of up to `longest` notes, with their plans and bar lines.

        Beyond HISTORY notes, the earliest are dropped.
        """
        self.plans = Followed(plans or [None] * streams)
        self._room = min(longest, 2 * HISTORY) + 1
        self._front = self._room  # index of the latest note; older ones follow
        self._notes = {name: np.zeros((streams, self._room), np.uint8) for name in (*FIELDS, "place")}
        self._key = np.zeros((streams, self._room), np.int32)  # 128 × onset + pitch
        self._now: dict[str, Numbers] = {}  # what is known of the coming note
        self._lags: tuple[Numbers, Numbers, Numbers] = (np.zeros(0),) * 3  # of the coming note, by its plan
        self._rows = np.arange(streams)
        self._pitch_class_memory = np.zeros((streams, 2, 12), np.float32)
        self.onset = np.zeros(streams, np.int32)
        self.bar = np.zeros(streams, np.int32)  # length of the last note's bar

    def keep(self, rows: Numbers) -> None:
        """Keep only these streams."""
        self._notes = {name: held[rows] for name, held in self._notes.items()}
        for name in ("_key", "_pitch_class_memory", "onset", "bar"):
            setattr(self, name, getattr(self, name)[rows])
        self.plans.keep(rows)
        self._rows = np.arange(len(self.onset))

    def pitch_class_shares(self) -> Array:
        """Return the share of each pitch class in the past, in thousandths.

        int16 [streams, PITCH_CLASS_SHARES].
        """
        shares = self._pitch_class_memory / np.maximum(self._pitch_class_memory.sum(axis=2, keepdims=True), 1)
        thousandths: Array = (shares * 1000).round().astype(np.int16).reshape(-1, PITCH_CLASS_SHARES)
        return thousandths

    def releases(self) -> Array:
        """Return the ticks to releases after the last onset: see `training.events.ears`."""
        near = slice(self._front, min(self._front + RECENT, self._end))
        began = self._key[:, near] >> 7
        return releases(began, began + EDGES[self._notes["duration"][:, near]], self.onset, int(EDGES[-1]))

    def line_before(self) -> Numbers:
        """Return what is known of the top line before the time, [streams, 2]: see `ears.LINE`."""
        near = slice(self._front, min(self._front + RECENT, self._end))
        pitch = self._notes["pitch"][:, near]
        top, before = tops(pitch, self._key[:, near] >> 7, self.onset)
        last = pitch[:, 0].astype(np.int16) + 1 if pitch.shape[1] else np.zeros(len(top), np.int16)
        return np.stack([interval(top, last), interval(before, top)], axis=1)

    def line(self, onset: Numbers) -> Numbers:
        """Return what is known of the top line before the pitch, [streams]: see `ears.LINE`."""
        near = slice(self._front, min(self._front + RECENT, self._end))
        top, before = tops(self._notes["pitch"][:, near], self._key[:, near] >> 7, onset)
        return interval(before, top)

    def heard(self, onset: Numbers) -> Array:
        """Return what sounds at the onsets [streams]: see `training.events.ears`."""
        near = slice(self._front, min(self._front + RECENT, self._end))
        began = self._key[:, near] >> 7
        return heard(self._notes["pitch"][:, near], began, began + EDGES[self._notes["duration"][:, near]], onset)

    @property
    def _end(self) -> int:
        return min(self._room, self._front + HISTORY)

    def _view(self, held: Numbers) -> Numbers:
        view: Numbers = held[:, self._front : self._end]
        return view

    def _past(self, name: str) -> Numbers:
        return self._notes[name][:, self._front : self._end]

    def _key_of_last(self) -> Numbers:
        return self._key[:, self._front]

    def _first_after(self, after: Numbers) -> tuple[Numbers, Numbers]:
        """Return the first note after key `after`, and whether it exists."""
        later = (self._view(self._key) > after[:, None]).sum(axis=1)
        return np.maximum(later - 1, 0), later > 0

    def _planned_time(self) -> Guess:
        """Guess the time of the note that follows in the source of this bar or of the next one."""
        plans, rows, key = self.plans, self._rows, self._view(self._key)
        bar, following = plans.at, np.minimum(plans.at + 1, plans.lines.shape[1] - 2)
        lag, level, has_source = plans.lag(bar)
        source, found = self._first_after(self._key_of_last() - (lag << 7))
        tick = (key[rows, source] >> 7) + lag
        inside = has_source & found & (tick < plans.lines[rows, following])
        is_over = has_source | (plans.done + 1 >= plans.table[rows, bar, 1])
        lag, next_level, has_next = plans.lag(following)
        source, found = self._first_after(((plans.lines[rows, following] - lag) << 7) - 1)
        next_tick = (key[rows, source] >> 7) + lag
        enters = ~inside & is_over & has_next & found & (next_tick < plans.lines[rows, following + 1])
        ticks = np.where(inside, tick, next_tick) - self.onset
        return to_class(np.maximum(ticks, 0)), np.where(inside, level, LEVELS + next_level), inside | enters

    def _planned_step(self, bar: Numbers, onset: Numbers, done: Numbers | int) -> Guess:
        """Guess the ticks from an onset to the next one, from the bar whose rhythm its bar, or the next one, repeats.

        `done` is the number of onsets in the bar until then.
        """
        plans, rows, key = self.plans, self._rows, self._view(self._key)
        following = np.minimum(bar + 1, plans.lines.shape[1] - 2)
        lag, level, has_source = plans.rhythm_lag(bar)
        source, found = self._first_after(((onset - lag) << 7) + 127)
        tick = (key[rows, source] >> 7) + lag
        inside = has_source & found & (tick < plans.lines[rows, following])
        is_over = has_source | (done + 1 >= plans.table[rows, bar, 1])
        lag, next_level, has_next = plans.rhythm_lag(following)
        source, found = self._first_after(((plans.lines[rows, following] - lag) << 7) - 1)
        next_tick = (key[rows, source] >> 7) + lag
        enters = ~inside & is_over & has_next & found & (next_tick < plans.lines[rows, following + 1])
        ticks = np.where(inside, tick, next_tick) - onset
        return to_class(np.maximum(ticks, 0)), np.where(inside, level, LEVELS + next_level), inside | enters

    def _planned_beside(self, values: Numbers) -> Guess:
        """Guess what the nearest pitch has at the same place of the bar whose rhythm this bar repeats."""
        lag, level, has_source = self.plans.rhythm_lag(self.plans.bar_of(self._now["onset"]))
        key, begin = self._view(self._key), (self._now["onset"] - lag) << 7
        pitch = self._now["pitch"].astype(np.int32)
        upper, found_upper = self._first_after(begin + pitch - 1)
        lower = np.minimum(upper + found_upper, key.shape[1] - 1)  # the note before it in time and pitch
        rows = self._rows
        above, below = key[rows, upper] - begin - pitch, begin + pitch - key[rows, lower]
        here_above = found_upper & (key[rows, upper] >> 7 == begin >> 7)
        here_below = key[rows, lower] >> 7 == begin >> 7
        is_upper = here_above & (~here_below | (np.abs(above) <= np.abs(below)))
        source = np.where(is_upper, upper, lower)
        return values[rows, source], level, has_source & (here_above | here_below)

    def _planned_like(self, values: Numbers) -> Guess:
        """Guess what the same pitch has in the source of this bar."""
        lag, level, has_source = self._lags
        wanted = ((self._now["onset"] - lag) << 7) + self._now["pitch"]
        source, found = self._first_after(wanted - 1)
        found &= has_source & (self._view(self._key)[self._rows, source] == wanted)
        return values[self._rows, source], level, found
