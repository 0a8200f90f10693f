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
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from msgspec import Meta

from catalog.base.errors import TrainingError
from catalog.storage.reading import Count, Finite, Sha256, parse_json
from dataset.notes.model import Notes
from training.critic.measures import STEP, WINDOW, Measures, measure_ends
from training.events.fields import counted

FORMAT = 1  # increment when measures change
LEAST_NOTES = 32  # of a passage that is judged
LEAST_PIECES = 8  # of people's that a critic is fitted to

_QUANTILES = 41
_PENALTY = 50.0  # of the sum of squared weights, beside the loss of all passages; chosen by cross-validation
_ROUNDS = 50  # of Newton's method at most; about eight are needed
_RANKS = 2 * _QUANTILES + 1
_SCORES = np.array([NormalDist().inv_cdf((rank + 0.5) / _RANKS) for rank in range(_RANKS)])  # of twice a rank
_MIDDLE_HALF = NormalDist().inv_cdf(0.75)

Numbers = npt.NDArray[Any]
Quantiles = Annotated[tuple[Finite, ...], Meta(min_length=_QUANTILES, max_length=_QUANTILES)]
"""The quantiles of a measure, from 0 to 1 in steps of a fortieth."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A measure in people's pieces, and what it tells."""

    quantiles: Quantiles  # of people's passages
    weight: Finite  # log odds that a passage is people's, for each standard deviation of the measure


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

        Each piece counts alike, and all of people's as much as all drafts. With fewer than LEAST_PIECES of people's, or no
        draft, it has no measures.
        """
        people, drafts = ([piece for piece in pieces if piece] for pieces in (people, drafts))
        if len(people) < LEAST_PIECES or not drafts:
            return cls(FORMAT, weights_sha256, len(people), len(drafts), 0.0, {})
        steps, quantiles = np.linspace(0, 1, _QUANTILES), {}
        for name in dict.fromkeys(name for piece in people for passage in piece for name in passage):
            values = np.array([passage.get(name, np.nan) for piece in people for passage in piece])
            known = values[np.isfinite(values)]
            if len(known) >= LEAST_PIECES:
                quantiles[name] = np.quantile(known, steps).round(6)
        rows = [_scores(quantiles, [passage for piece in pieces for passage in piece]) for pieces in (people, drafts)]
        share = np.concatenate([_shares(pieces, sum(map(len, (*people, *drafts))) / 2) for pieces in (people, drafts)])
        is_peoples = np.repeat([1.0, 0.0], [len(of_one) for of_one in rows])
        weights = _regression(np.nan_to_num(np.concatenate(rows)), is_peoples, share)
        scales = {
            name: Scale(tuple(quantiles[name].tolist()), round(weight, 6))
            for name, weight in zip(quantiles, weights[1:].tolist(), strict=True)
        }
        return cls(FORMAT, weights_sha256, len(people), len(drafts), round(float(weights[0]), 6), scales)

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
        """Return the log odds of passages from the scores of their measures; an unknown measure counts as the median."""
        found: Numbers = self.odds + np.nan_to_num(scores) @ np.array([scale.weight for scale in self.scales.values()])
        return found

    def _scores(self, passages: Sequence[Measures]) -> Numbers:
        return _scores({name: np.array(scale.quantiles) for name, scale in self.scales.items()}, passages)


def passages_of(notes: Notes, most: int | None = None) -> list[Measures]:
    """Return the measures of the passages of a piece, or of the first `most`.

    Passages have WINDOW notes and begin every STEP notes; a shorter piece of LEAST_NOTES or more is one passage.
    """
    count = len(counted(notes))
    ends = list(range(WINDOW, count + 1, STEP))[:most] or [count] * (count >= LEAST_NOTES)
    return measure_ends(notes, ends)


def _scores(quantiles: dict[str, Numbers], passages: Sequence[Measures]) -> Numbers:
    """Return the normal score of the rank of each measure among people's, [passages, measures]; NaN if unknown."""
    found = np.full((len(passages), len(quantiles)), np.nan)
    for column, (name, among) in enumerate(quantiles.items()):
        values = np.array([passage.get(name, np.nan) for passage in passages])
        known = np.flatnonzero(np.isfinite(values))
        value = values[known].round(6)
        found[known, column] = _SCORES[np.searchsorted(among, value, "left") + np.searchsorted(among, value, "right")]
    return found


def _shares(pieces: Sequence[Sequence[Measures]], total: float) -> Numbers:
    """Return what each passage counts, such that all count `total` and each piece alike."""
    length = np.array([len(piece) for piece in pieces])
    return np.repeat(total / len(pieces) / length, length)


def _regression(rows: Numbers, is_peoples: Numbers, share: Numbers) -> Numbers:
    """Return the intercept and the weights of a logistic regression with a ridge penalty, by Newton's method."""
    columns = np.column_stack([np.ones(len(rows)), rows])
    penalty = np.full(columns.shape[1], 2 * _PENALTY)
    penalty[0] = 0
    weights = np.zeros(columns.shape[1])
    for _ in range(_ROUNDS):
        chance = 1 / (1 + np.exp(-(columns @ weights)))
        slope = columns.T @ (share * (is_peoples - chance)) - penalty * weights
        curve = (columns * (share * chance * (1 - chance))[:, None]).T @ columns + np.diag(penalty)
        step = np.linalg.solve(curve, slope)
        weights += step
        if np.abs(step).max() < 1e-9:
            break
    return weights
