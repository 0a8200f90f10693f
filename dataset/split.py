"""Assign pieces to train, validation and test, by work. Pure and seeded.

Related pieces are in the same split. Splits are permanent (see `dataset.corpus.split_ledger`): a piece has the same
split in all corpora and keeps it when the catalog grows. New works are distributed by systematic sampling (W. G.
Cochran, Sampling Techniques, 3rd ed., 1977, ch. 8) over series and games: of n works of a game, n/10, rounded up or
down, go to test and as many to validation.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from dataset.components import components
from dataset.corpus.schema import SPLITS, Split

CYCLE = 10  # one work in ten goes to test, and one to validation
VALIDATION_POSITION = 5  # position among the ten: as far from the test work as possible


@dataclass(frozen=True, slots=True)
class SplitPiece:
    """A piece to split: its id, note fingerprint, series and game."""

    sha256: str
    fingerprint: str
    series: str
    game: str


@dataclass(frozen=True, slots=True)
class _Work:
    """Related pieces without a split, which must get one together.

    It is named after the smallest fingerprint; series and game are those of the first piece.
    """

    name: str
    series: str
    game: str
    members: tuple[int, ...]


def hash_fraction(name: str, seed: int) -> float:
    """Return a number in [0, 1) that depends only on name and seed."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{name}".encode()).digest()[:8], "big") / 2**64


def split_pieces(
    pieces: Sequence[SplitPiece], links: Iterable[tuple[int, int]], known: Mapping[str, Split], seed: int
) -> list[Split | None]:
    """Return the split of each piece.

    `links` are pairs of indices of related pieces, `known` maps a sha256 to its earlier split. New pieces related to
    pieces of different splits get None and must be left out, or they would leak. With at least three works no split is
    empty, unless earlier splits leave nothing to fill it with; two works give train and validation, one gives train.
    """
    pairs = list(links)
    splits: list[Split | None] = [known.get(piece.sha256) for piece in pieces]
    neighbour_splits: dict[int, set[Split]] = {}  # the splits of the old pieces that each new one is linked to
    for one, other in pairs:
        for new, split_name in ((one, splits[other]), (other, splits[one])):
            if splits[new] is None and split_name is not None:
                neighbour_splits.setdefault(new, set()).add(split_name)
    between = [(one, other) for one, other in pairs if splits[one] is None and splits[other] is None]
    old = [split_name for split_name in splits if split_name is not None]
    works: list[_Work] = []
    for members in _by_component(
        [index for index, split_name in enumerate(splits) if split_name is None], len(pieces), between
    ):
        linked_splits: set[Split] = set().union(*(neighbour_splits.get(index, set()) for index in members))
        if not linked_splits:
            smallest = min(pieces[index].fingerprint for index in members)
            works.append(_Work(smallest, pieces[members[0]].series, pieces[members[0]].game, tuple(members)))
        elif len(linked_splits) == 1:
            for index in members:
                splits[index] = next(iter(linked_splits))
    for work, split_name in zip(works, _assign_new(works, old, seed), strict=True):
        for index in work.members:
            splits[index] = split_name
    _drop_conflicts(pairs, splits)
    return splits


def _by_component(chosen: Iterable[int], count: int, pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    first = components(count, pairs)
    found: dict[int, list[int]] = {}
    for index in chosen:
        found.setdefault(first[index], []).append(index)
    return list(found.values())


def _drop_conflicts(pairs: Iterable[tuple[int, int]], splits: list[Split | None]) -> None:
    """Drop the piece closer to train where old pieces of two splits are linked.

    This happens when a later version finds a relation that an earlier one missed.
    """
    before = list(splits)
    for one, other in pairs:
        a, b = before[one], before[other]
        if a is not None and b is not None and a != b:
            splits[one if SPLITS.index(a) < SPLITS.index(b) else other] = None


def _assign_new(works: Sequence[_Work], old: Sequence[Split], seed: int) -> list[Split]:
    """Return a split for each of `works`; `old` are the splits assigned earlier."""
    order = sorted(
        range(len(works)), key=lambda i: (works[i].series, works[i].game, hash_fraction(works[i].name, seed), i)
    )
    splits: list[Split] = ["train"] * len(works)
    start = hash_fraction(f"start {works[order[0]].name}", seed) * CYCLE if order else 0.0
    for rank, index in enumerate(order):
        position = int(rank + start) % CYCLE
        splits[index] = "test" if position == 0 else "validation" if position == VALIDATION_POSITION else "train"
    wanted = SPLITS[: min(len(works) + len(old), len(SPLITS))]
    by_place = sorted(order, key=lambda index: (hash_fraction(works[index].name, seed), index))
    for split_name in wanted:
        counts = Counter([*splits, *old])
        if not counts[split_name]:  # small corpus: move a work from a split that has several, or that should be empty
            spare = (i for i in by_place if counts[splits[i]] > 1 or splits[i] not in wanted)
            for index in islice(spare, 1):
                splits[index] = split_name
    return splits
