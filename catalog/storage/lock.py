"""One writer at a time: a file lock, and a note with its holder.

The system frees the lock when its holder dies. The note is shown to a second writer, and tells the
next writer whether the last one ended normally. Below a URL the lock is a lease
(`catalog.storage.lease`).
"""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from catalog.base.console import clean
from catalog.base.errors import CatalogError
from catalog.storage.files import write_text
from catalog.storage.lease import hold_lease
from catalog.storage.reading import Count, read_json
from catalog.storage.remote import AnyPath, RemotePath

NOTE = ".writer"


@dataclass(frozen=True, slots=True)
class WriterLock:
    """A lock that is held."""

    was_killed: bool = False  # whether the last holder was killed and may have left temporary files
    check: Callable[[], None] = lambda: None  # raises CatalogError if the lock was lost; only a lease can be


@dataclass(frozen=True, slots=True)
class _Holder:
    """The note about the holder of a lock."""

    pid: Count
    command: str
    since: str


@contextmanager
def writer_lock(folder: AnyPath) -> Iterator[WriterLock]:
    """Hold the writer's lock of `folder`, which is created if missing.

    Raises CatalogError at once if another process or thread holds it; the message names process,
    command and start time.
    """
    if isinstance(folder, RemotePath):
        with hold_lease(folder) as lease:
            yield WriterLock(check=lease.check)
        return
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / NOTE
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise CatalogError(
            f"{folder} is being written by {_read_holder(note)}; wait for it to end, or stop it"
        ) from None
    try:
        was_killed = note.exists()
        write_text(note, json.dumps(_own_note()))
        try:
            yield WriterLock(was_killed)
        finally:
            note.unlink(missing_ok=True)
    finally:
        lock.release()


def writer_was_killed(folder: AnyPath) -> bool:
    """Return whether the last lock holder was killed and no other holds it now."""
    if isinstance(folder, RemotePath) or not (folder / NOTE).exists():
        return False
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    lock.release()
    return True


def _own_note() -> dict[str, str | int]:
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])
    return {"pid": os.getpid(), "command": command, "since": datetime.now(UTC).isoformat(timespec="seconds")}


def _read_holder(note: Path) -> str:
    try:
        holder = read_json(note, _Holder, fail=CatalogError, remedy="it is used only in messages")
        return clean(f"process {holder.pid} (`{holder.command}`) since {holder.since}")
    except (OSError, CatalogError):
        return "another process"  # the holder has not written its note yet
