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

EVERY = 10  # one work in ten is for test, and one for validation
VALIDATION_AT = 5  # where among the ten: as far from the test work as can be


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


def place(name: str, seed: int) -> float:
    """Return a number in [0, 1) that follows from name and seed alone."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{name}".encode()).digest()[:8], "big") / 2**64


def split(
    pieces: Sequence[SplitPiece], links: Iterable[tuple[int, int]], known: Mapping[str, Split], seed: int
) -> list[Split | None]:
    """Return the side of each piece; `links` are pairs of indices that belong together, `known` are sides by sha256.

    New pieces that join works of different sides get none: they must be left out, or they would leak. From three works on
    no part is empty, unless earlier sides leave nothing to fill it with; two make train and validation, one makes train.
    """
    pairs = list(links)
    sides: list[Split | None] = [known.get(piece.sha256) for piece in pieces]
    touched: dict[int, set[Split]] = {}  # the sides of the old pieces that each new one is linked to
    for one, other in pairs:
        for new, side in ((one, sides[other]), (other, sides[one])):
            if sides[new] is None and side is not None:
                touched.setdefault(new, set()).add(side)
    between = [(one, other) for one, other in pairs if sides[one] is None and sides[other] is None]
    old = [side for side in sides if side is not None]
    works: list[_Work] = []
    for members in _by_component([index for index, side in enumerate(sides) if side is None], len(pieces), between):
        held: set[Split] = set().union(*(touched.get(index, set()) for index in members))
        if not held:
            named = min(pieces[index].fingerprint for index in members)
            works.append(_Work(named, pieces[members[0]].series, pieces[members[0]].game, tuple(members)))
        elif len(held) == 1:
            for index in members:
                sides[index] = next(iter(held))
    for work, side in zip(works, _spread(works, old, seed), strict=True):
        for index in work.members:
            sides[index] = side
    _part(pairs, sides)
    return sides


def _by_component(chosen: Iterable[int], count: int, pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    first = components(count, pairs)
    found: dict[int, list[int]] = {}
    for index in chosen:
        found.setdefault(first[index], []).append(index)
    return list(found.values())


def _part(pairs: Iterable[tuple[int, int]], sides: list[Split | None]) -> None:
    """Where old pieces of two sides are linked after all (a better search found it), the one held out less stays out."""
    given = list(sides)
    for one, other in pairs:
        a, b = given[one], given[other]
        if a is not None and b is not None and a != b:
            sides[one if SPLITS.index(a) < SPLITS.index(b) else other] = None


def _spread(works: Sequence[_Work], old: Sequence[Split], seed: int) -> list[Split]:
    """Return a side for each of `works`; `old` are the sides of the works that have one."""
    order = sorted(range(len(works)), key=lambda i: (works[i].series, works[i].game, place(works[i].name, seed), i))
    sides: list[Split] = ["train"] * len(works)
    start = place(f"start {works[order[0]].name}", seed) * EVERY if order else 0.0
    for rank, index in enumerate(order):
        position = int(rank + start) % EVERY
        sides[index] = "test" if position == 0 else "validation" if position == VALIDATION_AT else "train"
    wanted = SPLITS[: min(len(works) + len(old), len(SPLITS))]
    by_place = sorted(order, key=lambda index: (place(works[index].name, seed), index))
    for side in wanted:
        counts = Counter([*sides, *old])
        if not counts[side]:  # a small corpus: a work changes over from a part that can spare it, or that should not be
            spare = (i for i in by_place if counts[sides[i]] > 1 or sides[i] not in wanted)
            for index in islice(spare, 1):
                sides[index] = side
    return sides
