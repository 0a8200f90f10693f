"""Plans: what is known of each bar of a piece before its notes: form, density and range. Pure NumPy.

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
from dataset.notes.model import LEFT, Notes
from training.events import character

NEW, VARIED, EQUAL = 1, 4, 5
"""Classes of LEVELS: a new bar, a bar that is varied slightly, and one that is repeated."""
ENDING = 4
"""Last bars of a plan that are kept when it is cut or repeated."""
LEVELS = 6
"""Classes of likeness to the source bar: 0 unknown, 1 a new bar, then 0.4–0.6, 0.6–0.8, 0.8–1, and equal."""
ONSETS = 26
"""Classes of onsets: 0 unknown, else 1 + number of onsets, at most 24."""
DENSITIES = 13
"""Classes of notes per onset: 0 unknown or an empty bar, else twice the mean, at most 12."""
RANGES = 129
"""Classes of the lowest and highest pitch: 0 unknown or an empty bar, else 1 + pitch."""
SCALES = 13
"""Classes of the major scale that fits best: 0 unknown, else 1 + pitch class of its tonic."""
REMAINING = 10
"""Classes of bars to the end, this one included: 0 unknown, else their number, at most 9."""

COLUMNS: dict[str, tuple[str, int]] = {
    "level": ("level", LEVELS),
    "onsets": ("onsets", ONSETS),  # in the bar of the last onset, those still to come
    "density": ("density", DENSITIES),
    "top": ("range", RANGES),
    "bottom": ("range", RANGES),
    "remaining": ("remaining", REMAINING),
    "scale": ("scale", SCALES),
    "voices": ("voices", character.VOICES),
    "right_sustain": ("sustain", character.SUSTAINS),
    "left_sustain": ("sustain", character.SUSTAINS),
    "right_length": ("length", character.LENGTHS),
    "left_length": ("length", character.LENGTHS),
    "repeats": ("motion", character.MOTIONS),
    "steps": ("motion", character.MOTIONS),
    "runs": ("motion", character.MOTIONS),
    "loudness": ("loudness", character.LOUDNESSES),
    "accents": ("accents", character.ACCENTS),
    "notes": ("notes", character.NOTES),  # in the bar of the last onset, those still to come
    "right_detached": ("rate", character.RATES),
    "right_overlapping": ("rate", character.RATES),
    "left_detached": ("rate", character.RATES),
    "left_overlapping": ("rate", character.RATES),
    "semitones": ("rate", character.RATES),
    "octaves": ("rate", character.RATES),
    "triads": ("rate", character.RATES),
    "fullness": ("fullness", character.FULLNESSES),
    "top_leaps": ("rate", character.RATES),
    "bottom_repeats": ("rate", character.RATES),
    "bottom_steps": ("rate", character.RATES),
    "bottom_leaps": ("rate", character.RATES),
    "chroma": ("chroma", character.CHROMAS),
    "top_reached": ("reached", character.REACHED),  # from here on, what of the bar is struck already
    "bottom_reached": ("reached", character.REACHED),
    "missing": ("chroma", character.CHROMAS),
}
"""What is told of a bar: its kind, which has an embedding, and the number of its classes."""

_TEXTURE = (
    *("notes", "top_reached", "bottom_reached", "voices", "right_sustain", "left_sustain", "repeats", "steps", "runs"),
    *("right_detached", "right_overlapping", "left_detached", "left_overlapping"),
)
_LINES = ("semitones", "octaves", "triads", "fullness", "top_leaps", "bottom_repeats", "bottom_steps", "bottom_leaps")
TOLD = {
    "bar": ("level", "onsets", "density", "top", "bottom", "remaining", *_TEXTURE),
    "coming": ("level", "onsets", "density", "top", "bottom"),
    "own": (
        *("level", "density", "scale", "top", "bottom", "remaining", *_TEXTURE),
        *("right_length", "left_length", "loudness", "accents", *_LINES, "chroma", "missing"),
    ),
}
"""COLUMNS that are told of the bar of the last onset, of the bar after it, and of the note's own bar."""

INPUTS = {
    f"{when}{'' if name == COLUMNS[name][0] else name}_{COLUMNS[name][0]}": COLUMNS[name][1]
    for when, names in TOLD.items()
    for name in names
}
"""Columns of events that follow the plan, such as `owntop_range`, and their number of classes."""

BEFORE = len(TOLD["bar"]) + len(TOLD["coming"])
"""Number of INPUTS that are known before the note's time."""

PITCHED = [at for at, name in enumerate(INPUTS) if name.endswith("_range")]
"""Columns of INPUTS that move with a transposition."""

SCALED = [at for at, name in enumerate(INPUTS) if name.endswith("_scale")]
"""Columns of INPUTS that move within the octave with a transposition."""

CHROMA = [at for at, name in enumerate(INPUTS) if name.endswith("_chroma")]
"""Columns of INPUTS with sets of pitch classes: those of the note's bar, and those of them that are not struck yet."""

_DEGREES = np.array([1.02, 0, 1, 0, 1, 1, 0, 1.01, 0, 1, 0, 1])  # tonic and fifth decide between scales that fit alike
_MAJOR = _DEGREES[(np.arange(12)[None] - np.arange(12)[:, None]) % 12]  # [tonic, pitch class]
_AROUND = 2  # bars before and after that a bar's scale is taken from
_STAYS = 0.03  # share of notes by which another scale must fit better than that of the bar before

PLAN_PATTERN = r"^[0-9]++(?:,[0-9]++){56}+(?: [0-9]++(?:,[0-9]++){56}+)*+$"
"""The text of a plan. The parts never give back what they took: a vocabulary has megabytes of plans."""

