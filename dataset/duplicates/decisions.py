"""Which of the pieces belong together, which of them stay, and on which side of the split: relations made into decisions.

Pure. `dataset.duplicates.relations` finds the relations; this says what follows from them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from dataset.components import components
from dataset.corpus.schema import Split
from dataset.duplicates.relations import SAME_NOTES, Candidate, Link, Relation, fingerprint, keep_best, relate
from dataset.notes.model import Notes
from dataset.split import SplitPiece, split

SPANS_SPLITS = "spans_splits"
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Decisions:
    """What becomes of the pieces, each by its position; `prints` is parallel to the pieces."""

    left_out: Mapping[int, tuple[int, str]]  # position: (the piece kept in its place, reason)
    prints: Sequence[str]
    relations: Sequence[Mapping[str, Any]]  # rows of tables.RELATIONS
    clusters: Sequence[tuple[int, int]]  # pairs that hold the same notes in good part
    works: Sequence[tuple[int, int]]  # these, and pairs that are the same music in other notes


def decide(rows: Sequence[Row], notes: Sequence[Notes], drop: Iterable[Relation]) -> Decisions:
    """Relate the pieces of catalog `rows` with `notes`, and say which stay: of those in a relation of `drop` the best."""
    pieces = [
        Candidate(row["sha256"], each, row["game"], row["series"], row["title"], row["sequencer"])
        for row, each in zip(rows, notes, strict=True)
    ]
    links = relate(pieces)
    left_out = keep_best(pieces, links, drop)
    because = {index: link for index, (_, link) in left_out.items()}
    return Decisions(
        left_out={index: (kept, f"duplicate_{link.relation}") for index, (kept, link) in left_out.items()},
        prints=[fingerprint(each) for each in notes],
        relations=[_row(rows, link, because) for link in links],
        clusters=[(link.first, link.second) for link in links if link.relation in SAME_NOTES],
        works=[(link.first, link.second) for link in links],
    )


@dataclass(frozen=True, slots=True)
class Settled:
    """The side of each piece, also of those left out, None where it has to be left out; and what it belongs to."""

    sides: Sequence[Split | None]
    cluster: Sequence[str]
    work: Sequence[str]


def settle(rows: Sequence[Row], decisions: Decisions, known: Mapping[str, Split], seed: int) -> Settled:
    """Split the pieces; `known` are the sides that pieces have for good. No cluster and no work has pieces of two sides."""
    members = [
        SplitPiece(row["sha256"], name, row["series"], row["game"])
        for row, name in zip(rows, decisions.prints, strict=True)
    ]
    sides = split(members, decisions.works, known, seed)

    def label(links: Sequence[tuple[int, int]]) -> list[str]:
        staying = [(one, other) for one, other in links if sides[one] is not None and sides[other] is not None]
        return [decisions.prints[first] for first in components(len(rows), staying)]

    return Settled(sides, label(decisions.clusters), label(decisions.works))


def _row(rows: Sequence[Row], link: Link, because: Mapping[int, Link]) -> dict[str, Any]:
    evidence = {name: value for name, value in asdict(link).items() if name not in ("first", "second")}
    out = next((index for index in (link.first, link.second) if because.get(index) is link), None)
    row: dict[str, Any] = {
        **evidence,
        "relation": link.relation.value,
        "left_out": None if out is None else rows[out]["url"],
    }
    for side, index in (("first", link.first), ("second", link.second)):
        row[side] = rows[index]["sha256"]
        row |= {f"{side}_{name}": rows[index][name] for name in ("url", "title", "game", "sequencer")}
    return row
