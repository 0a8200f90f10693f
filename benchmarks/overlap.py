"""How near one set of pieces is to another in what can be measured of them, after Yang & Lerch 2018.

The paper is "On the evaluation of generative models in music" (Neural Computing and Applications). In: two sets of pieces. For each
feature of the paper that our notes have, the distances of every piece to every other of its own set (intra) and to every piece of the
other set (inter) are smoothed into densities by Gaussian kernels (Scott's bandwidth). Out: the area that the reference set's intra
density and the inter density have in common (overlapped area, 0–1; 1 is indistinguishable), and the Kullback-Leibler divergence of the
first from the second in nats (0 is the same). Bars are those of each piece's time signatures. The paper's features bar by bar are left
out, for they compare pieces of the same number of bars.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.stats import gaussian_kde

from dataset.notes.model import TICKS_PER_QUARTER, Notes
from training.events.classes import bar_ticks

Array = npt.NDArray[np.float64]

POINTS = 1000  # of the grid that densities are integrated over
REACH = 4.0  # bandwidths by which that grid goes beyond the data
PASSAGE_LENGTHS = 1e-12  # a density below this counts as this, so that a divergence stays finite
LENGTHS = np.array([4, 2, 1, 1 / 2, 1 / 4, 3, 3 / 2, 3 / 4, 3 / 8, 4 / 3, 2 / 3, 1 / 3]) * TICKS_PER_QUARTER
"""Ticks of whole note to sixteenth, of dotted half to dotted sixteenth, and of half, quarter and eighth of a triplet, as in the paper."""


def pitch_count(notes: Notes) -> Array:
    """How many different pitches there are."""
    return np.array([len(np.unique(notes.pitch))], float)


def pitch_range(notes: Notes) -> Array:
    """Highest less lowest pitch, in semitones."""
    return np.array([np.ptp(notes.pitch.astype(int))], float)


def pitch_class_histogram(notes: Notes) -> Array:
    """The share of each pitch class, [12]."""
    return np.bincount(notes.pitch % 12, minlength=12) / len(notes)


def pitch_class_transitions(notes: Notes) -> Array:
    """The share of each pair of pitch classes that follow one another, [144]; notes of a chord follow from the lowest up."""
    classes = notes.pitch.astype(int) % 12
    return np.bincount(classes[:-1] * 12 + classes[1:], minlength=144) / max(1, len(notes) - 1)


def pitch_interval(notes: Notes) -> Array:
    """The mean step from note to note in semitones, up or down alike."""
    return np.array([np.abs(np.diff(notes.pitch.astype(int))).mean() if len(notes) > 1 else 0.0])


def notes_per_bar(notes: Notes) -> Array:
    """The mean number of notes a bar, from the bar of the first note to that of the last."""
    bars, end = 0, int(notes.onset[-1]) + 1
    for (start, over, under), (until, *_) in pairwise([*notes.time_signatures, (end, 1, 1)]):
        first = max(start, int(notes.onset[0]) - (int(notes.onset[0]) - start) % bar_ticks(over, under))
        bars += max(0, -(-(min(until, end) - first) // bar_ticks(over, under)))
    return np.array([len(notes) / max(1, bars)])


def inter_onset_interval(notes: Notes) -> Array:
    """The mean time from one onset to the next other one, in quarter notes."""
    steps = np.diff(np.unique(notes.onset))
    return np.array([steps.mean() / TICKS_PER_QUARTER if len(steps) else 0.0])


def note_length_histogram(notes: Notes) -> Array:
    """The share of notes whose length is nearest, as a ratio, to each of the lengths of the paper, [12]."""
    ratios = np.abs(np.log(notes.duration[:, None] / LENGTHS))
    return np.bincount(ratios.argmin(axis=1), minlength=len(LENGTHS)) / len(notes)


FEATURES: dict[str, Callable[[Notes], Array]] = {
    "pitch count": pitch_count,
    "pitch range": pitch_range,
    "pitch-class histogram": pitch_class_histogram,
    "pitch-class transitions": pitch_class_transitions,
    "pitch interval": pitch_interval,
    "notes a bar": notes_per_bar,
    "inter-onset interval": inter_onset_interval,
    "note-length histogram": note_length_histogram,
}


@dataclass(frozen=True, slots=True)
class Overlap:
    """How a set compares with the reference in one feature."""

    area: float  # 0–1
    divergence: float  # nats
    intra: float  # mean distance of the set's pieces from each other
    reference: float  # the same of the reference's
    inter: float  # mean distance between a piece of one and a piece of the other


def intra_distances(values: Array) -> Array:
    """Return the Euclidean distance of each row of `values` [n, width] to each other one, every pair once: [n (n − 1) / 2]."""
    rows, others = np.triu_indices(len(values), 1)
    return np.linalg.norm(values[rows] - values[others], axis=1)


def inter_distances(values: Array, others: Array) -> Array:
    """Return the Euclidean distance of each row of `values` [n, width] to each of `others` [m, width]: [n m]."""
    return np.linalg.norm(values[:, None] - others[None], axis=2).ravel()


def area_and_divergence(first: Array, second: Array) -> tuple[float, float]:
    """Return the overlapped area of the densities of two samples, and the divergence of the first from the second in nats.

    Raises ValueError where a sample has fewer than two different values, of which there is no density.
    """
    for sample in (first, second):
        if len(np.unique(sample)) < 2:
            raise ValueError("a density needs two different values at least")
    densities = [gaussian_kde(sample) for sample in (first, second)]
    reach = [REACH * float(np.sqrt(density.covariance[0, 0])) for density in densities]
    low = min(first.min() - reach[0], second.min() - reach[1])
    high = max(first.max() + reach[0], second.max() + reach[1])
    grid = np.linspace(low, high, POINTS)
    p, q = (density(grid) for density in densities)
    p, q = p / np.trapezoid(p, grid), q / np.trapezoid(q, grid)
    area = float(np.trapezoid(np.minimum(p, q), grid))
    p, q = np.maximum(p, PASSAGE_LENGTHS), np.maximum(q, PASSAGE_LENGTHS)
    return area, max(0.0, float(np.trapezoid(p * np.log(p / q), grid)))


def overlap(pieces: Sequence[Notes], reference: Sequence[Notes]) -> dict[str, Overlap]:
    """Return by feature how `pieces` compare with the `reference`. Both need two pieces at least, each with a note."""
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
