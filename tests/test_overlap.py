"""The comparison of sets of pieces by the method of Yang & Lerch.

Densities have a known overlap, and features are those of handmade pieces.
"""

import sys
from importlib import import_module
from pathlib import Path
from statistics import NormalDist
from types import ModuleType

import numpy as np
import pytest

from dataset.notes.model import Notes

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))


@pytest.fixture(scope="module")
def overlap() -> ModuleType:
    """The module. It imports scipy, which takes a second, so no other worker need import it."""
    return import_module("overlap")


def notes(pitches: list[int], step: int = 24, length: int = 24, meters: tuple = ((0, 4, 4),)) -> Notes:
    """A sequence of notes, one after the other."""
    onset = np.arange(len(pitches)) * step
    return Notes.of(onset, [length] * len(pitches), pitches, [80] * len(pitches), [(0, 120.0)], meters)


def quantiles(middle: float, spread: float, count: int = 2000) -> np.ndarray:
    """A sample with exactly the quantiles of a normal distribution."""
    normal = NormalDist(middle, spread)
    return np.array([normal.inv_cdf((number + 0.5) / count) for number in range(count)])


@pytest.mark.parametrize("apart", [0.0, 0.5, 1.0, 2.0, 4.0])
def test_two_normal_distributions_overlap_as_much_as_they_should(overlap: ModuleType, apart: float) -> None:
    area, divergence = overlap.area_and_divergence(quantiles(0, 1), quantiles(apart, 1))
    assert area == pytest.approx(2 * NormalDist().cdf(-apart / 2), abs=0.03)  # the kernels widen both a little
    if apart <= 2:  # in the tails, where no sample lies, the density falls faster than a normal one
        assert divergence == pytest.approx(apart**2 / 2, rel=0.1, abs=1e-6)


def test_a_divergence_has_a_direction(overlap: ModuleType) -> None:
    """The Kullback–Leibler divergence of two normal distributions is not symmetric.

    Narrow from wide it is log(2) + 1/8 − 1/2. Wide from narrow it is −log(2) + 2 − 1/2, and more by
    the tails.
    """
    narrow, wide = quantiles(0, 1), quantiles(0, 2)
    assert overlap.area_and_divergence(narrow, wide)[1] == pytest.approx(np.log(2) - 3 / 8, abs=0.03)
    assert overlap.area_and_divergence(wide, narrow)[1] > 3 / 2 - np.log(2)


def test_what_is_far_apart_has_nothing_in_common_and_a_finite_divergence(overlap: ModuleType) -> None:
    area, divergence = overlap.area_and_divergence(quantiles(0, 1), quantiles(100, 1))
    assert area == pytest.approx(0, abs=1e-6)
    assert 10 < divergence < 100


def test_the_scale_of_a_feature_does_not_matter(overlap: ModuleType) -> None:
    first, second = quantiles(3, 1), quantiles(4, 2)
    assert overlap.area_and_divergence(first, second) == pytest.approx(
        overlap.area_and_divergence(1000 * first, 1000 * second), rel=1e-6
    )


def test_there_is_no_density_of_one_value(overlap: ModuleType) -> None:
    with pytest.raises(ValueError, match="two distinct values"):
        overlap.area_and_divergence(np.ones(5), quantiles(0, 1))


def test_every_pair_counts_once(overlap: ModuleType) -> None:
    values = np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 8.0]])
    assert overlap.intra_distances(values).tolist() == [5, 8, 5]
    assert overlap.inter_distances(values[:1], values[1:]).tolist() == [5, 8]


@pytest.mark.parametrize(
    "feature, piece, value",
    [
        ("pitch count", notes([60, 62, 60, 72]), 3),
        ("pitch range", notes([60, 62, 59, 72]), 13),
        ("pitch interval", notes([60, 62, 60, 72]), 16 / 3),
        ("notes per bar", notes([60] * 8), 4),
        ("notes per bar", notes([60] * 9, meters=((0, 3, 4),)), 3),
        ("notes per bar", notes([60] * 8, meters=((0, 4, 4), (96, 2, 4))), 8 / 3),
        ("inter-onset interval", notes([60, 62, 64], step=12), 0.5),
    ],
)
def test_a_feature_of_a_made_piece(overlap: ModuleType, feature: str, piece: Notes, value: float) -> None:
    assert overlap.FEATURES[feature](piece).tolist() == pytest.approx([value])


def test_bars_are_counted_from_the_first_note_on(overlap: ModuleType) -> None:
    late = Notes.of([960, 984, 1056], [24] * 3, [60] * 3, [80] * 3, [(0, 120.0)], [(0, 4, 4)])
    assert overlap.FEATURES["notes per bar"](late).tolist() == [1.5]


def test_histograms_are_shares_in_the_right_places(overlap: ModuleType) -> None:
    classes = overlap.pitch_class_histogram(notes([60, 62, 72, 74]))
    assert classes.tolist() == [0.5, 0, 0.5] + [0] * 9
    pairs = overlap.pitch_class_transitions(notes([60, 62, 72, 74])).reshape(12, 12)
    assert pairs[0, 2] == pytest.approx(2 / 3)
    assert pairs[2, 0] == pytest.approx(1 / 3)
    lengths = overlap.note_length_histogram(notes([60, 62], length=25))  # a quarter, held a little too long
    assert lengths[2] == 1
    assert overlap.note_length_histogram(notes([60], length=8))[11] == 1  # an eighth of a triplet


def test_a_set_like_the_reference_is_nearer_than_one_in_another_place(overlap: ModuleType) -> None:
    rng = np.random.default_rng(0)

    def walks(count: int, low: int, span: int, step: int) -> list[Notes]:
        made = []
        for _ in range(count):
            steps = rng.integers(1, 3, 60) * step
            onset = np.cumsum(steps) - steps[0]
            pitch = low + rng.integers(0, rng.integers(5, span), 60)
            made.append(Notes.of(onset, steps, pitch, [80] * 60, [(0, 120.0)], [(0, 4, 4)]))
        return made

    real = walks(30, 50, 24, 12)
    like, other = overlap.overlap(walks(30, 50, 24, 12), real), overlap.overlap(walks(30, 20, 80, 48), real)
    assert set(like) == set(overlap.FEATURES)
    assert overlap.mean(like)[0] > 0.85 > overlap.mean(other)[0] + 0.2
    assert overlap.mean(like)[1] < 0.1 < overlap.mean(other)[1]
