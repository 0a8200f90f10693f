"""Similarity of two sets of pieces by musical features (Yang and Lerch 2018).

The paper is "On the evaluation of generative models in music" (Neural Computing and Applications). In: two sets of
pieces. For each feature that our notes have, the distances within a set (intra) and between the sets (inter) are
smoothed to densities with Gaussian kernels (Scott's bandwidth). Out: the overlapped area (0–1) of the reference set's
intra density and the inter density, where 1 means indistinguishable; and the Kullback-Leibler divergence of the first
from the second in nats, where 0 means equal. Bars follow the time signatures of each piece. The bar-by-bar features of
the paper are omitted, since they need pieces with the same number of bars.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.stats import gaussian_kde

from dataset.notes.model import Notes
from dataset.notes.timing import TICKS_PER_QUARTER
from training.events.fields import bar_ticks

Array = npt.NDArray[np.float64]

POINTS = 1000  # grid points for the integral of densities
REACH = 4.0  # bandwidths that the grid extends beyond the data
MIN_DENSITY = 1e-12  # lower bound for densities, to keep divergences finite
LENGTHS = np.array([4, 2, 1, 1 / 2, 1 / 4, 3, 3 / 2, 3 / 4, 3 / 8, 4 / 3, 2 / 3, 1 / 3]) * TICKS_PER_QUARTER
"""Ticks of whole note to sixteenth, of dotted half to dotted sixteenth, and of half, quarter and eighth of a triplet, as in the paper."""


def pitch_count(notes: Notes) -> Array:
    """Return the number of distinct pitches."""
    return np.array([len(np.unique(notes.pitch))], float)


def pitch_range(notes: Notes) -> Array:
    """Return the difference of the highest and the lowest pitch, in semitones."""
    return np.array([np.ptp(notes.pitch.astype(int))], float)


def pitch_class_histogram(notes: Notes) -> Array:
    """Return the share of each pitch class [12]."""
    return np.bincount(notes.pitch % 12, minlength=12) / len(notes)


def pitch_class_transitions(notes: Notes) -> Array:
    """Return the share of each pair of consecutive pitch classes [144].

    The notes of a chord follow each other from the lowest up.
    """
    classes = notes.pitch.astype(int) % 12
    return np.bincount(classes[:-1] * 12 + classes[1:], minlength=144) / max(1, len(notes) - 1)


def pitch_interval(notes: Notes) -> Array:
    """Return the mean absolute interval between consecutive notes, in semitones."""
    return np.array([np.abs(np.diff(notes.pitch.astype(int))).mean() if len(notes) > 1 else 0.0])


def notes_per_bar(notes: Notes) -> Array:
    """Return the mean number of notes in a bar, from the first note to the last."""
    bars, end = 0, int(notes.onset[-1]) + 1
    for (start, over, under), (until, *_) in pairwise([*notes.time_signatures, (end, 1, 1)]):
        first = max(start, int(notes.onset[0]) - (int(notes.onset[0]) - start) % bar_ticks(over, under))
        bars += max(0, -(-(min(until, end) - first) // bar_ticks(over, under)))
    return np.array([len(notes) / max(1, bars)])


def inter_onset_interval(notes: Notes) -> Array:
    """Return the mean time between distinct onsets, in quarter notes."""
    steps = np.diff(np.unique(notes.onset))
    return np.array([steps.mean() / TICKS_PER_QUARTER if len(steps) else 0.0])


def note_length_histogram(notes: Notes) -> Array:
    """Return the share of notes nearest to each note length of the paper [12]."""
    ratios = np.abs(np.log(notes.duration[:, None] / LENGTHS))
    return np.bincount(ratios.argmin(axis=1), minlength=len(LENGTHS)) / len(notes)


FEATURES: dict[str, Callable[[Notes], Array]] = {
    "pitch count": pitch_count,
    "pitch range": pitch_range,
    "pitch-class histogram": pitch_class_histogram,
    "pitch-class transitions": pitch_class_transitions,
    "pitch interval": pitch_interval,
    "notes per bar": notes_per_bar,
    "inter-onset interval": inter_onset_interval,
    "note-length histogram": note_length_histogram,
}


@dataclass(frozen=True, slots=True)
class Overlap:
    """The comparison of a set with the reference in one feature."""

    area: float  # 0–1
    divergence: float  # nats
    intra: float  # mean distance between pieces of the set
    reference: float  # mean distance between pieces of the reference
    inter: float  # mean distance between a piece of one and a piece of the other


def intra_distances(values: Array) -> Array:
    """Return the Euclidean distances between all rows of `values` [n, width].

    The result has shape [n (n - 1) / 2].
    """
    rows, others = np.triu_indices(len(values), 1)
    return np.linalg.norm(values[rows] - values[others], axis=1)


def inter_distances(values: Array, others: Array) -> Array:
    """Return the Euclidean distances from `values` [n, width] to `others` [m, width].

    The result has shape [n m].
    """
    return np.linalg.norm(values[:, None] - others[None], axis=2).ravel()


def area_and_divergence(first: Array, second: Array) -> tuple[float, float]:
    """Return the overlapped area and the divergence of two samples' densities.

    The divergence is that of the first from the second, in nats. Raises ValueError if a sample has fewer than two
    distinct values.
    """
    for sample in (first, second):
        if len(np.unique(sample)) < 2:
            raise ValueError("a density needs at least two distinct values")
    densities = [gaussian_kde(sample) for sample in (first, second)]
    reach = [REACH * float(np.sqrt(density.covariance[0, 0])) for density in densities]
    low = min(first.min() - reach[0], second.min() - reach[1])
    high = max(first.max() + reach[0], second.max() + reach[1])
    grid = np.linspace(low, high, POINTS)
    p, q = (density(grid) for density in densities)
    p, q = p / np.trapezoid(p, grid), q / np.trapezoid(q, grid)
    area = float(np.trapezoid(np.minimum(p, q), grid))
    p, q = np.maximum(p, MIN_DENSITY), np.maximum(q, MIN_DENSITY)
    return area, max(0.0, float(np.trapezoid(p * np.log(p / q), grid)))


def overlap(pieces: Sequence[Notes], reference: Sequence[Notes]) -> dict[str, Overlap]:
    """Compare `pieces` with the `reference` and return the overlap by feature.

    Both need at least two pieces, each with a note.
    """
    found = {}
    for name, feature in FEATURES.items():
        values, real = (np.array([feature(notes) for notes in held]) for held in (pieces, reference))
        own, between = intra_distances(real), inter_distances(values, real)
        area, divergence = area_and_divergence(own, between)
        found[name] = Overlap(
            area, divergence, float(intra_distances(values).mean()), float(own.mean()), float(between.mean())
        )
    return found


def mean(found: dict[str, Overlap]) -> tuple[float, float]:
    """Return the mean overlapped area and divergence over all features."""
    return float(np.mean([one.area for one in found.values()])), float(
        np.mean([one.divergence for one in found.values()])
    )
