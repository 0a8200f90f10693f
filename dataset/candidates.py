"""Which pairs of pieces share so many rare shingles that a closer look pays. Pure; one sort, no pair is looked at twice.

The index is exact where MinHash estimates: the shingles of all pieces are packed with the number of their piece into one
array of 64-bit numbers and sorted once, which takes eight bytes a shingle. A shared shingle counts the less the more pieces
have it (inverse document frequency), for scales and drones are everywhere.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catalog.errors import DatasetError

MOST_PIECES = 1 << 20  # the low bits of an entry: the piece; the high ones are left for the hash
COMMON = 32  # a shingle of more pieces is common: each is then paired with the next few only, so that pairs stay linear
NEIGHBOURS = 4
LEAST_SHARED = 4.0  # weighted shingles, or half of all that a small piece has
LEAST_SHARE = 0.08  # of the shingles of the piece that has fewer; kinship by ear starts at about 0.1
_PIECE = np.uint64(MOST_PIECES - 1)
BLOCK = 1 << 24  # pairs held at a time before equal ones are added up


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Pairs of pieces, first < second, sorted; `shared` is their weighted number of shared shingles."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    shared: NDArray[np.float64]


def candidate_pairs(hashes: Iterable[NDArray[np.uint64]]) -> Pairs:
    """Return the pairs of pieces worth aligning, from the shingle hashes of each.

    Raises DatasetError for more than MOST_PIECES pieces.
    """
    packed = [own & ~_PIECE | np.uint64(piece) for piece, own in enumerate(hashes)]
    count = len(packed)
    if count > MOST_PIECES:
        raise DatasetError(f"{count} pieces: at most {MOST_PIECES} can be compared at once; choose a narrower query")
    entries = np.concatenate([np.empty(0, np.uint64), *packed])
    del packed
    entries.sort()
    if len(entries):
        entries = entries[np.diff(entries, prepend=~entries[:1]) != 0]
    sizes = np.bincount((entries & _PIECE).astype(np.intp), minlength=count)
    again = (entries[1:] ^ entries[:-1]) <= _PIECE  # the same shingle as in the entry before: next to none are
    entries = entries[np.append(again, False) | np.append(False, again)] if len(entries) else entries
    starts = (
        np.flatnonzero(np.append(True, (entries[1:] ^ entries[:-1]) > _PIECE)) if len(entries) else np.empty(0, np.intp)
    )
    owner = (entries & _PIECE).astype(np.int64)
    keys, shared = _shared(owner, starts, np.diff(starts, append=len(entries)), count)
    first, second = np.divmod(keys, max(count, 1))
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
