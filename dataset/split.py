"""Which part of a corpus is learned from and which is held out: train, validation, test. Pure, seeded, by work.

Pieces that belong together stay on one side. A side, once given, is for good: it is handed back in (see dataset.corpus.split_ledger), so
a piece has one side in all corpora and keeps it when the catalog grows. New works are spread over the sides by systematic
sampling (W. G. Cochran, Sampling Techniques, 3rd ed., 1977, ch. 8) along series and games: of n works of a game, n/10
rounded up or down are for test, and as many for validation.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from dataset.components import components
from dataset.corpus.schema import SPLITS, Split

CYCLE = 10  # one work in ten is for test, and one for validation
VALIDATION_POSITION = 5  # where among the ten: as far from the test work as can be


@dataclass(frozen=True, slots=True)
class SplitPiece:
    """What a split looks at: the piece's id (the same for the same bytes), a name for its music, series and game."""

    sha256: str
    fingerprint: str
    series: str
    game: str


@dataclass(frozen=True, slots=True)
class _Work:
    """Pieces without a side that must get one together; named after the smallest fingerprint, placed by the first piece."""

    name: str
    series: str
    game: str
    members: tuple[int, ...]


def hash_fraction(name: str, seed: int) -> float:
    """Return a number in [0, 1) that follows from name and seed alone."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{name}".encode()).digest()[:8], "big") / 2**64


def split_pieces(
    pieces: Sequence[SplitPiece], links: Iterable[tuple[int, int]], known: Mapping[str, Split], seed: int
) -> list[Split | None]:
    """Return the side of each piece; `links` are pairs of indices that belong together, `known` are sides by sha256.

    New pieces that join works of different sides get none: they must be left out, or they would leak. From three works on
    no part is empty, unless earlier sides leave nothing to fill it with; two make train and validation, one makes train.
    """
    pairs = list(links)
    splits: list[Split | None] = [known.get(piece.sha256) for piece in pieces]
    neighbour_splits: dict[int, set[Split]] = {}  # the sides of the old pieces that each new one is linked to
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
    """Where old pieces of two sides are linked after all (a better search found it), the one held out less stays out."""
    before = list(splits)
    for one, other in pairs:
        a, b = before[one], before[other]
        if a is not None and b is not None and a != b:
            splits[one if SPLITS.index(a) < SPLITS.index(b) else other] = None


def _assign_new(works: Sequence[_Work], old: Sequence[Split], seed: int) -> list[Split]:
    """Return a side for each of `works`; `old` are the sides of the works that have one."""
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
