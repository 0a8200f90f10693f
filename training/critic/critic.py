"""`Critic`: how likely a passage is people's rather than a run's, by measures. Pure NumPy.

A logistic regression of the measures of `measures.py`, each as the normal score of its rank among people's, is fitted
to passages of the training pieces and of drafts of the run (a classifier two-sample test, Lopez-Paz and Oquab 2017). Its
log odds correct what the network does wrong when it composes on from its own notes: of several ways on, the likeliest
to be people's is taken, as in residual energy-based models (Deng et al. 2020).
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from catalog.base.errors import TrainingError
from catalog.storage.reading import Count, Finite, Sha256, parse_json
from dataset.notes.model import Notes
from training import two_sample
from training.critic.measures import STEP, WINDOW, Measures, measure_ends
from training.events.fields import counted
from training.two_sample import Scale

FORMAT = 1  # increment when measures change
LEAST_NOTES = 32  # of a passage that is judged

_MIDDLE_HALF = NormalDist().inv_cdf(0.75)

Numbers = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Critic:
    """How people's passages measure, and how they differ from a run's."""

    format: Count  # version of the measures
    weights_sha256: Sha256  # of the weights that composed the drafts
    pieces: Count  # people's pieces that it was fitted to
    drafts: Count  # drafts that it was fitted to
    odds: Finite  # log odds of a passage whose measures are all people's medians
    scales: dict[str, Scale]  # by measure

    @classmethod
    def fit(
        cls, people: Sequence[Sequence[Measures]], drafts: Sequence[Sequence[Measures]], weights_sha256: str
    ) -> "Critic":
        """Return the critic of the passages of people's pieces and of drafts.

        With fewer than LEAST_PIECES of people's, or no draft, it has no measures (`two_sample.fit`).
        """
        odds, scales = two_sample.fit(people, drafts)
        return cls(FORMAT, weights_sha256, sum(map(bool, people)), sum(map(bool, drafts)), odds, scales)

    def to_json(self) -> str:
        """Return the text of critic.json; deterministic."""
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, where: object, remedy: str) -> "Critic":
        """Parse the text of critic.json; raises TrainingError, naming `where` and `remedy`, if it is not valid."""
        return parse_json(text, cls, where, fail=TrainingError, remedy=remedy)

    def log_odds(self, notes: Notes) -> float | None:
        """Return the natural log of the odds that people wrote the last WINDOW notes; None if they are too few."""
        end = len(counted(notes))
        if end < LEAST_NOTES:
            return None
        return float(self._odds(self._scores(measure_ends(notes, [end])))[0])

    def judge(self, notes: Notes) -> tuple[float, float] | None:
        """Return two means over the passages of a piece: distance and log odds; None if it is too short.

        The distance is how many standard deviations a measure is beyond people's middle half, a mean over all.
        """
        passages = passages_of(notes)
        if not passages:
            return None
        scores = self._scores(passages)
        beyond = np.maximum(np.abs(scores[np.isfinite(scores)]) - _MIDDLE_HALF, 0)
        return float(beyond.mean()), float(self._odds(scores).mean())

    def _odds(self, scores: Numbers) -> Numbers:
        """Return the log odds of passages from the scores of their measures."""
        found: Numbers = self.odds + two_sample.log_odds(self.scales, scores)
        return found

    def _scores(self, passages: Sequence[Measures]) -> Numbers:
        return two_sample.normal_scores(self.scales, passages)


def passages_of(notes: Notes, most: int | None = None) -> list[Measures]:
    """Return the measures of the passages of a piece, or of the first `most`.

    Passages have WINDOW notes and begin every STEP notes; a shorter piece of LEAST_NOTES or more is one passage.
    """
    count = len(counted(notes))
    ends = list(range(WINDOW, count + 1, STEP))[:most] or [count] * (count >= LEAST_NOTES)
    return measure_ends(notes, ends)
