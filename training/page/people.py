"""How the samples of a run measure beside people's pieces, for its page.

In: a run with a critic, and files of samples. Out: for a few telling measures the median of the samples, and people's
median and quartiles. Of both, passages of WINDOW notes are measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from catalog.base.errors import TrainingError
from training.critic.critic import Critic, passages_of
from training.critic.measures import Measures
from training.midi import read_notes
from training.run import Run
from training.run_critic import read_critic

LABELS = {
    "interval class 1 among what sounds": "Semitones and major sevenths among what sounds together",
    "right top repeats": "The same pitch again in the melody",
    "right top turns": "Turns of the melody",
    "right likeness: bars equal to one before": "Bars of the right hand that come again",
    "onsets on the beat": "Onsets on a beat",
    "notes that sound": "Notes that sound at an onset",
}
"""Measures of `training.critic` that the page shows, with their labels."""
COUNTED = ("notes that sound",)
"""Those that are no shares."""


@dataclass(frozen=True, slots=True)
class PeopleRow:
    """A measure of samples beside people's."""

    label: str
    is_share: bool
    samples: float  # median over the passages of all samples
    people: float  # median over those of the training pieces
    low: float  # people's quartiles
    high: float

    @property
    def is_outside(self) -> bool:
        """Whether the samples' median is beyond people's quartiles."""
        return not self.low <= self.samples <= self.high


def beside_people(run: Run, files: Sequence[Path]) -> list[PeopleRow]:
    """Return the measures of LABELS that are known of both; none without a critic.

    Files that cannot be read are left out.
    """
    critic = _critic(run)
    if critic is None:
        return []
    measured = [passage for file in files for passage in _passages(file)]
    rows = []
    for name, label in LABELS.items():
        values = np.array([passage.get(name, np.nan) for passage in measured])
        values = values[np.isfinite(values)]
        if len(values) and name in critic.scales:
            quantiles = critic.scales[name].quantiles
            low, middle, high = (quantiles[len(quantiles) * part // 4] for part in (1, 2, 3))
            rows.append(PeopleRow(label, name not in COUNTED, float(np.median(values)), middle, low, high))
    return rows


def _critic(run: Run) -> Critic | None:
    try:
        return read_critic(run)[0]
    except TrainingError:
        return None


def _passages(file: Path) -> list[Measures]:
    try:
        return passages_of(read_notes(file))
    except TrainingError:
        return []
