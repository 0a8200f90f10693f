"""Which pairs of pieces share so many rare shingles that a closer look pays. Pure; one sort, no pair is looked at twice.

The index is exact where MinHash estimates: the shingles of all pieces are packed with the number of their piece into one
array of 64-bit numbers and sorted once, which takes eight bytes a shingle. A shared shingle counts the less the more pieces
have it (inverse document frequency), for scales and drones are everywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_PIECES = 1 << 20  # the low bits of an entry: the piece; the high ones are left for the hash
COMMON = 32  # a shingle of more pieces is common: each is then paired with the next few only, so that pairs stay linear
NEIGHBOURS = 4
LEAST_SHARED = 4.0  # weighted shingles, or half of all that a small piece has
LEAST_SHARE = 0.08  # of the shingles of the piece that has fewer; kinship by ear starts at about 0.1
BLOCK = 1 << 24  # pairs held at a time before equal ones are added up


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Pairs of pieces, first < second, sorted; `shared` is their weighted number of shared shingles."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    shared: NDArray[np.float64]


def candidate_pairs(hashes: Sequence[NDArray[np.uint64]]) -> Pairs:
    """Return the pairs of pieces worth aligning, from the shingle hashes of each.

    Raises ValueError for more than MOST_PIECES pieces.
    """
    count = len(hashes)
    if count > MOST_PIECES:
        raise ValueError(f"{count} pieces: at most {MOST_PIECES} can be compared at once")
    low = np.uint64(MOST_PIECES - 1)
    entries = np.empty(sum(map(len, hashes)), np.uint64)
    end = 0
    for piece, own in enumerate(hashes):
        start, end = end, end + len(own)
        entries[start:end] = own & ~low | np.uint64(piece)
    entries.sort()
    entries = entries[np.diff(entries, prepend=np.uint64(0)) > 0] if len(entries) else entries
    owner = (entries & low).astype(np.int64)
    starts = np.flatnonzero(np.diff(entries & ~low, prepend=~np.uint64(0)) != 0)
    sizes = np.bincount(owner, minlength=count)
    keys, shared = _shared(owner, starts, np.diff(starts, append=len(entries)), count)
    first, second = keys // max(count, 1), keys % max(count, 1)
    fewer = np.minimum(sizes[first], sizes[second])
    good = (shared >= LEAST_SHARE * fewer) & (shared >= np.minimum(LEAST_SHARED, fewer / 2))
    return Pairs(first[good], second[good], shared[good])


def _shared(
    owner: NDArray[np.int64], starts: NDArray[np.int64], lengths: NDArray[np.int64], count: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the key first * count + second of each pair with a shingle in common, and the weight of what they share."""
    keys, weights = np.empty(0, np.int64), np.empty(0, np.float64)
    pending: list[tuple[NDArray[np.int64], float]] = []
    held = 0
    for length in np.unique(lengths[lengths > 1]).tolist():
        one, other = np.triu_indices(length, 1)
        if length > COMMON:
            near = other - one <= NEIGHBOURS
            one, other = one[near], other[near]
        weight = float(np.log(max(count, 3) / length) / np.log(max(count, 3) / 2)) if length > 2 else 1.0
        if weight <= 0.0:
            continue
        groups = starts[lengths == length]
        step = max(1, BLOCK // len(one))
        for begin in range(0, len(groups), step):
            members = owner[groups[begin : begin + step, None] + np.arange(length)]
            pending.append(((members[:, one] * count + members[:, other]).ravel(), weight))
            held += pending[-1][0].size
            if held >= BLOCK:
                keys, weights = _summed(keys, weights, pending)
                pending, held = [], 0
    return _summed(keys, weights, pending)


def _summed(
    keys: NDArray[np.int64], weights: NDArray[np.float64], pending: list[tuple[NDArray[np.int64], float]]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    if not pending:
        return keys, weights
    every = np.concatenate([keys, *(more for more, _ in pending)])
    weight = np.concatenate([weights, *(np.full(more.size, each) for more, each in pending)])
    unique, inverse = np.unique(every, return_inverse=True)
    return unique, np.bincount(inverse, weight, len(unique)).astype(np.float64)
