"""Merge the edits of two catalogs. Pure. Where they disagree ours count."""

from collections.abc import Iterable, Mapping
from typing import Any

from catalog.edits.entries import Edit, Edits, key_of, keys_of


def union_of(ours: Edits, theirs: Edits, rows: Iterable[Mapping[str, Any]]) -> tuple[dict[str, Edit], list[str]]:
    """Return the entries of both, and the disagreements.

    `rows` are those of both catalogs. They show which keys stand for one piece: an entry of a row
    without a file, and an entry of the file that the other catalog has of it.
    """
    union = {**theirs, **ours}
    conflicts = {
        key: f"edits.toml: {key}: {_text(ours[key])} here, {_text(theirs[key])} there"
        for key in sorted(ours.keys() & theirs.keys())
        if _effect(ours[key]) != _effect(theirs[key])
    }
    for row in rows if ours and theirs else ():
        keys = keys_of(row)
        own, other = (next((key for key in keys if key in edits), None) for edits in (ours, theirs))
        if own is None or other is None or own == other:
            continue
        union.pop(other, None)
        union.pop(own, None)
        union[key_of(row)] = ours[own]
        if _effect(ours[own]) != _effect(theirs[other]):
            conflicts[own] = f"edits.toml: {own}: {_text(ours[own])} here, {_text(theirs[other])} there"
    return union, list(conflicts.values())


def _effect(edit: Edit) -> tuple[object, ...]:
    return tuple(sorted(edit.changes.items())), edit.exclude


def _text(edit: Edit) -> str:
    changes = [f"{name} = {value!r}" for name, value in edit.changes.items()]
    return ", ".join([*changes, *(["excluded"] if edit.exclude else [])]) or "nothing"
