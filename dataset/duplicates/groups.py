"""Group related pieces, each group with the relations found in it. Pure."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dataset.components import components
from dataset.reasons import RELATIONS

MAX_LINKS = 12  # relations shown per group
LEFT_OUT = "left out"

RelationRow = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class GroupMember:
    """A piece of a group; `status` is its split, or `left out`."""

    title: str
    game: str
    sequencer: str | None
    status: str


@dataclass(frozen=True, slots=True)
class Group:
    """Related pieces, and relations between them.

    `more` counts relations that are not in `links`.
    """

    title: str
    kinds: Sequence[str]
    members: Sequence[GroupMember]
    links: Sequence[RelationRow]
    more: int


def group_related(
    relations: Sequence[RelationRow], splits: Mapping[str, str], out: Collection[str], name: Callable[[str], str]
) -> list[Group]:
    """Return the groups of `relations` (rows of schema RELATIONS), the largest first.

    `splits` maps the sha256 of a kept piece to its split, `out` has the addresses of pieces left out, and `name`
    returns the name of a game's slug.
    """
    url_pairs = [(row["first_url"], row["second_url"]) for row in relations]
    places = {url: place for place, url in enumerate(dict.fromkeys(url for pair in url_pairs for url in pair))}
    roots = components(len(places), [(places[one], places[other]) for one, other in url_pairs])
    rows: dict[int, list[RelationRow]] = defaultdict(list)
    for row, (first, _) in zip(relations, url_pairs, strict=True):
        rows[roots[places[first]]].append(row)
    found = [_group(group_rows, splits, out, name) for group_rows in rows.values()]
    return sorted(found, key=lambda group: -len(group.members))


def _group(
    rows: Sequence[RelationRow], splits: Mapping[str, str], out: Collection[str], name: Callable[[str], str]
) -> Group:
    members: dict[str, GroupMember] = {}
    for row in rows:
        for side in ("first", "second"):
            url, sha256 = row[f"{side}_url"], row[side]
            status = LEFT_OUT if url in out else splits.get(sha256, LEFT_OUT)
            game = name(row[f"{side}_game"])
            members.setdefault(url, GroupMember(row[f"{side}_title"], game, row[f"{side}_sequencer"], status))
    kinds = [kind for kind in RELATIONS if any(row["relation"] == kind for row in rows)]
    ordered = sorted(members.values(), key=lambda member: member.status == LEFT_OUT)
    return Group(ordered[0].title, kinds, ordered, rows[:MAX_LINKS], max(0, len(rows) - MAX_LINKS))
