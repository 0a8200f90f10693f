"""Merge the rows of two catalogs. Pure.

In: the rows of both. Out: the rows to add to ours, so that it has those of both. Two rows with one
key become one: the state of the better one, our tags, the earlier dates, and no field is null that
either has.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from catalog.base.errors import CatalogError
from catalog.schema import FETCHED, KEY, MISSING, PIECES, QUARANTINED

Row = dict[str, Any]
RANK = {FETCHED: 3, QUARANTINED: 2, MISSING: 1}  # of a state that this version does not know: 0
OF_STATE = ("state", "reason", "sha256", "bytes", "etag", "last_modified", "fetched_at")  # fields that belong together
FILLED = ("bytes", "etag", "last_modified", "sequencer", "listed_at")  # taken from the other row if null
EARLIEST = ("fetched_at", "gone_since")
TAGS = ("section", "game_title", "game", "series", "title", "sequencer", "listed_at")


@dataclass(slots=True)
class RowUnion:
    """The rows to add, in this order: a row without MD5 counts only until a newer row of its address."""

    rows: list[Row] = field(default_factory=list)  # with an MD5
    placeholders: list[Row] = field(default_factory=list)  # without
    new: int = 0  # rows that only they have
    completed: int = 0  # rows of ours that get a better state, an earlier date or a missing field
    conflicts: list[str] = field(default_factory=list)  # fields that differ; ours are kept


def union_of(ours: Iterable[Row], theirs: Iterable[Row]) -> RowUnion:
    """Return what makes our rows those of both.

    A row without MD5 and without a file stands for a file that was not received. It is left out if
    the other catalog has a row of its address with an MD5 that its own catalog lacks. Raises
    CatalogError if one key has two different files.
    """
    own, other = ({_key(row): row for row in rows} for rows in (ours, theirs))
    received = [_by_address(rows) for rows in (own, other)]
    union = RowUnion()
    touched: set[tuple[str, str]] = set()
    for key, row in other.items():
        address = (row["source"], row["url"])
        before = own.get(key)
        if before is None and _is_superseded(row, received[1], received[0], own):
            continue
        merged = row if before is None else _merged(before, row, union.conflicts)
        if merged == before:
            continue
        union.new += before is None
        union.completed += before is not None
        if row["md5"] is None:
            union.placeholders.append(merged)
        else:
            union.rows.append(merged)
            touched.add(address)
    added = {_key(row) for row in union.placeholders}
    for key, row in own.items():  # rows with an MD5 that are written now would hide these
        is_hidden = row["md5"] is None and (row["source"], row["url"]) in touched and key not in added
        if is_hidden and not _is_superseded(row, received[0], received[1], other):
            union.placeholders.append(row)
    return union


def _key(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in KEY)


def _by_address(rows: dict[tuple[Any, ...], Row]) -> dict[tuple[str, str], set[str]]:
    """Return the MD5s of each (source, url)."""
    found: dict[tuple[str, str], set[str]] = {}
    for row in rows.values():
        if row["md5"] is not None:
            found.setdefault((row["source"], row["url"]), set()).add(row["md5"])
    return found


def _is_superseded(
    row: Row,
    own: dict[tuple[str, str], set[str]],
    other: dict[tuple[str, str], set[str]],
    others: dict[tuple[Any, ...], Row],
) -> bool:
    """Return whether a row without MD5 is replaced by what the other catalog received."""
    if row["md5"] is not None or row["state"] == FETCHED or _key(row) in others:
        return False
    address = (row["source"], row["url"])
    return bool(other.get(address, set()) - own.get(address, set()))


def _merged(ours: Row, theirs: Row, conflicts: list[str]) -> Row:
    """Return one row of two with the same key."""
    if ours["sha256"] and theirs["sha256"] and ours["sha256"] != theirs["sha256"]:
        raise CatalogError(
            f"{ours['url']}: two files of one address and MD5, {ours['sha256']} here and {theirs['sha256']} there; "
            "the catalogs cannot be merged: check which file is right, and remove the other row's catalog from the merge"
        )
    better, worse = (ours, theirs) if RANK.get(ours["state"], 0) >= RANK.get(theirs["state"], 0) else (theirs, ours)
    row = ours | {name: better[name] for name in OF_STATE}
    for name in FILLED:
        other = worse if name in OF_STATE else theirs
        row[name] = other[name] if row[name] is None else row[name]
    for name in EARLIEST:
        row[name] = min((each[name] for each in (ours, theirs) if each[name] is not None), default=None)
    for name in TAGS:
        if ours[name] is not None and theirs[name] is not None and ours[name] != theirs[name]:
            conflicts.append(f"{ours['url']}: {name}: {ours[name]!s} here, {theirs[name]!s} there")
    return {name: row[name] for name in PIECES.names}
