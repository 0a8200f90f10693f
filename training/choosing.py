"""Chooses, of the drafts that a run composed, those that are likest to people's pieces. Pure NumPy.

In: drafts, and the measures of a run's training pieces, which are computed when the run is created. Out: the drafts to
keep, one of those of each plan, with their distances. Every measure is a common figure of rhythm, harmony, lines, texture or form, taken of
stretches of WINDOW notes, so that long pieces and short ones compare. Not the most average drafts are kept: drafts
differ less among themselves than people's pieces do, so that would make them more alike still. Kept are those whose
measures are likelier among people's pieces than among the drafts.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from statistics import NormalDist
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from msgspec import Meta

from catalog.base.errors import TrainingError
from catalog.storage.reading import Count, Finite, parse_json
from dataset.notes.form import bar_lines
from dataset.notes.model import Notes
from dataset.notes.timing import TICKS_PER_QUARTER
from training.events.fields import counted

FORMAT = 2  # increment when measures change
WINDOW = 256  # notes of a stretch
WINDOWS = 3  # stretches of a training piece that are measured, evenly spaced
LEAST_NOTES = 32  # of a stretch that is measured
LEAST_PIECES = 8  # by which pieces can be chosen
PRIOR = 8  # stretches of people's that are added to the drafts', of which there may be few
SEVERAL = 3  # measures outside people's 1st to 99th percentile by which a piece is rejected before others
STEP, OCTAVE, MIDDLE = 2, 12, 60  # semitones of a step and of an octave; middle C

_QUANTILES = 101
_SCALE = np.array([0, 2, 4, 5, 7, 9, 11])
_MAJOR = np.isin((np.arange(12)[None] - np.arange(12)[:, None]) % 12, _SCALE)  # [tonic, pitch class]
_RANKS = 2 * _QUANTILES + 1
_SCORES = np.array([NormalDist().inv_cdf((rank + 0.5) / _RANKS) for rank in range(_RANKS)])  # of twice a rank
_MIDDLE_HALF, _RARE = NormalDist().inv_cdf(0.75), NormalDist().inv_cdf(0.99)

Numbers = npt.NDArray[Any]
Quantiles = Annotated[tuple[Finite, ...], Meta(min_length=_QUANTILES, max_length=_QUANTILES)]
"""The quantiles of a measure, from 0 to 1 in steps of a hundredth."""


@dataclass(frozen=True, slots=True)
class People:
    """How people's pieces measure: the distribution of each measure in the training pieces of a run."""

    format: Count  # version of the measures
    pieces: Count  # training pieces that were measured
    quantiles: dict[str, Quantiles]  # by measure, from the least value to the greatest in steps of a hundredth

    @classmethod
    def of(cls, pieces: Sequence[Notes]) -> "People":
        """Return the measures of people's pieces, from up to WINDOWS stretches of each."""
        rows, measured = [], 0
        for notes in pieces:
            found = stretches(notes)
            some = sorted({round(at) for at in np.linspace(0, len(found) - 1, WINDOWS)}) if found else []
            rows += [found[at] for at in some]
            measured += bool(found)
        names = dict.fromkeys(name for row in rows for name in row)
        by_name = {name: np.array([row[name] for row in rows if np.isfinite(row.get(name, np.nan))]) for name in names}
        steps = np.linspace(0, 1, _QUANTILES)
        return cls(
            FORMAT,
            measured,
            {
                name: tuple(np.quantile(values, steps).round(6).tolist())
                for name, values in by_name.items()
                if len(values) >= LEAST_PIECES
            },
        )

    def to_json(self) -> str:
        """Return the text of measures.json; deterministic."""
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, where: object) -> "People":
        """Parse the text of measures.json; raises TrainingError, naming `where`, if it is not valid."""
        return parse_json(text, cls, where, fail=TrainingError, remedy="train the run again, or compose with --draft")

    def is_enough(self) -> bool:
        """Return whether pieces can be chosen by these measures."""
        return self.format == FORMAT and self.pieces >= LEAST_PIECES

    def scores(self, notes: Notes) -> Numbers:
        """Return the normal score of the rank of each measure among people's, [stretches, measures]; NaN if unknown."""
        rows = [[measured.get(name, np.nan) for name in self.quantiles] for measured in stretches(notes)]
        values = np.array(rows, np.float64).reshape(-1, len(self.quantiles))
        found = np.full(values.shape, np.nan)
        for column, quantiles in enumerate(self.quantiles.values()):
            known = np.flatnonzero(np.isfinite(values[:, column]))
            value = values[known, column]
            rank = np.searchsorted(quantiles, value, "left") + np.searchsorted(quantiles, value, "right")
            found[known, column] = _SCORES[rank]
        return found


