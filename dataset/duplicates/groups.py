"""Groups of pieces that belong together, each with the relations that say so. Pure; `overview` shows them."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dataset.components import components
from dataset.reasons import RELATIONS

LINKS = 12  # shown of each group
LEFT_OUT = "left out"

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class GroupMember:
    """A piece of a group: `fate` is the split it is in, or `left out`."""

    title: str
    game: str
    sequencer: str | None
    fate: str


@dataclass(frozen=True, slots=True)
class Group:
    """Pieces that belong together, and the relations that say so; `more` relations are not among them."""

    title: str
    kinds: Sequence[str]
    members: Sequence[GroupMember]
    links: Sequence[Row]
    more: int


def related(
    relations: Sequence[Row], splits: Mapping[str, str], out: Collection[str], name: Callable[[str], str]
) -> list[Group]:
    """Return the groups that `relations` (rows of tables.RELATIONS) make, the largest first.

    `splits` gives the split of a kept piece by its sha256, `out` are the addresses left out, `name` calls a game's slug.
    """
    sides = [(row["first_url"], row["second_url"]) for row in relations]
    places = {url: place for place, url in enumerate(dict.fromkeys(url for pair in sides for url in pair))}
    roots = components(len(places), [(places[one], places[other]) for one, other in sides])
    rows: dict[int, list[Row]] = defaultdict(list)
    for row, (first, _) in zip(relations, sides, strict=True):
        rows[roots[places[first]]].append(row)
    found = [_group(those, splits, out, name) for those in rows.values()]
    return sorted(found, key=lambda group: -len(group.members))


def _group(rows: Sequence[Row], splits: Mapping[str, str], out: Collection[str], name: Callable[[str], str]) -> Group:
    members: dict[str, GroupMember] = {}
    for row in rows:
        for side in ("first", "second"):
            url, sha256 = row[f"{side}_url"], row[side]
            fate = LEFT_OUT if url in out else splits.get(sha256, LEFT_OUT)
            game = name(row[f"{side}_game"])
            members.setdefault(url, GroupMember(row[f"{side}_title"], game, row[f"{side}_sequencer"], fate))
    kinds = [kind for kind in RELATIONS if any(row["relation"] == kind for row in rows)]
    ordered = sorted(members.values(), key=lambda member: member.fate == LEFT_OUT)
    return Group(ordered[0].title, kinds, ordered, rows[:LINKS], max(0, len(rows) - LINKS))
