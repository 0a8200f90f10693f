"""Find the pairs of pieces that share enough rare shingles to be aligned. Pure.

The index is exact, unlike MinHash. The shingles of all pieces are packed with their piece's number into one array of
64-bit numbers and sorted once, at eight bytes a shingle. A shared shingle counts less the more pieces have it (inverse
document frequency), since scales and drones are common.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from catalog.base.errors import DatasetError

MAX_PIECES = 1 << 20  # the low bits of an entry are the piece, the high ones the hash
# pieces that share a shingle are all paired, up to this number; beyond it each is paired with the next few only,
# so that the number of pairs stays linear
MAX_ALL_PAIRS = 32
COMMON_NEIGHBOURS = 4
MIN_SHARED = 4.0  # weighted shingles, or half of a small piece's
MIN_SHARE = 0.08  # of the shingles of the piece with fewer; audible similarity starts at about 0.1
PAIRS_PER_SHARD = 1 << 25  # pairs with a common shingle that are in memory at a time
_PIECE_MASK = np.uint64(MAX_PIECES - 1)
_WEIGHT_BITS = 12  # bits of a pair for the weight of one shared shingle; its two pieces take 40


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Pairs of pieces, first < second, sorted.

    `shared` is the weighted number of shared shingles.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    shared: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _SharedShingles:
    """The shingles that a certain number of pieces have.

    Each row of `members` has the pieces of one shingle, ascending; `weight` is that of one shared shingle.
    """

    members: NDArray[np.int64]
    weight: int

    @property
    def pairs(self) -> int:
        """The number of pairs of pieces that these shingles give."""
        rows, length = len(self.members), int(self.members.shape[1])
        return rows * (
            length * (length - 1) // 2 if length <= MAX_ALL_PAIRS else (length - COMMON_NEIGHBOURS) * COMMON_NEIGHBOURS
        )


def candidate_pairs(hashes: Iterable[NDArray[np.uint64]]) -> Pairs:
    """Return the pairs of pieces worth aligning, from the shingle hashes of each.

    Raises DatasetError for more than MAX_PIECES pieces.
    """
    packed = [np.unique(own & ~_PIECE_MASK) | np.uint64(piece) for piece, own in enumerate(hashes)]
    count = len(packed)
    if count > MAX_PIECES:
        raise DatasetError(f"{count} pieces: at most {MAX_PIECES} can be compared at once; choose a narrower query")
    sizes = np.array([len(own) for own in packed], np.int64)
    entries = np.concatenate([np.empty(0, np.uint64), *packed])
    del packed
    entries.sort()
    groups = list(_groups(entries, count))
    del entries
    shards = -(-sum(group.pairs for group in groups) // PAIRS_PER_SHARD)
    found = [_shard(groups, sizes, low, high) for low, high in _ranges(groups, count, shards)]
    nothing = np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float64)
    return Pairs(*(np.concatenate(columns) for columns in zip(nothing, *found, strict=True)))


def _groups(entries: NDArray[np.uint64], count: int) -> Iterator[_SharedShingles]:
    """Yield the shingles of two or more pieces, by the number of these pieces.

    `entries` are sorted.
    """
    # whether an entry has the same shingle as the one before it, which is rare
    again = (entries[1:] ^ entries[:-1]) <= _PIECE_MASK
    entries = entries[np.append(again, False) | np.append(False, again)] if again.any() else entries[:0]
    if not len(entries):
        return
    starts = np.flatnonzero(np.append(True, (entries[1:] ^ entries[:-1]) > _PIECE_MASK)[: len(entries)])
    lengths = np.diff(starts, append=len(entries))
    starts = starts[np.argsort(lengths, kind="stable")]
    of_length, counts = np.unique(lengths, return_counts=True)
    for length, own in zip(of_length.tolist(), np.split(starts, np.cumsum(counts)[:-1]), strict=True):
        weight = np.log(max(count, 3) / length) / np.log(max(count, 3) / 2) if length > 2 else 1.0
        places = own[:, None] + np.arange(length)
        coded = round(max(weight, 0.0) * ((1 << _WEIGHT_BITS) - 1))
        yield _SharedShingles((entries[places] & _PIECE_MASK).astype(np.int64), coded)


def _ranges(groups: list[_SharedShingles], count: int, shards: int) -> Iterator[tuple[int, int]]:
    """Yield about `shards` ranges of first pieces with about as many pairs each."""
    if shards == 0:
        return
    firsts = np.concatenate([group.members[:, 0] for group in groups])
    inner = np.quantile(firsts, np.arange(1, shards) / shards).astype(np.int64).tolist()
    bounds = sorted({0, *inner, count})
    yield from pairwise(bounds)


def _shard(
    groups: list[_SharedShingles], sizes: NDArray[np.int64], low: int, high: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return (first, second, weight) of pairs sharing enough, first in a range.

    The range is [low, high).
    """
    blocks = [np.empty(0, np.uint64)]
    for group in groups:
        for first, others in _paired(group, low, high):
            pair = (first[:, None] << 20 | others) << _WEIGHT_BITS | group.weight
            blocks.append(pair.ravel().astype(np.uint64))
    pairs = np.concatenate(blocks)
    del blocks
    pairs.sort()
    keys = (pairs >> np.uint64(_WEIGHT_BITS)).astype(np.int64)
    starts = np.flatnonzero(np.diff(keys, prepend=-1))
    top = (1 << _WEIGHT_BITS) - 1
    shared = np.add.reduceat(pairs & np.uint64(top), starts) / top if len(starts) else np.empty(0, np.float64)
    one, other = keys[starts] >> 20, keys[starts] & (MAX_PIECES - 1)
    fewer = np.minimum(sizes[one], sizes[other])
    good = (shared >= MIN_SHARE * fewer) & (shared >= np.minimum(MIN_SHARED, fewer / 2))
    return one[good], other[good], shared[good]


def _paired(group: _SharedShingles, low: int, high: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield pieces in [low, high), and for each a row of the pieces paired with it."""
    members = group.members
    length = members.shape[1]
    if length > MAX_ALL_PAIRS:  # many columns, few rows: pair each piece with the next few
        padded = np.lib.stride_tricks.sliding_window_view(members, COMMON_NEIGHBOURS + 1, axis=1).reshape(
            -1, COMMON_NEIGHBOURS + 1
        )
        inside = padded[(padded[:, 0] >= low) & (padded[:, 0] < high)]
        yield inside[:, 0], inside[:, 1:]
        return
    for column in range(length - 1):
        first = members[:, column]
        chosen = (first >= low) & (first < high)
        if chosen.any():
            yield first[chosen], members[chosen, column + 1 :]
