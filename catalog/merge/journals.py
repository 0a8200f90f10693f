"""Merge the journals of two data roots: lines that ours lacks are added after ours."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace

from catalog.base.errors import CatalogError
from catalog.edits.journal import Event
from catalog.storage.reading import read_bytes
from catalog.storage.remote import AnyPath

SCRAPES = ("scrape", "journal.jsonl")
MAX_BYTES = 1 << 32
REMEDY = "restore it from a copy, or move it away"


def new_events(ours: list[Event], theirs: list[Event]) -> list[Event]:
    """Return their events that ours lack, marked as theirs, oldest first."""
    known = {event.id for event in ours}
    return [replace(event, theirs=True) for event in theirs if event.id not in known]


def new_scrape_lines(ours: AnyPath, theirs: AnyPath) -> bytes:
    """Return the lines of their journal of requests that ours lacks, in order.

    A partial last line, left by a killed process, is left out.
    """
    known = {hashlib.sha256(line).digest() for line in _lines(ours)}
    return b"".join(line for line in _lines(theirs) if hashlib.sha256(line).digest() not in known)


def _lines(root: AnyPath) -> Iterator[bytes]:
    path = root
    for name in SCRAPES:
        path = path / name
    try:
        data = read_bytes(path, fail=CatalogError, remedy=REMEDY, max_bytes=MAX_BYTES)
    except FileNotFoundError:
        return
    yield from data[: data.rfind(b"\n") + 1].splitlines(keepends=True)
