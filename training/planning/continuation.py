"""Plans of continuations: that of a given beginning, and then bars of the plan of a training piece like it. Pure NumPy.

In: the notes of the beginning and the plans of training pieces. Out: a plan that goes on as the piece does, its form
included: where the piece repeats one of its first bars, the continuation repeats the bar of the beginning that stands
in the same place. The piece's bars are transposed to the scale of the beginning.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from dataset.notes.model import Notes
from training.events import character
from training.events.plan_columns import FORM, HANDS, RANGES, SOURCE_COLUMNS, VARIED
from training.events.plans import Plan
from training.planning.harmony import with_other_harmonies
from training.planning.similar import nearest
from training.two_sample import Scale

BARS_AFTER = 8
"""Bars of a piece's plan, at least, that follow the beginning; a shorter plan is repeated."""

NEAREST = 16
"""Pieces, with the most similar first bars, of which one is followed."""

_RHYTHM = ("onsets", "notes", "density", "times", "durations")
_OCTAVE = 12
_INCOMPLETE = 0.25  # of the last bar, without a sounding note at its end: then it goes on as the piece does

Numbers = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Beginning:
    """The bars of a given beginning: their plan, and their lines [bars + 1] in ticks.

    The last `open_bars`, 0 or 1, are incomplete, and go on as the training piece does.
    """

    plan: Plan
    lines: npt.NDArray[np.int32]
    open_bars: int

    @classmethod
    def of(cls, notes: Notes) -> "Beginning":
        """Return the bars of these notes; time signatures after the last onset do not count."""
        last = int(notes.onset[-1])
        meters = tuple(change for change in notes.time_signatures if change[0] <= last)
        plan, lines = Plan.of(replace(notes, time_signatures=meters))
        silent = int(lines[-1]) - int(notes.end.max())
        return cls(plan, lines, int(silent > _INCOMPLETE * (lines[-1] - lines[-2])))

    def followed_by(self, piece: Plan) -> Plan:
        """Return the plan of this beginning and, from its end on, of a piece; BARS_AFTER bars are added at least."""
        given = len(self.plan) - self.open_bars
        longer = piece.of_length(max(len(piece), len(self.plan) + BARS_AFTER))
        rest = _as_loud(_transposed(longer, _shift(self.plan, longer)), self.plan)
        table = {field.name: getattr(rest, field.name).copy() for field in fields(Plan)}
        for name, column in table.items():
            column[:given] = getattr(self.plan, name)[:given]
        texture = [name for name in table if name not in SOURCE_COLUMNS]
        of_hands = [(f"{hand}_lag", VARIED, (f"{hand}_notes", f"{hand}_density")) for hand in HANDS]
        for lag, least, names in (*of_hands, ("rhythm_lag", VARIED, _RHYTHM), ("lag", 0, texture)):
            level = next(form.level for form in FORM if form.lag == lag)
            is_given = np.arange(len(rest)) < given  # also bars that repeat one of the beginning
            for bar in range(given, len(rest)):
                source = bar - int(table[lag][bar])
                is_given[bar] = source < bar and table[level][bar] >= least and is_given[source]
                for name in names if is_given[bar] else ():
                    table[name][bar] = table[name][source]
        return Plan(**table)


def plans_after(
    notes: Notes,
    pieces: Sequence[Plan],
    numbers: Sequence[int],
    seed: Sequence[int],
    harmony: Mapping[str, Scale] | None = None,
    tries: int = 1,
) -> tuple[list[list[Plan]], Numbers]:
    """Return plans of these notes and what may follow, `tries` for each of `numbers`, with the bar lines of the notes.

    The tries follow the piece with that number among the NEAREST, in a random order that begins again at its end; with
    `harmony`, the scales of `harmony_scales`, with the harmonies of others. There are none if the notes are too long for a
    plan.
    """
    beginning = Beginning.of(notes)
    if beginning.lines[-1] <= notes.onset[-1]:
        return [], beginning.lines
    order = np.random.default_rng(seed).permutation(nearest(beginning.plan, pieces, NEAREST))
    followed = [pieces[number] for number in order]
    made: dict[int, list[Plan]] = {}
    for at in {number % len(followed) for number in numbers}:
        piece, others = followed[at], followed[at + 1 :] + followed[:at]
        if harmony is None:
            made[at] = [beginning.followed_by(piece)] * tries
        else:
            mixed = with_other_harmonies(piece, others, harmony, tries)
            made[at] = [beginning.followed_by(plan) for plan in mixed]
    return [made[number % len(followed)] for number in numbers], beginning.lines


def _shift(beginning: Plan, piece: Plan) -> int:
    """Return by how many semitones a longer piece is moved: to the scale of a beginning, as near to its range as can be."""
    bars = len(beginning)
    change = (int(beginning.scale[-1]) - int(piece.scale[bars - 1])) % _OCTAVE
    middles = []
    for plan in (beginning, piece):
        has_notes = plan.top[:bars] > 0
        both = plan.top[:bars][has_notes].astype(np.int64) + plan.bottom[:bars][has_notes]
        middles.append(float(np.median(both)) / 2 if has_notes.any() else RANGES / 2)
    octaves = round((middles[0] - middles[1] - change) / _OCTAVE)
    return change + octaves * _OCTAVE


def _transposed(plan: Plan, semitones: int) -> Plan:
    """Return a plan for other pitches; those outside MIDI's range stay at its ends."""
    moved = {
        name: character.transposed_pitches(getattr(plan, name), semitones)
        for name in ("top", "bottom", "left_top", "right_bottom")
    }
    moved["scale"] = character.transposed_scales(plan.scale, semitones)
    for name in ("chroma", "left_chroma", "right_chroma"):
        moved[name] = character.transposed_sets(getattr(plan, name).astype(np.int64), semitones)
    return replace(plan, **{name: np.asarray(column, np.int16) for name, column in moved.items()})


def _as_loud(plan: Plan, beginning: Plan) -> Plan:
    """Return a plan with the loudness of a beginning in the bars that it has, and the same differences after them."""
    bars = len(beginning)
    means = [
        float(loud[loud > 0].mean()) if (loud > 0).any() else 0 for loud in (beginning.loudness, plan.loudness[:bars])
    ]
    louder = np.clip(plan.loudness + round(means[0] - means[1]), 1, character.LOUDNESSES - 1)
    return replace(plan, loudness=np.where(plan.loudness > 0, louder, 0).astype(np.int16))