@dataclass(frozen=True, slots=True)
class Choice:
    """A draft that is kept; distance and advantage are None if it is too short to be measured."""

    index: int  # of the draft
    distance: float | None  # standard deviations that a measure is beyond people's middle half, a mean
    advantage: float | None  # log of how much likelier a measure is among people's than among the drafts', a mean


def choose_drafts(people: People, drafts: Sequence[Notes], per_plan: int) -> list[Choice]:
    """Return the draft likest to people's pieces of each `per_plan` in a row, which follow the same plan.

    The likest is returned first. Drafts of other plans are not compared: the measures would choose among the plans, and
    prefer those of pieces that are off the grid.

    The measures of the drafts, as normal scores among people's, are taken as normal and independent, and so is their
    distribution, which PRIOR stretches of people's are added to. A draft is judged by the ratio of its likelihoods.
    Drafts too short to be measured come after these, and drafts with SEVERAL measures outside people's 1st to 99th
    percentile after all others.
    """
    scores = [people.scores(notes) for notes in drafts]
    together = np.concatenate(scores)
    known = np.isfinite(together)
    number = known.sum(axis=0) + PRIOR
    mean = np.where(known, together, 0).sum(axis=0) / number
    variance = (np.where(known, (together - mean) ** 2, 0).sum(axis=0) + PRIOR) / number

    def advantage(score: Numbers) -> float | None:
        ratio = (score - mean) ** 2 / (2 * variance) + np.log(variance) / 2 - score**2 / 2
        return _mean(ratio)

    def rank(score: Numbers) -> int:
        if ((np.abs(score) > _RARE).sum(axis=1) >= SEVERAL).any():
            return 2
        return 0 if np.isfinite(score).any() else 1

    known_of = [advantage(score) for score in scores]
    found = [(rank(score), -(known_of[at] or 0.0), at) for at, score in enumerate(scores)]
    best = sorted(min(found[first : first + per_plan]) for first in range(0, len(found), per_plan))
    return [Choice(at, _mean(np.maximum(np.abs(scores[at]) - _MIDDLE_HALF, 0)), known_of[at]) for *_, at in best]


