"""Plans: what is known of each bar of a piece before its notes: form, hands, density and range. Pure NumPy.

A plan is a coarse description of a piece, bar by bar, that the network is conditioned on (compare D. von Rütte et al.,
FIGARO, ICLR 2023). `Plan.of` describes a corpus piece; `training.events.followed` tells many streams, note by note, what
their plans say.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from dataset.notes.form import find_form
from dataset.notes.hand_estimate import estimate_hands
from dataset.notes.hand_form import IDENTICAL, MAX_SHIFT, NEAR, find_hand_form, hand_ranges
from dataset.notes.model import LEFT, Notes
from training.events import character
from training.events.fields import counted
from training.events.plan_columns import (
    COLUMNS,
    DENSITIES,
    EQUAL,
    FORM,
    HANDS,
    MORE_CLASSES,
    NEW,
    NO_SHIFT,
    RANGES,
    VARIED,
    SourceColumns,
)

ENDING = 4
"""Last bars of a plan that are kept when it is cut or repeated."""

PLAN_PATTERN = r"^[0-9]++(?:,[0-9]++){74}+(?: [0-9]++(?:,[0-9]++){74}+)*+$"
"""The text of a plan. The parts never give back what they took: a vocabulary has megabytes of plans."""

Numbers = npt.NDArray[Any]
Bars = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A plan, one number per bar in each array but the last two, int16 [bars]."""

    lag: Bars  # bars back to the source; 0 for a new bar
    rhythm_lag: Bars  # bars back to the bar whose rhythm is repeated or varied; 0 for none
    rhythm_level: Bars  # class of LEVELS
    left_lag: Bars  # bars back to the bar whose rhythm in this hand is repeated or varied; 0 for none
    left_shift: Bars  # NO_SHIFT + semitones by which its pitches are moved
    right_lag: Bars
    right_shift: Bars
    level: Bars  # from here on, as COLUMNS say
    onsets: Bars  # their number
    density: Bars
    top: Bars
    bottom: Bars
    scale: Bars
    voices: Bars
    right_sustain: Bars
    left_sustain: Bars
    right_length: Bars
    left_length: Bars
    repeats: Bars  # of the top line of the whole piece
    steps: Bars
    runs: Bars
    loudness: Bars
    accents: Bars
    notes: Bars  # their number
    right_detached: Bars
    right_overlapping: Bars
    left_detached: Bars
    left_overlapping: Bars
    semitones: Bars
    octaves: Bars
    triads: Bars
    fullness: Bars
    top_leaps: Bars
    bottom_repeats: Bars
    bottom_steps: Bars
    bottom_leaps: Bars
    chroma: Bars
    left_level: Bars
    right_level: Bars
    left_move: Bars
    right_move: Bars
    left_top: Bars
    right_bottom: Bars
    left_density: Bars
    right_density: Bars
    left_notes: Bars  # their number
    right_notes: Bars
    right_turns: Bars  # of the line of the right hand's highest notes
    right_steps: Bars
    left_chroma: Bars
    right_chroma: Bars
    times: Bars  # [bars, VALUE_COLUMNS], note values of times since the last onset
    durations: Bars  # [bars, 2 × VALUE_COLUMNS], of the right hand and of the left

    def __len__(self) -> int:
        return len(self.lag)

    @classmethod
    def of(cls, notes: Notes) -> tuple["Plan", npt.NDArray[np.int32]]:
        """Return the plan of a piece and its bar lines [bars + 1] in ticks."""
        form = find_form(notes)
        bars = len(form)
        inside = counted(notes)
        inside = inside[notes.onset[inside] < form.lines[-1]]
        onset, duration, pitch, velocity = (
            column[inside] for column in (notes.onset, notes.duration, notes.pitch, notes.velocity)
        )
        bar = np.searchsorted(form.lines, onset, side="right") - 1
        is_onset = np.diff(onset, prepend=-1) > 0
        top_line = np.append(np.flatnonzero(is_onset)[1:], len(onset)) - 1
        is_left = estimate_hands(onset, duration, pitch) == LEFT
        of_hands = _of_hands(bar, onset - form.lines[bar], pitch, is_left, bars)
        hands = (~is_left, is_left)
        onsets = np.bincount(bar[is_onset], minlength=bars)
        count = np.bincount(bar, minlength=bars)
        bottom_line = np.flatnonzero(is_onset)
        top, bottom = np.zeros(bars, np.int64), np.full(bars, RANGES)
        np.maximum.at(top, bar, pitch.astype(np.int64) + 1)
        np.minimum.at(bottom, bar, pitch.astype(np.int64) + 1)
        lag, level = _levels(form.source, form.likeness)
        columns = (
            *(lag, *_levels(form.rhythm_source, form.rhythm_likeness)),
            *(of_hands[name] for name in ("left_lag", "left_shift", "right_lag", "right_shift")),
            *(level, onsets, _densities(count, onsets)),
            *(top, np.where(top > 0, bottom, 0), character.scales(bar, pitch, bars)),
            character.voices(onset, duration, bar, bars),
            *(character.sustains(onset, duration, hand, bar, bars) for hand in hands),
            *(character.lengths(duration, hand, bar, bars) for hand in hands),
            *(np.full(bars, value) for value in character.motion(pitch[top_line])),
            *(*character.loudness(velocity, bar, bars), count),
            *(rate for hand in hands for rate in character.articulation(onset, duration, hand, bar, bars)),
            *character.harmony(onset, duration, pitch, bar, bars),
            character.leaps(pitch[top_line], bar[top_line], bars)[2],
            *character.leaps(pitch[bottom_line], bar[bottom_line], bars),
            character.chromas(pitch, bar, bars),
            *(of_hands[f"{hand}_{name}"] for name in ("level", "move", "end", "density", "notes") for hand in HANDS),
            *(of_hands[name] for name in ("right_turns", "right_steps", "left_chroma", "right_chroma")),
            character.note_values(np.diff(onset, prepend=onset[:1]), bar, bars),
            np.concatenate([character.note_values(duration[hand], bar[hand], bars) for hand in hands], axis=1),
        )
        return cls(*(np.asarray(column, np.int16) for column in columns)), form.lines

    def to_text(self) -> str:
        """Return the plan as text: bars separated by spaces, the numbers of a bar by commas."""
        table = np.column_stack([getattr(self, field.name) for field in fields(self)])
        return " ".join(",".join(map(str, row)) for row in table.tolist())

    @classmethod
    def from_text(cls, text: str) -> "Plan":
        """Return the plan that `to_text` wrote; raises ValueError for numbers out of range."""
        table = np.fromstring(text.replace(" ", ","), np.int64, sep=",").reshape(text.count(" ") + 1, -1)
        back = np.arange(len(table)) + 1
        limits = (
            {source.lag: back for source in FORM} | {name: size for name, (_, size) in COLUMNS.items()} | MORE_CLASSES
        )
        for column, name in enumerate(_column_names()):
            if (table[:, column] >= limits[name]).any():
                raise ValueError(f"{name} out of range")
        single = len(fields(cls)) - 2
        values = np.split(table[:, single:].astype(np.int16), [character.VALUE_COLUMNS], axis=1)
        return cls(*table[:, :single].T.astype(np.int16), *values)

    def from_bar(self, bar: int) -> "Plan":
        """Return the plan from a bar on; of the bars that go back to the same bar before it, the first one is new."""
        return self.in_order(np.arange(bar, len(self)))

    def of_length(self, bars: int) -> "Plan":
        """Return the plan for `bars` bars: repeated, with slight changes allowed, or cut; the last bars are its last."""
        ending = min(ENDING, bars // 2, len(self))
        order = np.append(np.resize(np.arange(len(self)), bars - ending), np.arange(len(self) - ending, len(self)))
        return self if bars == len(self) else self.in_order(order)

    def in_order(self, order: npt.NDArray[np.integer]) -> "Plan":
        """Return the plan whose bars are these bars of this one; a bar that comes again may vary slightly.

        In place of a source that is left out stands the first bar that goes back to it, or its own source.
        """
        new = {field.name: getattr(self, field.name)[order] for field in fields(self)}
        for form in FORM:
            lags = getattr(self, form.lag).tolist()
            stands: dict[int, tuple[int, int]] = {}  # for each bar of this plan, which bar stands for it, and where
            for at, bar in enumerate(order.tolist()):
                source, left_out = bar, []
                while source not in stands and lags[source]:
                    source -= lags[source]
                    left_out.append(source)
                if source in stands:
                    stand, where = stands[source]
                    new[form.lag][at] = at - where
                    self._follow(form, at, new, (bar, stand, source))
                else:
                    without_source(new, form, at)
                for earlier in left_out:
                    stands.setdefault(earlier, (bar, at))
                stands[bar] = bar, at
        return Plan(**new)

    def _follow(self, form: SourceColumns, at: int, new: dict[str, Bars], bars: tuple[int, int, int]) -> None:
        """Write to bar `at` of a new plan, in place, how like it is to a bar and how its hand moves from there.

        `bars` are the bar, the one that it follows, and the one that both go back to. A bar that comes again may vary
        slightly, but the rhythm of its hands stays.
        """
        bar, followed, source = bars
        levels = getattr(self, form.level)[self._path(form, bar, source) + self._path(form, followed, source)]
        again = VARIED if form.lag == "lag" else EQUAL
        new[form.level][at] = again if bar == followed else levels.min(initial=EQUAL)
        if form.move is not None and form.shift is not None:
            there, back = (
                self._moved(form.move, form.shift, self._path(form, each, source)) for each in (bar, followed)
            )
            kind, shift = NEAR if bar == followed else min(there[0], back[0]), there[1] - back[1]
            is_known = kind >= NEAR and abs(shift) <= MAX_SHIFT
            new[form.move][at] = kind if is_known else min(kind, NEAR - 1)
            new[form.shift][at] = NO_SHIFT + shift if is_known else NO_SHIFT

    def _path(self, form: SourceColumns, bar: int, source: int) -> list[int]:
        """Return the bars from `bar` back to `source`, its source or that of its source; without the last one."""
        lags, path = getattr(self, form.lag), []
        while bar != source:
            path.append(bar)
            bar -= int(lags[bar])
        return path

    def _moved(self, move: str, shift: str, path: list[int]) -> tuple[int, int]:
        """Return the class of MOVES and the shift in semitones along a path of sources."""
        kinds, shifts = getattr(self, move)[path], getattr(self, shift)[path]
        return int(kinds.min(initial=IDENTICAL)), int((shifts.astype(int) - NO_SHIFT).sum())


def without_source(columns: dict[str, Bars], form: SourceColumns, bars: Numbers | int) -> None:
    """Make bars new in these columns of a plan, in place; `form` is one of FORM."""
    columns[form.lag][bars], columns[form.level][bars] = 0, NEW
    if form.move is not None and form.shift is not None:
        columns[form.move][bars], columns[form.shift][bars] = 0, NO_SHIFT


def with_source(columns: dict[str, Bars], bars: slice, back: int, like: Numbers | int) -> None:
    """Make bars repeat those `back` bars before in these columns of a plan, in place, as like them as `like` of LEVELS."""
    for form in FORM:
        columns[form.lag][bars], columns[form.level][bars] = back, like if form.lag == "lag" else EQUAL
        if form.move is not None and form.shift is not None:
            columns[form.move][bars] = np.where(np.asarray(like) == EQUAL, IDENTICAL, NEAR)
            columns[form.shift][bars] = NO_SHIFT


def _column_names() -> list[str]:
    """Return the name of each column of a plan's text."""
    *single, times, durations = (field.name for field in fields(Plan))
    return [*single, *[times] * character.VALUE_COLUMNS, *[durations] * (2 * character.VALUE_COLUMNS)]


def _levels(
    source: npt.NDArray[np.int32], likeness: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.integer], npt.NDArray[np.integer]]:
    """Return the bars back to each source, 0 for none, and the class of likeness."""
    has_source = source >= 0
    like = np.select([likeness >= 0.999, likeness >= 0.8, likeness >= 0.6], [5, 4, 3], 2)
    return np.where(has_source, np.arange(len(source)) - source, 0), np.where(has_source, like, NEW)


