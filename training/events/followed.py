"""What the plans of streams say, note by note, and where the bars are that the plans repeat. Pure NumPy."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from dataset.notes.timing import MAX_TICK
from training.events import character
from training.events.plan_columns import COLUMNS, FORM, HANDS, NO_SHIFT, REMAINING, TOLD, is_left
from training.events.plans import Plan

_NEVER = MAX_TICK + 1  # a tick after every note; shifted by 7 bits it still fits

_AT = {when: [[*COLUMNS].index(name) for name in names] for when, names in TOLD.items()}
COUNTED = ("onsets", "notes", "left_notes", "right_notes")
"""Columns with numbers in a bar: in that of the last onset, those still to come are told."""
_PLACE = {name: at for at, name in enumerate(COLUMNS)}

Numbers = npt.NDArray[Any]


SOURCES = len(FORM)
"""Number of sources of a bar: that of the bar, of its rhythm, and of the rhythm of the left and of the right hand."""


class Sources:
    """The sources of one bar in each stream, [SOURCES, streams]."""

    def __init__(self, columns: Numbers) -> None:
        """Read the columns of `Followed`."""
        self.lag, self.level = columns[:SOURCES], columns[SOURCES : 2 * SOURCES]  # lag: in ticks
        self.has_source = columns[2 * SOURCES : 3 * SOURCES] > 0
        # of the bar, [streams]: 1 + onsets, and its bar lines; of the hands, [2, streams]: how they move
        self.onsets, self.begin, self.end = columns[3 * SOURCES : -4]
        self.moves, self.shifts = columns[-4:-2], columns[-2:]


class Followed:
    """The plans of `streams` pieces that advance together; streams without a plan know nothing."""

    def __init__(self, plans: Sequence[tuple[Plan, Numbers] | None]) -> None:
        """Store plans with their bar lines [bars + 1] in ticks."""
        most = max((len(plan[0]) for plan in plans if plan is not None), default=0)
        shape = len(plans), most + 2
        self.lines = np.full(shape, _NEVER, np.int32)
        sources, levels = np.full((SOURCES, *shape), -1, np.int32), np.zeros((SOURCES, *shape), np.int16)
        shifts = np.zeros((2, *shape), np.int16)
        self.table = np.zeros((*shape, len(COLUMNS)), np.int16)
        self.note_values = np.zeros((*shape, 3 * character.VALUE_COLUMNS), np.int16)
        for row, given in enumerate(plans):
            if given is None:
                continue
            plan, lines = given
            bars = len(plan)
            self.lines[row, : bars + 1] = lines
            for number, (lag, level, *_) in enumerate(FORM):
                back = getattr(plan, lag)
                at = np.flatnonzero(back > 0)
                sources[number, row, at] = np.asarray(lines)[at - back[at]]  # tick of the source's bar line
                levels[number, row, :bars] = getattr(plan, level)
            shifts[:, row, :bars] = np.array([plan.left_shift, plan.right_shift]) - NO_SHIFT
            told = {name: getattr(plan, name, plan.chroma) for name in COLUMNS}
            for name in COUNTED:
                told[name] = np.minimum(told[name] + 1, COLUMNS[name][1] - 1)
            for name in ("top", "bottom"):
                told[f"{name}_reached"] = np.minimum(told[name], 1)
            told["remaining"] = np.minimum(np.arange(bars, 0, -1), REMAINING - 1)
            self.table[row, :bars] = np.stack([told[name] for name in COLUMNS], axis=1)
            self.note_values[row, :bars] = np.concatenate([plan.times, plan.durations], axis=1)
        self._sources = self._of_sources(sources, levels, shifts)
        self.at = np.zeros(len(plans), np.int32)  # bar of the last onset
        self.done = np.zeros(len(plans), np.int32)  # onsets in it so far
        self.now = self.table[:, 0].copy()  # what is told of it now
        self._asked: tuple[Numbers | None, Numbers] = None, self.at  # onsets and their bars
        self._last = np.full(len(plans), -1, np.int32)
        self.was_left = np.zeros(len(plans), bool)  # whether the last note is the left hand's
        self._rows = np.arange(len(plans))

    def _of_sources(self, sources: Numbers, levels: Numbers, shifts: Numbers) -> npt.NDArray[np.int32]:
        """Return what `sources` returns, for every bar at once, from the sources' bar lines and levels.

        One look-up is faster than eight.
        """
        end = np.concatenate([self.lines[:, 1:], self.lines[:, -1:]], axis=1)
        moves = [self.table[..., _PLACE[f"{hand}_move"]] for hand in HANDS]
        columns = (*np.where(sources >= 0, self.lines - sources, 0), *levels, *(sources >= 0))
        columns += (self.table[..., _PLACE["onsets"]], self.lines, end, *moves, *shifts)
        return np.stack(columns, axis=-1, dtype=np.int32)

    def in_left(self, onset: Numbers, pitch: Numbers) -> Numbers:
        """Return which notes [streams], or pitches [streams, pitches], the left hand plays at these onsets [streams].

        None without a plan.
        """
        bar = self.table[self._rows, self.bar_of(onset)]
        ends = (bar[:, _PLACE[name]] for name in ("left_top", "right_bottom"))
        left_top, right_bottom = (end[:, None] if pitch.ndim > 1 else end for end in ends)
        of_left: Numbers = is_left(pitch.astype(np.int64), left_top, right_bottom)
        return of_left

    def keep(self, rows: Numbers) -> None:
        """Keep only these streams."""
        for name in ("lines", "table", "note_values", "now", "at", "done", "_last", "_sources", "was_left"):
            setattr(self, name, getattr(self, name)[rows])
        self._rows = np.arange(len(self.at))
        self._asked = None, self.at

    def bar_of(self, onset: Numbers) -> Numbers:
        """Return the bar of each onset at or after the last one."""
        if onset is self._asked[0]:  # as for each field of a note
            return self._asked[1]
        bar, last = self.at, self.lines.shape[1] - 2
        while (later := (self.lines[self._rows, bar + 1] <= onset) & (bar < last)).any():
            bar = bar + later
        self._asked = onset, bar
        return bar

    def before(self) -> Numbers:
        """Return the columns known before the time [streams, BEFORE]."""
        coming = np.minimum(self.at + 1, self.table.shape[1] - 1)
        return np.concatenate([self.now[:, _AT["bar"]], self.table[self._rows, coming][:, _AT["coming"]]], axis=1)

    def own(self, onset: Numbers) -> Numbers:
        """Return the columns of the bar of each note with this onset, [streams, len(INPUTS) - BEFORE]."""
        bar = self.bar_of(onset)
        columns: Numbers = np.where((bar == self.at)[:, None], self.now, self.table[self._rows, bar])[:, _AT["own"]]
        return columns

    def times(self) -> Numbers:
        """Return the note values of times in the bar of the last onset, [streams, VALUE_COLUMNS]."""
        values: Numbers = self.note_values[self._rows, self.at, : character.VALUE_COLUMNS]
        return values

    def durations(self, onset: Numbers) -> Numbers:
        """Return the note values of durations in the bar of each onset, [streams, 2 × VALUE_COLUMNS]."""
        values: Numbers = self.note_values[self._rows, self.bar_of(onset), character.VALUE_COLUMNS :]
        return values

    def sources(self, bar: Numbers) -> Sources:
        """Return the sources of each bar, and of its rhythm."""
        return Sources(self._sources[self._rows, bar].T)

    def after(self, bar: Numbers) -> Numbers:
        """Return the bars after these; after the last one, itself."""
        following: Numbers = np.minimum(bar + 1, self.lines.shape[1] - 2)
        return following

    def add(self, onset: Numbers, pitch: Numbers) -> None:
        """Move on to a note with this onset and pitch in each stream."""
        bar = self.bar_of(onset)
        is_onset = onset > self._last
        is_new = bar > self.at
        self.done = np.where(is_new, 0, self.done) + is_onset
        now = np.where(is_new[:, None], self.table[self._rows, bar], self.now)
        self.was_left = of_left = self.in_left(onset, pitch)
        struck = (is_onset, 1, of_left, ~of_left)
        for name, fewer in zip(COUNTED, struck, strict=True):
            left = now[:, _PLACE[name]]  # 0 where it is not known, and it is never less than 1 where it is
            np.minimum(left, np.maximum(left - fewer, 1), out=left)
        one_above = pitch + 1
        for name in ("top", "bottom"):
            reached = now[:, _PLACE[f"{name}_reached"]]
            reached += (reached == 1) & (now[:, _PLACE[name]] == one_above)
        now[:, _PLACE["missing"]] &= ~(1 << pitch.astype(np.int16) % 12)
        self.now, self.at = now, bar.astype(np.int32)
        self._asked = None, self.at
        self._last = np.asarray(onset, np.int32).copy()