def _mean(values: Numbers) -> float | None:
    """Return the mean of the values that are known, None if there are none."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None


def stretches(notes: Notes) -> list[dict[str, float]]:
    """Return the measures of the stretches of a piece, of notes as they are composed: one for a pitch at an onset.

    None if there are fewer than LEAST_NOTES.
    """
    keep = counted(notes)
    if len(keep) < LEAST_NOTES:
        return []
    onset, duration, pitch = (column[keep].astype(np.int64) for column in (notes.onset, notes.duration, notes.pitch))
    lines = bar_lines(notes)
    bar = np.minimum(np.searchsorted(lines, onset, side="right") - 1, len(lines) - 2)
    edges = np.linspace(0, len(keep), max(1, len(keep) // WINDOW) + 1).round().astype(int)
    return [
        _measures(onset[begin:end], duration[begin:end], pitch[begin:end], bar[begin:end], lines)
        for begin, end in pairwise(edges)
    ]


def _measures(onset: Numbers, duration: Numbers, pitch: Numbers, bar: Numbers, lines: Numbers) -> dict[str, float]:
    """Return the measures of a stretch; NaN where one cannot be taken."""
    begins, first, count = np.unique(onset, return_index=True, return_counts=True)
    place = onset - lines[bar]
    return {
        **_rhythm(begins, place[first], bar[first]),
        **_harmony(begins, onset, duration, pitch),
        **_line("top", pitch[first + count - 1]),
        **_line("bass", pitch[first]),
        **_texture(onset, duration, pitch, count),
        **_form(bar - bar[0], place, pitch),
    }


def _rhythm(begins: Numbers, place: Numbers, bar: Numbers) -> dict[str, float]:
    steps = np.diff(begins)
    pairs = steps[1:] + steps[:-1]
    on_line = place == 0
    return {
        "onsets per quarter": len(steps) * TICKS_PER_QUARTER / max(1, int(begins[-1] - begins[0])),
        "onsets on the beat": float((place % TICKS_PER_QUARTER == 0).mean()),
        "onsets on the bar line": float(on_line.mean()),
        "bars with an onset on their line": len(np.unique(bar[on_line])) / len(np.unique(bar)),
        "commonest step": float(np.unique(steps, return_counts=True)[1].max() / len(steps)) if len(steps) else np.nan,
        "difference of neighbouring steps": float((np.abs(np.diff(steps)) / pairs).mean()) if len(pairs) else np.nan,
    }


def _harmony(begins: Numbers, onset: Numbers, duration: Numbers, pitch: Numbers) -> dict[str, float]:
    sounds = (onset <= begins[:, None]) & (onset + duration > begins[:, None])
    classes = np.eye(12)[pitch % 12]
    heard = sounds.astype(np.float64) @ classes  # [onsets, pitch classes]
    pairs = np.array([(heard * np.roll(heard, step, axis=1)).sum() for step in range(7)])
    pairs[0] = (pairs[0] - heard.sum()) / 2
    pairs[6] /= 2
    share = pairs / pairs.sum() if pairs.sum() > 0 else np.full(7, np.nan)
    tones = classes.mean(axis=0)
    return {
        "semitones among what sounds": float(share[1]),
        "thirds and sixths among what sounds": float(share[3] + share[4]),
        "notes in the best scale": float((_MAJOR @ tones).max()),
    }


def _line(name: str, pitch: Numbers) -> dict[str, float]:
    moves = np.diff(pitch)
    if not len(moves):
        return {}
    size = np.abs(moves)
    figures = {
        f"{name} line repeats": float((size == 0).mean()),
        f"{name} line steps": float(((size > 0) & (size <= STEP)).mean()),
    }
    if name == "top":
        turns = np.sign(moves[size > 0])
        figures["top line leaps over an octave"] = float((size > OCTAVE).mean())
        figures["top line turns"] = float((turns[1:] != turns[:-1]).mean()) if len(turns) > 1 else np.nan
    return figures


def _texture(onset: Numbers, duration: Numbers, pitch: Numbers, count: Numbers) -> dict[str, float]:
    ends = np.sort(onset + duration)
    most = np.arange(1, len(onset) + 1) - np.searchsorted(ends, onset, side="right")
    low, high = np.quantile(pitch, [0.05, 0.95])
    left, right = duration[pitch < MIDDLE], duration[pitch >= MIDDLE]
    return {
        "most notes at once": float(most.max()),
        "notes per onset": float(count.mean()),
        "range": float(high - low),
        "duration below middle C": float(np.median(left)) if len(left) else np.nan,
        "duration above middle C": float(np.median(right)) if len(right) else np.nan,
    }


def _form(bar: Numbers, place: Numbers, pitch: Numbers) -> dict[str, float]:
    by_note, by_place = _present(bar, place * 128 + pitch), _present(bar, place)
    return {
        **{f"likeness to the bar {back} before": _likeness(by_note, back) for back in (1, 2, 4, 8)},
        "likeness of rhythm to the bar before": _likeness(by_place, 1),
    }


def _present(bar: Numbers, key: Numbers) -> Numbers:
    """Return which keys occur in each bar, [bars, keys]."""
    items, number = np.unique(key, return_inverse=True)
    present = np.zeros((int(bar[-1]) + 1, len(items)), bool)
    present[bar, number] = True
    return present


def _likeness(present: Numbers, back: int) -> float:
    """Return the mean Jaccard likeness of bars, as sets of keys, to those `back` bars before; NaN if there are none."""
    if len(present) <= back:
        return np.nan
    both = (present[back:] & present[:-back]).sum(axis=1, dtype=np.float32)
    either = (present[back:] | present[:-back]).sum(axis=1, dtype=np.float32)
    return float((both / np.maximum(either, 1)).mean())
