"""Merge another catalog into this one: what `catalog merge` does.

In: two data roots. Out: ours has the pieces, files, measures, quarantined bytes, sides of splits,
edits and journals of both; theirs is only read. Everything is read and checked before anything is
written. A merge that is killed goes on when it is run again, and a second one changes nothing.
"""

import hashlib
import os
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from catalog.base.console import Report
from catalog.base.errors import CatalogError, UsageError
from catalog.blobs import SHA256
from catalog.edits.entries import Edits, write_edits
from catalog.edits.journal import Event, append_events, append_lines, new_event, read_journal
from catalog.merge import books, edits, journals
from catalog.merge import pieces as rows
from catalog.schema import PIECES, Piece
from catalog.storage.files import write_many
from catalog.storage.reading import read_bytes
from catalog.storage.remote import AnyPath
from catalog.store import Catalog, Writer
from catalog.summary import open_catalog

BATCH = 256  # files copied together
MAX_QUARANTINED = 1 << 30
ROW_COLUMNS = PIECES.names


@dataclass(slots=True)
class Merged:
    """What a merge added, and what the two catalogs disagree about; ours is kept there."""

    pieces: int = 0  # rows that only they had
    completed: int = 0  # rows of ours that got a file, an earlier date or a missing field
    files: int = 0
    measures: int = 0
    quarantined: int = 0
    sides: int = 0
    edits: int = 0
    journal_lines: int = 0
    conflicts: list[str] = field(default_factory=list)

    @property
    def line(self) -> str:
        """The totals as one line."""
        counts = (
            (self.pieces, "new pieces"),
            (self.completed, "pieces completed"),
            (self.files, "files"),
            (self.measures, "measures"),
            (self.quarantined, "quarantined files"),
            (self.sides, "sides of splits"),
            (self.edits, "edits"),
            (self.journal_lines, "lines of journals"),
        )
        return ", ".join(f"{count} {what}" for count, what in counts if count) or "nothing new"


@dataclass(frozen=True, slots=True)
class _Plan:
    """All that is to be written."""

    union: rows.RowUnion
    files: list[str]
    measures: pa.Table
    quarantined: list[str]
    books: dict[str, books.Book]
    entries: Edits
    events: list[Event]
    scrape_lines: bytes


def merge_catalog(ours: AnyPath, theirs: AnyPath, *, write: bool = True, report: Report | None = None) -> Merged:
    """Add all that the catalog below `theirs` has to the one below `ours`.

    With `write` False, only says what would be added. Raises UsageError if both are one catalog,
    and CatalogError if a file of either is damaged or missing, if theirs is empty, or if another
    process writes to ours; then ours has the same rows as before.
    """
    if str(ours) == str(theirs) or (
        isinstance(ours, Path)
        and isinstance(theirs, Path)
        and theirs.exists()
        and os.path.realpath(ours) == os.path.realpath(theirs)
    ):
        raise UsageError(f"{theirs} is the catalog itself; give the data root of another one")
    other = open_catalog(theirs)
    if not write:
        return _plan(Catalog(ours), other)[1]
    with ExitStack() as locks:
        writer = locks.enter_context(Catalog(ours).writer())
        locks.enter_context(books.books_lock(ours))
        plan, merged = _plan(Catalog(ours), other)
        _write(writer, ours, other, plan, merged, report)
    return merged


def _plan(own: Catalog, other: Catalog) -> tuple[_Plan, Merged]:
    ours, theirs = (each.pieces(columns=ROW_COLUMNS, edited=False).to_pylist() for each in (own, other))
    union = rows.union_of(ours, theirs)
    added = [*union.rows, *union.placeholders]
    stored = own.stored_files()
    files = sorted({row["sha256"] for row in added if row["sha256"]} - stored)
    measures = _new_measures(own.measures(), other.measures(), {row["sha256"] for row in [*ours, *added]})
    own_books = books.read_books(own.root)
    changed, sides, conflicts = books.union_of(own_books, books.read_books(other.root))
    entries, disputed = edits.union_of(own.edits(), other.edits(), [*ours, *added])
    events = journals.new_events(*(read_journal(each.root / "catalog") for each in (own, other)))
    lines = journals.new_scrape_lines(own.root, other.root)
    quarantined = _new_quarantined(own.root, other.root)
    merged = Merged(
        pieces=union.new,
        completed=union.completed,
        files=len(files),
        measures=len(measures),
        quarantined=sum(name.endswith(".bin") for name in quarantined),
        sides=sides,
        edits=sum(own.edits().get(key) != entry for key, entry in entries.items()),
        journal_lines=len(events) + lines.count(b"\n"),
        conflicts=[*union.conflicts, *conflicts, *disputed],
    )
    return _Plan(union, files, measures, quarantined, changed, entries, events, lines), merged


def _write(writer: Writer, root: AnyPath, other: Catalog, plan: _Plan, merged: Merged, report: Report | None) -> None:
    for start in range(0, len(plan.files), BATCH):
        writer.put_blobs([other.read_blob(sha256) for sha256 in plan.files[start : start + BATCH]])
        if report:
            report(min(start + BATCH, len(plan.files)), len(plan.files))
    for name in plan.quarantined:
        data = _read_quarantined(other.root, name)
        write_many({root / "quarantine" / name: data})
    writer.add([Piece(**row) for row in (*plan.union.rows, *plan.union.placeholders)])  # together, in this order
    writer.add_measures(plan.measures)
    books.write_books(root, plan.books)
    append_lines(root / "scrape" / "journal.jsonl", plan.scrape_lines)
    folder, current = root / "catalog", Catalog(root).edits()
    if merged.line != Merged().line:
        event = new_event("merge", current, plan.entries, other=str(other.root), conflicts=merged.conflicts)
        append_events(folder, [*plan.events, event])
    if plan.entries != current:
        write_edits(folder, plan.entries)


def _new_measures(ours: pa.Table, theirs: pa.Table, wanted: Iterable[Any]) -> pa.Table:
    """Return their measures of wanted files that ours lacks or has by older definitions."""
    version = dict(zip(ours["sha256"].to_pylist(), ours["measured_by"].to_pylist(), strict=True))
    hashes = set(wanted)
    new = [
        sha256 in hashes and (sha256 not in version or (by or 0) > (version[sha256] or 0))
        for sha256, by in zip(theirs["sha256"].to_pylist(), theirs["measured_by"].to_pylist(), strict=True)
    ]
    return theirs.filter(pc.cast(pa.array(new, pa.bool_()), pa.bool_()))


def _new_quarantined(ours: AnyPath, theirs: AnyPath) -> list[str]:
    """Return the names of quarantined files that ours lacks."""
    found = [
        {path.name for end in ("bin", "json") for path in (root / "quarantine").glob(f"*.{end}")}
        for root in (ours, theirs)
    ]
    return sorted(name for name in found[1] - found[0] if SHA256.fullmatch(name.partition(".")[0]))


def _read_quarantined(root: AnyPath, name: str) -> bytes:
    path = root / "quarantine" / name
    remedy = "restore it from a copy, or move it away to leave it out"
    data = read_bytes(path, fail=CatalogError, remedy=remedy, max_bytes=MAX_QUARANTINED)
    if name.endswith(".bin") and hashlib.sha256(data).hexdigest() != name.removesuffix(".bin"):
        raise CatalogError(f"{path} is damaged: its content does not match its name; {remedy}")
    return data
