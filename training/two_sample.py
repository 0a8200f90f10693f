"""A classifier that tells two samples apart by measures (Lopez-Paz and Oquab 2017). Pure NumPy.

In: measures of people's examples and of others, by name. Out: for each measure, its quantiles among people's and a weight.
It is a logistic regression with a ridge penalty of the normal scores of the measures' ranks among people's.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from msgspec import Meta

from catalog.storage.reading import Finite

LEAST_PIECES = 8  # of people's that it is fitted to, and that know a measure

_QUANTILES = 41
_PENALTY = 50.0  # of the sum of squared weights, beside the loss of all examples; chosen by cross-validation
_ROUNDS = 50  # of Newton's method at most; about eight are needed
_RANKS = 2 * _QUANTILES + 1
_SCORES = np.array([NormalDist().inv_cdf((rank + 0.5) / _RANKS) for rank in range(_RANKS)])  # of twice a rank

Numbers = npt.NDArray[Any]
Measures = Mapping[str, float]
Quantiles = Annotated[tuple[Finite, ...], Meta(min_length=_QUANTILES, max_length=_QUANTILES)]
"""The quantiles of a measure, from 0 to 1 in steps of a fortieth."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A measure among people's examples, and what it tells."""

    quantiles: Quantiles  # of people's examples
    weight: Finite  # log odds that an example is people's, for each standard deviation of the measure


def fit(people: Sequence[Sequence[Measures]], others: Sequence[Sequence[Measures]]) -> tuple[float, dict[str, Scale]]:
    """Return the log odds of an example whose measures are people's medians, and the scales of all measures.

    Each piece, a sequence of examples, counts alike, and all of people's as much as all others. With fewer than LEAST_PIECES of
    people's that have examples, or none of the others, there are no scales.
    """
    people, others = ([piece for piece in pieces if piece] for pieces in (people, others))
    if len(people) < LEAST_PIECES or not others:
        return 0.0, {}
    steps, quantiles = np.linspace(0, 1, _QUANTILES), {}
    for name in dict.fromkeys(name for piece in people for example in piece for name in example):
        values = np.array([example.get(name, np.nan) for piece in people for example in piece])
        known = values[np.isfinite(values)]
        if len(known) >= LEAST_PIECES:
            quantiles[name] = np.quantile(known, steps).round(6)
    rows = [_scores(quantiles, [example for piece in pieces for example in piece]) for pieces in (people, others)]
    share = np.concatenate([_shares(pieces, sum(map(len, (*people, *others))) / 2) for pieces in (people, others)])
    is_peoples = np.repeat([1.0, 0.0], [len(of_one) for of_one in rows])
    weights = _regression(np.nan_to_num(np.concatenate(rows)), is_peoples, share)
    scales = {
        name: Scale(tuple(quantiles[name].tolist()), round(weight, 6))
        for name, weight in zip(quantiles, weights[1:].tolist(), strict=True)
    }
    return round(float(weights[0]), 6), scales


def normal_scores(scales: Mapping[str, Scale], examples: Iterable[Measures]) -> Numbers:
    """Return the normal score of the rank of each measure among people's, [examples, measures]; NaN if unknown."""
    return _scores({name: np.array(scale.quantiles) for name, scale in scales.items()}, [*examples])


def log_odds(scales: Mapping[str, Scale], scores: Numbers) -> Numbers:
    """Return by how much the log odds of examples differ from those of medians; an unknown measure counts as the median."""
    found: Numbers = np.nan_to_num(scores) @ np.array([scale.weight for scale in scales.values()])
    return found


def _scores(quantiles: Mapping[str, Numbers], examples: Sequence[Measures]) -> Numbers:
    found = np.full((len(examples), len(quantiles)), np.nan)
    for column, (name, among) in enumerate(quantiles.items()):
        values = np.array([example.get(name, np.nan) for example in examples])
        known = np.flatnonzero(np.isfinite(values))
        value = values[known].round(6)
        found[known, column] = _SCORES[np.searchsorted(among, value, "left") + np.searchsorted(among, value, "right")]
    return found


def _shares(pieces: Sequence[Sequence[Measures]], total: float) -> Numbers:
    """Return what each example counts, such that all count `total` and each piece alike."""
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
