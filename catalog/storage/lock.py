"""One writer at a time: a lock that the system frees when its holder dies, and a note beside it of who that is.

The note is for the message that a second writer gets, and tells the next writer whether the last one ended well. Below a
URL the lock is a lease (`catalog.storage.lease`).
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
from catalog.storage.lease import leased
from catalog.storage.reading import Count, read_json
from catalog.storage.remote import AnyPath, RemotePath

NOTE = ".writer"


@dataclass(frozen=True, slots=True)
class Hold:
    """A lock that is held."""

    was_killed: bool = False  # the last holder, who may have left litter
    check: Callable[[], None] = lambda: None  # raises CatalogError where the lock may be lost, as only a lease can be


@dataclass(frozen=True, slots=True)
class _Holder:
    """The note of whoever holds a lock."""

    pid: Count
    command: str
    since: str


@contextmanager
def exclusive(folder: AnyPath) -> Iterator[Hold]:
    """Hold the lock of `folder` (made if absent).

    Raises CatalogError at once, naming process, command and start, where another process or thread holds it.
    """
    if isinstance(folder, RemotePath):
        with leased(folder) as lease:
            yield Hold(check=lease.check)
        return
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / NOTE
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise CatalogError(f"{folder} is being written by {_holder(note)}; wait for it to end, or stop it") from None
    try:
        was_killed = note.exists()
        write_text(note, json.dumps(_me()))
        try:
            yield Hold(was_killed)
        finally:
            note.unlink(missing_ok=True)
    finally:
        lock.release()


def was_left(folder: AnyPath) -> bool:
    """Return whether the last holder of the lock of `folder` was killed, and nobody holds it now."""
    if isinstance(folder, RemotePath) or not (folder / NOTE).exists():
        return False
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    lock.release()
    return True


def _me() -> dict[str, str | int]:
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])
    return {"pid": os.getpid(), "command": command, "since": datetime.now(UTC).isoformat(timespec="seconds")}


def _holder(note: Path) -> str:
    try:
        who = read_json(note, _Holder, fail=CatalogError, remedy="it is only shown")
        return clean(f"process {who.pid} (`{who.command}`) since {who.since}")
    except (OSError, CatalogError):
        return "another process"  # it holds the lock but has not written its note yet
