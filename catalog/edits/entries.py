"""The file of edits, catalog/edits.toml: what people have put right, one line per piece.

In: the file, which may also be written by hand. Out: entries by key, or one error that names the
file, the entry and the field. The key of an entry is the SHA-256 of the piece's file, or, if no file
is stored, `SOURCE MD5 URL` with `-` for an unknown MD5, which stands for every MD5 of that URL.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta

from catalog.base.console import clean
from catalog.base.errors import CatalogError
from catalog.storage.files import write_text
from catalog.storage.reading import convert, parse_toml, read_bytes
from catalog.storage.remote import AnyPath

FILE = "edits.toml"
MAX_BYTES = 64 << 20
MAX_TEXT = 500  # characters of a value
REMEDY = "correct or remove that line, or restore the file from a copy"
HEAD = """\
# Corrections made by `catalog edit`, applied whenever the catalog is read; its tables are not changed.
# One line per piece: its SHA-256, or "SOURCE MD5 URL" without a stored file. To undo an edit, remove its line.
# The file is written again by the next `catalog edit`, without other comments.
"""
KEY = re.compile(r"[0-9a-f]{64}|[^\s]+ (?:[0-9a-f]{32}|-) \S.*")

Text = Annotated[str, Meta(max_length=MAX_TEXT)]
Slug = Annotated[str, Meta(pattern=r"^[^\W_]+(-[^\W_]+)*\Z", max_length=80)]
Filled = Annotated[str, Meta(min_length=1, max_length=MAX_TEXT)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What is put right about one piece; a field without a value is as listed."""

    piece: Text | None = None  # game and title as the source lists them, for readers of the file
    game: Slug | None = None  # slug of the game
    game_title: Filled | None = None  # title of the game
    series: Slug | None = None  # slug of the series
    title: Filled | None = None  # title of the piece
    sequencer: Text | None = None  # who made the MIDI file; an empty text: nobody is named
    exclude: bool = False  # whether corpora leave the piece out, with the reason by_hand
    why: Filled | None = None  # why, in the words of whoever edited it

    @property
    def changes(self) -> dict[str, str | None]:
        """The new value of each column that the entry changes."""
        values = {name: getattr(self, name) for name in CHANGED}
        return {name: value or None for name, value in values.items() if value is not None}

    @property
    def is_empty(self) -> bool:
        """Whether the entry changes nothing."""
        return not self.exclude and not self.changes

    def to_dict(self) -> dict[str, Any]:
        """Return the fields that have a value."""
        return {name: value for name, value in asdict(self).items() if value is not None and value is not False}


Edits = Mapping[str, Edit]
"""Entries by key."""
CHANGED = ("game", "game_title", "series", "title", "sequencer")  # columns that an entry can change
NO_EDITS: Edits = {}


def key_of(row: Mapping[str, Any]) -> str:
    """Return the key of the entry of a row, which has sha256, source, md5 and url."""
    return row["sha256"] or f"{row['source']} {row['md5'] or '-'} {row['url']}"


def keys_of(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return all keys by which an entry can apply to a row, the first found counts."""
    by_row = (f"{row['source']} {row['md5']} {row['url']}", f"{row['source']} - {row['url']}")
    return (row["sha256"], *by_row) if row["sha256"] else by_row


def read_edits(folder: AnyPath) -> Edits:
    """Return the edits of the catalog in `folder`; none if there is no file.

    Raises CatalogError that names the entry and the field if the file is invalid.
    """
    path = folder / FILE
    if isinstance(path, Path):
        try:
            status = path.stat()
        except FileNotFoundError:
            return NO_EDITS
        return _cached(path, (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns))
    return _read(path)


def edits_of(edits: Edits, rows: Iterable[Mapping[str, Any]]) -> Edits:
    """Return the entries that apply to some rows, which have sha256, source, md5 and url."""
    keys = (next((key for key in keys_of(row) if key in edits), None) for row in rows) if edits else ()
    return {key: edits[key] for key in keys if key is not None}


def write_edits(folder: AnyPath, edits: Edits) -> None:
    """Replace the file of edits. Only for the one writer of the catalog."""
    write_text(folder / FILE, format_edits(edits))


def format_edits(edits: Edits, head: str = HEAD) -> str:
    """Return the text of a file of edits, sorted by key, after the comment `head`."""
    lines = [f"{_toml(key)} = {{ {_fields(edit)} }}\n" for key, edit in sorted(edits.items())]
    return f"{head}\n[edits]\n{''.join(lines)}"


def parse_edits(text: bytes, where: object) -> Edits:
    """Return the entries in the text of a file. Raises as `read_edits` does."""
    tables = parse_toml(text, where, fail=CatalogError, remedy=REMEDY)
    for name in tables:
        if name != "edits":
            raise CatalogError(f"{where}: {clean(name)[:80]}: unknown table, expected [edits]; {REMEDY}")
    entries = tables.get("edits", {})
    if not isinstance(entries, dict):
        raise CatalogError(f"{where}: edits: expected a table, got {type(entries).__name__}; {REMEDY}")
    return {key: _entry(key, value, f"{where}: {clean(key)[:100]}") for key, value in entries.items()}


def check_entry(key: str, value: Any, where: object) -> Edit:
    """Return an entry from a file of any origin. Raises as `read_edits` does."""
    return _entry(key, value, f"{where}: {clean(key)[:100]}")


def _entry(key: str, value: Any, where: str) -> Edit:
    if not KEY.fullmatch(key):
        raise CatalogError(f"{where}: neither a SHA-256 nor SOURCE MD5 URL; {REMEDY}")
    if isinstance(value, dict):
        for name in value:
            if name not in _FIELDS:
                raise CatalogError(
                    f"{where}: {clean(name)[:80]}: unknown field, expected {', '.join(_FIELDS)}; {REMEDY}"
                )
            if isinstance(value[name], str) and clean(value[name]) != value[name]:
                raise CatalogError(f"{where}: {name}: has control characters or spaces at its ends; {REMEDY}")
    return convert(value, Edit, where, fail=CatalogError, remedy=REMEDY)


_FIELDS = tuple(field.name for field in fields(Edit))


@lru_cache(maxsize=4)
def _cached(path: Path, state: tuple[int, ...]) -> Edits:
    """Return the edits of a file in a `state`."""
    return _read(path)


def _read(path: AnyPath) -> Edits:
    try:
        data = read_bytes(path, fail=CatalogError, remedy=REMEDY, max_bytes=MAX_BYTES)
    except FileNotFoundError:
        return NO_EDITS
    return parse_edits(data, path)


def _fields(edit: Edit) -> str:
    return ", ".join(f"{name} = {'true' if value is True else _toml(value)}" for name, value in edit.to_dict().items())


def _toml(text: str) -> str:
    """Return `text` as a TOML string on one line."""
    escaped = "".join(f"\\{c}" if c in '\\"' else c if c.isprintable() else f"\\U{ord(c):08x}" for c in text)
    return f'"{escaped}"'
