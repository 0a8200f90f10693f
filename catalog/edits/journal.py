"""The journal of edits, catalog/edits.jsonl: one JSON object per command, only ever added to.

Each line has the entries before and after the command, so that `catalog edit --undo` can restore
them. Lines that a merge took from another catalog are kept, but not undone here.
"""

import fcntl
import json
import os
import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal

from msgspec import Meta

from catalog.base.errors import CatalogError
from catalog.edits.entries import Edit, Edits, check_entry
from catalog.storage.files import sync_folder, with_filename, write_bytes
from catalog.storage.reading import parse_json, read_bytes
from catalog.storage.remote import AnyPath, RemotePath

FILE = "edits.jsonl"
MAX_BYTES = 1 << 30
REMEDY = "restore the file from a copy, or move it away to start a new journal; edits.toml counts without it"
Id = Annotated[str, Meta(pattern=r"^[0-9a-f]{12}\Z")]
"""Twelve hexadecimal digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of the journal of edits."""

    id: Id  # of this line
    at: str  # time in UTC
    event: Literal["edit", "undo", "merge"]  # undo: of the line `of`, or, with a query, of all edits of its pieces
    query: str | None = None  # that selected the pieces
    of: Id | None = None  # the line that was undone
    other: str | None = None  # merge: the data root that was merged
    conflicts: list[str] = field(default_factory=list)  # merge: what the two catalogs disagreed about
    before: dict[str, dict[str, Any]] = field(default_factory=dict)  # key: entry that was changed or removed
    after: dict[str, dict[str, Any]] = field(default_factory=dict)  # key: entry as it is now; absent if removed
    theirs: bool = False  # whether a merge took the line from another catalog


def new_event(kind: Literal["edit", "undo", "merge"], old: Edits, new: Edits, **facts: Any) -> Event:
    """Return the event that turns the entries `old` into `new`."""
    changed = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    before, after = ({key: one[key].to_dict() for key in sorted(changed) if key in one} for one in (old, new))
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return Event(id=secrets.token_hex(6), at=now, event=kind, before=before, after=after, **facts)


def undone(event: Event, current: Edits, where: object) -> tuple[Edits, int]:
    """Return the entries before `event`, and how many were changed since and are kept."""
    entries, kept = dict(current), 0
    for key in {**event.before, **event.after}:
        before, after = (_entry(each, key, where) for each in (event.before, event.after))
        if entries.get(key) != after:
            kept += entries.get(key) != before
        elif before is None:
            del entries[key]
        else:
            entries[key] = before
    return entries, kept


def last_event(events: Iterable[Event]) -> Event | None:
    """Return the newest event that changed entries here and was not undone, or None."""
    own = [event for event in events if not event.theirs]
    gone = {event.of for event in own if event.of is not None}
    return next((e for e in reversed(own) if e.of is None and e.id not in gone and (e.before or e.after)), None)


def read_journal(folder: AnyPath) -> list[Event]:
    """Return the events of the catalog in `folder`, oldest first.

    A partial last line, left by a killed process, is skipped. Raises CatalogError that names the
    line if another one is invalid.
    """
    path = folder / FILE
    try:
        data = read_bytes(path, fail=CatalogError, remedy=REMEDY, max_bytes=MAX_BYTES)
    except FileNotFoundError:
        return []
    lines = data[: data.rfind(b"\n") + 1].splitlines()
    return [
        parse_json(line, Event, f"{path}: line {number}", fail=CatalogError, remedy=REMEDY)
        for number, line in enumerate(lines, start=1)
    ]


def append_events(folder: AnyPath, events: Iterable[Event]) -> None:
    """Append events, durable on return. Only for the one writer of the catalog."""
    lines = "".join(json.dumps(_plain(event), ensure_ascii=False) + "\n" for event in events).encode()
    append_lines(folder / FILE, lines)


def append_lines(path: AnyPath, lines: bytes) -> None:
    """Append whole lines to a file; a partial last line of a killed process is cut."""
    if not lines:
        return
    if isinstance(path, RemotePath):
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            data = b""
        write_bytes(path, data[: data.rfind(b"\n") + 1] + lines)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with with_filename(path), _open(path) as file:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(file, fcntl.LOCK_EX)
        data_end = _end_of_lines(file)
        os.ftruncate(file.fileno(), data_end)
        file.seek(data_end)
        file.write(lines)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(path.parent)


def _open(path: Path) -> BinaryIO:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o644)
    return os.fdopen(handle, "rb+")


def _end_of_lines(file: BinaryIO) -> int:
    """Return the position after the last line feed of a file."""
    end = file.seek(0, os.SEEK_END)
    block = 1 << 16
    while end:
        start = max(0, end - block)
        file.seek(start)
        found = file.read(end - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def _entry(entries: Mapping[str, Any], key: str, where: object) -> Edit | None:
    return check_entry(key, entries[key], where) if key in entries else None


def _plain(event: Event) -> dict[str, Any]:
    return {name: value for name, value in asdict(event).items() if value not in (None, [], {}, False)}
