"""Which of the pieces belong together, which of them stay, and on which side of the split: relations made into decisions.

Pure. `dataset.duplicates` finds the relations; this says what follows from them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dataset.corpus import Split
from dataset.duplicates import Candidate, find_duplicates, fingerprint
from dataset.groups import components
from dataset.notes import Notes
from dataset.split import Member, split

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


def decide(rows: Sequence[Row], notes: Sequence[Notes]) -> Decisions:
    """Relate the pieces of catalog `rows` with `notes`, and say which stay."""
    prints = [fingerprint(each) for each in notes]
    found = find_duplicates(
        [Candidate(row["sha256"], name, bool(row["sequencer"])) for row, name in zip(rows, prints, strict=True)]
    )
    left_out = {position: (each.kept, each.reason) for position, each in found.items()}
    links = [(kept, position) for position, (kept, _) in left_out.items()]
    relations = [
        _relation(rows, kept, position, reason.removeprefix("duplicate_"), len(notes[position]))
        for position, (kept, reason) in left_out.items()
    ]
    return Decisions(left_out, prints, relations, links, links)


@dataclass(frozen=True, slots=True)
class Settled:
    """The side of each piece, also of those left out, None where it has to be left out; and what it belongs to."""

    sides: Sequence[Split | None]
    cluster: Sequence[str]
    work: Sequence[str]


def settle(rows: Sequence[Row], decisions: Decisions, known: Mapping[str, Split], seed: int) -> Settled:
    """Split the pieces; `known` are the sides that pieces have for good. No cluster and no work has pieces of two sides."""
    members = [
        Member(row["sha256"], name, row["series"], row["game"])
        for row, name in zip(rows, decisions.prints, strict=True)
    ]
    sides = split(members, decisions.works, known, seed)

    def label(links: Sequence[tuple[int, int]]) -> list[str]:
        staying = [(one, other) for one, other in links if sides[one] is not None and sides[other] is not None]
        return [decisions.prints[first] for first in components(len(rows), staying)]

    return Settled(sides, label(decisions.clusters), label(decisions.works))


def _relation(rows: Sequence[Row], first: int, second: int, relation: str, count: int) -> dict[str, Any]:
    names = ("url", "title", "game", "sequencer")
    return {
        "relation": relation,
        "first": rows[first]["sha256"],
        "second": rows[second]["sha256"],
        "share": 1.0,
        "notes": count,
        "transposition": 0,
        "tempo_ratio": 1.0,
        "offset_first": 0,
        "offset_second": 0,
        **{f"first_{name}": rows[first][name] for name in names},
        **{f"second_{name}": rows[second][name] for name in names},
        "left_out": rows[second]["url"],
    }
