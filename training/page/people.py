"""How the samples of a run measure beside people's pieces, for its page.

In: a run with the measures of its training pieces, and files of samples. Out: for a few telling measures the median of
the samples, and people's median and quartiles. Of both, stretches of a few hundred notes are measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from catalog.base.errors import TrainingError
from training.choosing import People, stretches
from training.midi import read_notes
from training.run import MEASURES_FILE, Run

LABELS = {
    "semitones among what sounds": "Semitones and major sevenths among what sounds together",
    "thirds and sixths among what sounds": "Thirds and sixths among what sounds together",
    "top line steps": "Steps of one or two semitones in the top line",
    "likeness to the bar 8 before": "Notes in common with the bar 8 bars before",
    "onsets on the beat": "Notes that begin on a beat",
    "most notes at once": "Most notes at once",
}
"""Measures of `training.choosing` that the page shows, with their labels."""
COUNTED = ("most notes at once",)
"""Those that are no shares."""


@dataclass(frozen=True, slots=True)
class PeopleRow:
    """A measure of samples beside people's."""

    label: str
    is_share: bool
    samples: float  # median over the stretches of all samples
    people: float  # median over those of the training pieces
    low: float  # people's quartiles
    high: float

    @property
    def is_outside(self) -> bool:
        """Whether the samples' median is beyond people's quartiles."""
        return not self.low <= self.samples <= self.high


def beside_people(run: Run, files: Sequence[Path]) -> list[PeopleRow]:
    """Return the measures of LABELS that are known of both; none without a valid measures.json.

    Files that cannot be read are left out.
    """
    people = _people(run)
    if people is None:
        return []
    measured = [stretch for file in files for stretch in _stretches(file)]
    rows = []
    for name, label in LABELS.items():
        values = np.array([stretch.get(name, np.nan) for stretch in measured])
        values = values[np.isfinite(values)]
        if len(values) and (quantiles := people.quantiles.get(name)) is not None:
            low, middle, high = (quantiles[len(quantiles) * part // 4] for part in (1, 2, 3))
            rows.append(PeopleRow(label, name not in COUNTED, float(np.median(values)), middle, low, high))
    return rows


def _people(run: Run) -> People | None:
    if MEASURES_FILE not in run.files:
        return None
    try:
        people = People.from_json(run.check(MEASURES_FILE), run.path / MEASURES_FILE)
    except TrainingError:
        return None
    return people if people.is_enough() else None


def _stretches(file: Path) -> list[dict[str, float]]:
    try:
        return stretches(read_notes(file))
    except TrainingError:
        return []
