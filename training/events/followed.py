"""What the plans of streams say, note by note, and where the bars are that the plans repeat. Pure NumPy."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from dataset.notes.timing import MAX_TICK
from training.events import character
from training.events.plans import COLUMNS, REMAINING, TOLD, Plan

_NEVER = MAX_TICK + 1  # a tick after every note; shifted by 7 bits it still fits

_AT = {when: [[*COLUMNS].index(name) for name in names] for when, names in TOLD.items()}
_PLACE = {name: at for at, name in enumerate(COLUMNS)}

Numbers = npt.NDArray[Any]


class Sources:
    """The sources of one bar in each stream: of the bar, and of its rhythm; two numbers per stream, [2, streams]."""

    def __init__(self, columns: Numbers) -> None:
        """Read the columns of `Followed`."""
        self.lag, self.level, self.has_source = columns[:2], columns[2:4], columns[4:6] > 0  # lag: in ticks
        self.onsets, self.begin, self.end = columns[6:]  # of the bar, [streams]: 1 + onsets, and its bar lines


class Followed:
    """The plans of `streams` pieces that advance together; streams without a plan know nothing."""

    def __init__(self, plans: Sequence[tuple[Plan, Numbers] | None]) -> None:
        """Store plans with their bar lines [bars + 1] in ticks."""
        most = max((len(plan[0]) for plan in plans if plan is not None), default=0)
        shape = len(plans), most + 2
        self.lines = np.full(shape, _NEVER, np.int32)
        source, rhythm_source = np.full((2, *shape), -1, np.int32)  # tick of the source's bar line
        self.table = np.zeros((*shape, len(COLUMNS)), np.int16)
        self.note_values = np.zeros((*shape, 3 * character.VALUE_COLUMNS), np.int16)
        rhythm_level = np.zeros(shape, np.int16)
        for row, given in enumerate(plans):
            if given is None:
                continue
            plan, lines = given
            bars = len(plan)
            self.lines[row, : bars + 1] = lines
            at = np.flatnonzero(plan.lag > 0)
            source[row, at] = np.asarray(lines)[at - plan.lag[at]]
            at = np.flatnonzero(plan.rhythm_lag > 0)
            rhythm_source[row, at] = np.asarray(lines)[at - plan.rhythm_lag[at]]
            rhythm_level[row, :bars] = plan.rhythm_level
            told = {name: getattr(plan, name, plan.chroma) for name in COLUMNS}
            for name in ("onsets", "notes"):
                told[name] = np.minimum(told[name] + 1, COLUMNS[name][1] - 1)
            for name in ("top", "bottom"):
                told[f"{name}_reached"] = np.minimum(told[name], 1)
            told["remaining"] = np.minimum(np.arange(bars, 0, -1), REMAINING - 1)
            self.table[row, :bars] = np.stack([told[name] for name in COLUMNS], axis=1)
            self.note_values[row, :bars] = np.concatenate([plan.times, plan.durations], axis=1)
        self._sources = self._of_sources((source, self.table[..., _PLACE["level"]]), (rhythm_source, rhythm_level))
        self.at = np.zeros(len(plans), np.int32)  # bar of the last onset
        self.done = np.zeros(len(plans), np.int32)  # onsets in it so far
        self.now = self.table[:, 0].copy()  # what is told of it now
        self._last = np.full(len(plans), -1, np.int32)
        self._rows = np.arange(len(plans))

    def _of_sources(self, *sources: tuple[Numbers, Numbers]) -> npt.NDArray[np.int32]:
        """Return what `sources` returns, for every bar at once, from the sources' bar lines and levels.

        One look-up is faster than eight.
        """
        lags = [np.where(source >= 0, self.lines - source, 0) for source, _ in sources]
        has_source = [source >= 0 for source, _ in sources]
        end = np.concatenate([self.lines[:, 1:], self.lines[:, -1:]], axis=1)
        levels = [level for _, level in sources]
        columns = (*lags, *levels, *has_source, self.table[..., _PLACE["onsets"]], self.lines, end)
        return np.stack(columns, axis=-1, dtype=np.int32)

    def keep(self, rows: Numbers) -> None:
        """Keep only these streams."""
        for name in ("lines", "table", "note_values", "now", "at", "done", "_last", "_sources"):
            setattr(self, name, getattr(self, name)[rows])
        self._rows = np.arange(len(self.at))

    def bar_of(self, onset: Numbers) -> Numbers:
        """Return the bar of each onset at or after the last one."""
        bar, last = self.at, self.lines.shape[1] - 2
        while (later := (self.lines[self._rows, bar + 1] <= onset) & (bar < last)).any():
            bar = bar + later
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
        for name, fewer in (("onsets", is_onset), ("notes", 1)):
            left = now[:, _PLACE[name]]  # 0 where it is not known, and it is never less than 1 where it is
            np.minimum(left, np.maximum(left - fewer, 1), out=left)
        one_above = pitch + 1
        for name in ("top", "bottom"):
            reached = now[:, _PLACE[f"{name}_reached"]]
            reached += (reached == 1) & (now[:, _PLACE[name]] == one_above)
        now[:, _PLACE["missing"]] &= ~(1 << pitch.astype(np.int16) % 12)
        self.now, self.at = now, bar.astype(np.int32)
        self._last = np.asarray(onset, np.int32).copy()