def _densities(count: Numbers, onsets: Numbers) -> Numbers:
    """Return the class of DENSITIES of each bar from its numbers of notes and onsets."""
    densities: Numbers = np.clip(np.rint(2 * count / np.maximum(onsets, 1)), 0, DENSITIES - 1)
    return densities


def _of_hands(bar: Numbers, place: Numbers, pitch: Numbers, is_left: Numbers, bars: int) -> dict[str, Numbers]:
    """Return what a plan says of each hand, [bars], by column; `end` is the pitch that is next to the other hand, 1 + it."""
    ends = hand_ranges(bar, pitch, is_left, bars) + 1
    in_left = (ends[0, bar] > 0) & (pitch < ends[0, bar])  # as parted bar by bar
    found: dict[str, Numbers] = {}
    for hand, held, end in zip(HANDS, (in_left, ~in_left), ends, strict=True):
        form = find_hand_form(bar[held], place[held], pitch[held], bars)
        lag, level = _levels(form.source, form.likeness)
        count = np.bincount(bar[held], minlength=bars)
        is_onset = np.diff(bar[held] * 2**16 + place[held], prepend=-1) > 0
        onsets = np.bincount(bar[held][is_onset], minlength=bars)
        columns = {"lag": lag, "level": level, "move": form.move, "shift": form.shift.astype(np.int16) + NO_SHIFT}
        columns |= {"end": end, "density": _densities(count, onsets), "notes": count}
        columns["chroma"] = character.chromas(pitch[held], bar[held], bars)
        last = np.append(np.flatnonzero(is_onset)[1:], len(is_onset))[: np.count_nonzero(is_onset)] - 1
        columns["turns"], columns["steps"] = character.line_moves(pitch[held][last], bar[held][last], bars)
        found |= {f"{hand}_{name}": column for name, column in columns.items()}
    return found
