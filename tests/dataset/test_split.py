"""Splits: every cluster has one side, no side is empty, and a side does not change when pieces are added."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from dataset.split import HELD_OUT, assign, place

CLUSTERS = st.lists(st.integers(0, 10**6).map(str), min_size=1, max_size=60)


@given(CLUSTERS, st.integers(0, 99))
def test_no_part_is_empty_from_three_clusters_on(clusters: list[str], seed: int) -> None:
    sides = assign(clusters, seed)
    assert sides.keys() == set(clusters)
    count = len(sides)
    assert set(sides.values()) == (
        {"train", "validation", "test"} if count >= 3 else set(("train", "validation")[:count])
    )


@given(CLUSTERS, st.integers(0, 99), st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_matters(clusters: list[str], seed: int, random: object) -> None:
    shuffled = [*clusters, *clusters[:3]]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert assign(shuffled, seed) == assign(clusters, seed)


def test_about_a_tenth_is_held_out_twice() -> None:
    counts = Counter(assign(map(str, range(10_000)), 0).values())
    assert 900 < counts["test"] < 1100
    assert 900 < counts["validation"] < 1100


def test_a_cluster_keeps_its_side_when_the_catalog_grows() -> None:
    before, after = assign(map(str, range(1000)), 5), assign(map(str, range(3000)), 5)
    assert all(after[cluster] == side for cluster, side in before.items())


def test_only_where_a_part_would_be_empty_is_a_cluster_moved() -> None:
    clusters = [str(number) for number in range(200) if place(str(number), 0) >= 2 * HELD_OUT][:12]
    sides = assign(clusters, 0)  # by their places alone, all twelve would be for training
    assert Counter(sides.values()) == {"train": 10, "validation": 1, "test": 1}


def test_another_seed_gives_another_split() -> None:
    assert assign(map(str, range(100)), 0) != assign(map(str, range(100)), 1)