Numbers = npt.NDArray[Any]
Bars = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A plan, one number per bar in each array but the last two, int16 [bars]."""

    lag: Bars  # bars back to the source; 0 for a new bar
    rhythm_lag: Bars  # bars back to the bar whose rhythm is repeated or varied; 0 for none
    rhythm_level: Bars  # class of LEVELS
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
    times: Bars  # [bars, VALUE_COLUMNS], note values of times since the last onset
    durations: Bars  # [bars, 2 × VALUE_COLUMNS], of the right hand and of the left

    def __len__(self) -> int:
        return len(self.lag)

    @classmethod
    def of(cls, notes: Notes) -> tuple["Plan", npt.NDArray[np.int32]]:
        """Return the plan of a piece and its bar lines [bars + 1] in ticks."""
        form = find_form(notes)
        bars = len(form)
        inside = notes.onset < form.lines[-1]
        onset, duration, pitch, velocity = (
            column[inside] for column in (notes.onset, notes.duration, notes.pitch, notes.velocity)
        )
        bar = np.searchsorted(form.lines, onset, side="right") - 1
        is_onset = np.diff(onset, prepend=-1) > 0
        top_line = np.append(np.flatnonzero(is_onset)[1:], len(onset)) - 1
        is_left = estimate_hands(onset, duration, pitch) == LEFT
        hands = (~is_left, is_left)
        onsets = np.bincount(bar[is_onset], minlength=bars)
        count = np.bincount(bar, minlength=bars)
        density = np.rint(2 * count / np.maximum(onsets, 1))
        bottom_line = np.flatnonzero(is_onset)
        top, bottom = np.zeros(bars, np.int64), np.full(bars, RANGES)
        np.maximum.at(top, bar, pitch.astype(np.int64) + 1)
        np.minimum.at(bottom, bar, pitch.astype(np.int64) + 1)
        lag, level = _levels(form.source, form.likeness)
        columns = (
            *(lag, *_levels(form.rhythm_source, form.rhythm_likeness), level, onsets),
            np.clip(density, 0, DENSITIES - 1),
            *(top, np.where(top > 0, bottom, 0), _scales(bar, pitch, bars)),
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
        sizes = [COLUMNS[field.name][1] for field in fields(cls) if field.name in COLUMNS]
        for column, name in enumerate(field.name for field in fields(cls)):
            if name in ("onsets", "notes"):
                sizes[column - 3] = 2**15
        limits: tuple[Any, ...] = (
            back,
            back,
            LEVELS,
            *sizes,
            *[2**character.VALUE_BITS] * (3 * character.VALUE_COLUMNS),
        )
        for column, limit in enumerate(limits):
            if (table[:, column] >= limit).any():
                raise ValueError(f"{_column_names()[column]} out of range")
        single = len(fields(cls)) - 2
        values = np.split(table[:, single:].astype(np.int16), [character.VALUE_COLUMNS], axis=1)
        return cls(*table[:, :single].T.astype(np.int16), *values)

    def from_bar(self, bar: int) -> "Plan":
        """Return the plan from a bar on; bars whose source is before it are new."""
        rest = {field.name: getattr(self, field.name)[bar:].copy() for field in fields(self)}
        for lag, level in (("lag", "level"), ("rhythm_lag", "rhythm_level")):
            outside = rest[lag] > np.arange(len(self) - bar)
            rest[lag][outside], rest[level][outside] = 0, NEW
        return Plan(**rest)

    def of_length(self, bars: int) -> "Plan":
        """Return the plan for `bars` bars: repeated, with slight changes allowed, or cut; the last bars are its last."""
        ending = min(ENDING, bars // 2, len(self))
        order = np.append(np.resize(np.arange(len(self)), bars - ending), np.arange(len(self) - ending, len(self)))
        return self if bars == len(self) else self.in_order(order)

    def in_order(self, order: npt.NDArray[np.integer]) -> "Plan":
        """Return the plan whose bars are these bars of this one; a bar that comes again may vary slightly.

        In place of a source that is left out stands its own source.
        """
        new = {field.name: getattr(self, field.name)[order] for field in fields(self)}
        for lag, level, alike in (("lag", "level", VARIED), ("rhythm_lag", "rhythm_level", EQUAL)):
            lags, levels = getattr(self, lag).tolist(), getattr(self, level).tolist()
            latest: dict[int, int] = {}  # where each bar of this plan stands in the new one
            for at, bar in enumerate(order.tolist()):
                source, like = bar, alike
                while source not in latest and lags[source]:
                    like = min(like, levels[source]) if source != bar else levels[source]
                    source -= lags[source]
                is_kept = source in latest
                new[lag][at] = at - latest[source] if is_kept else 0
                new[level][at] = like if is_kept else NEW
                latest[bar] = at
        return Plan(**new)


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


def _scales(bar: npt.NDArray[np.integer], pitch: npt.NDArray[np.integer], bars: int) -> npt.NDArray[np.int64]:
    """Return the class of the scale of each bar, from the bars around it; that of the bar before if it fits as well."""
    count = np.zeros((bars, 12))
    np.add.at(count, (bar, pitch % 12), 1)
    total = np.concatenate([np.zeros((1, 12)), count.cumsum(axis=0)])
    at = np.arange(bars)
    around = total[np.minimum(at + _AROUND + 1, bars)] - total[np.maximum(at - _AROUND, 0)]
    fits = around @ _MAJOR.T / np.maximum(around.sum(axis=1, keepdims=True), 1)
    scale = np.zeros(bars, np.int64)
    for now in range(bars):
        best = int(fits[now].argmax())
        before = scale[now - 1] - 1 if now else best
        scale[now] = 1 + (before if fits[now, before] + _STAYS >= fits[now, best] else best)
    return scale
