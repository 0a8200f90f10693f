"""Which part of a corpus is learned from and which is held out: train, validation, test. Pure, seeded, by cluster.

A cluster's side follows from the seed and its own name alone, so it is the same in every corpus and stays the same when
the catalog grows. Only where a small corpus would be left without a part is a cluster moved to fill it.
"""

import hashlib
from collections.abc import Iterable

from dataset.corpus import Split

HELD_OUT = 0.1  # the share of clusters for validation, and again for test


def place(cluster: str, seed: int) -> float:
    """Return the cluster's place in [0, 1): below 0.1 it is for test, below 0.2 for validation."""
    digest = hashlib.sha256(f"{seed}:{cluster}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def assign(clusters: Iterable[str], seed: int) -> dict[str, Split]:
    """Return each distinct cluster's part; all pieces of a cluster go with it.

    From three clusters on, no part is empty: an empty test or validation takes the lowest places above it, an empty train
    keeps the highest one. Two clusters make train and validation, one makes train.
    """
    ordered = sorted(set(clusters), key=lambda cluster: (place(cluster, seed), cluster))
    count = len(ordered)
    test = sum(place(cluster, seed) < HELD_OUT for cluster in ordered)
    held = sum(place(cluster, seed) < 2 * HELD_OUT for cluster in ordered)
    test = min(max(test, 1 if count >= 3 else 0), max(count - 2, 0))
    held = min(max(held, test + 1), max(count - 1, 0))
    return {
        cluster: "test" if rank < test else "validation" if rank < held else "train"
        for rank, cluster in enumerate(ordered)
    }
