"""Decide which related pieces are kept, and assign clusters and splits.

In: the rows and notes of pieces. `dataset.duplicates.relations` finds the relations. Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from catalog.base.console import Report
from dataset.components import components
from dataset.corpus.schema import Split
from dataset.duplicates.relations import (
    SAME_NOTES,
    Candidate,
    Link,
    Relation,
    fingerprint,
    keep_best,
    one_per_work,
    relate,
)
from dataset.notes.model import Notes
from dataset.split import SplitPiece, split_pieces

SPANS_SPLITS = "spans_splits"
CatalogRow = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DuplicateDecisions:
    """What happens to the pieces, by position.

    `fingerprints` is parallel to the pieces.
    """

    left_out: Mapping[int, tuple[int, str]]  # position: (position of the piece kept instead, reason)
    fingerprints: Sequence[str]
    relations: Sequence[Mapping[str, Any]]  # rows of schema RELATIONS
    clusters: Sequence[tuple[int, int]]  # pairs that share a good part of their notes
    works: Sequence[tuple[int, int]]  # these, and pairs with the same music in other notes


def decide_duplicates(
    rows: Sequence[CatalogRow],
    notes: Sequence[Notes],
    drop: Iterable[Relation],
    report: Report = lambda done, total: None,
) -> DuplicateDecisions:
    """Relate pieces, and keep only the best of those in a relation of `drop`.

    `rows` are their catalog rows, `notes` their notes.
    """
    pieces = [
        Candidate(row["sha256"], each, row["game"], row["series"], row["title"], row["sequencer"])
        for row, each in zip(rows, notes, strict=True)
    ]
    links = relate(pieces, report)
    dropping = frozenset(drop)
    left_out = keep_best(pieces, links, dropping - {Relation.WORK})
    versions = one_per_work(pieces, links, left_out) if Relation.WORK in dropping else {}
    link_of = {index: link for index, (_, link) in (left_out | versions).items()}
    reasons = {
        index: (versions.get(kept, (kept,))[0], f"duplicate_{link.relation}")
        for index, (kept, link) in left_out.items()
    }
    reasons |= {index: (kept, f"duplicate_{Relation.WORK}") for index, (kept, _) in versions.items()}
    return DuplicateDecisions(
        left_out=reasons,
        fingerprints=[fingerprint(each) for each in notes],
        relations=[_row(rows, link, link_of) for link in links],
        clusters=[(link.first, link.second) for link in links if link.relation in SAME_NOTES],
        works=[(link.first, link.second) for link in links],
    )


@dataclass(frozen=True, slots=True)
class SplitAssignment:
    """The split, cluster and work of each piece, also of those left out.

    A split of None means that the piece must be left out.
    """

    splits: Sequence[Split | None]
    cluster: Sequence[str]
    work: Sequence[str]


def assign_splits(
    rows: Sequence[CatalogRow], decisions: DuplicateDecisions, known: Mapping[str, Split], seed: int
) -> SplitAssignment:
    """Split the pieces; `known` maps a sha256 to its permanent split.

    No cluster and no work has pieces of two splits.
    """
    members = [
        SplitPiece(row["sha256"], name, row["series"], row["game"])
        for row, name in zip(rows, decisions.fingerprints, strict=True)
    ]
    splits = split_pieces(members, decisions.works, known, seed)

    def label(links: Sequence[tuple[int, int]]) -> list[str]:
        staying = [(one, other) for one, other in links if splits[one] is not None and splits[other] is not None]
        return [decisions.fingerprints[first] for first in components(len(rows), staying)]

    return SplitAssignment(splits, label(decisions.clusters), label(decisions.works))


def _row(rows: Sequence[CatalogRow], link: Link, link_of: Mapping[int, Link]) -> dict[str, Any]:
    evidence = {name: value for name, value in asdict(link).items() if name not in ("first", "second")}
    out = next((index for index in (link.first, link.second) if link_of.get(index) is link), None)
    row: dict[str, Any] = {
        **evidence,
        "relation": link.relation.value,
        "left_out": None if out is None else rows[out]["url"],
    }
    for side, index in (("first", link.first), ("second", link.second)):
        row[side] = rows[index]["sha256"]
        row |= {f"{side}_{name}": rows[index][name] for name in ("url", "title", "game", "sequencer")}
    return row
