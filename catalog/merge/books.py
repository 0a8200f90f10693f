"""Merge the split books of two data roots, splits/seed-N.parquet: the side of every piece.

Where they disagree ours counts. The format is that of `dataset.corpus.split_ledger`.
"""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
from filelock import FileLock, Timeout

from catalog.base.errors import CatalogError
from catalog.blobs import SHA256
from catalog.storage import checksums as sums
from catalog.storage.lease import hold_lease
from catalog.storage.reading import read_bytes
from catalog.storage.remote import AnyPath, RemotePath
from catalog.table import parquet

SIDES = ("train", "validation", "test")
MAX_BYTES = 1 << 32
WAIT_S = 10.0  # for a build that writes the books of ours
REMEDY = "restore it from a copy, or move it away to leave its sides out"

Book = dict[str, str]
"""Side by SHA-256."""


def read_books(root: AnyPath) -> dict[str, Book]:
    """Return the split books below `root` by file name.

    Raises CatalogError that names the file if one is damaged.
    """
    names = sorted(path.name for path in (root / "splits").glob("seed-*.parquet"))
    return {name: _read_book(root / "splits", name) for name in names}


def union_of(ours: Mapping[str, Book], theirs: Mapping[str, Book]) -> tuple[dict[str, Book], int, list[str]]:
    """Return the books that change, how many sides are added, and the disagreements."""
    changed: dict[str, Book] = {}
    added, conflicts = 0, []
    for name, book in theirs.items():
        own = ours.get(name, {})
        new = {sha256: side for sha256, side in book.items() if sha256 not in own}
        conflicts += [
            f"splits/{name}: {sha256}: {own[sha256]} here, {side} there"
            for sha256, side in sorted(book.items())
            if own.get(sha256, side) != side
        ]
        added += len(new)
        if new:
            changed[name] = own | new
    return changed, added, conflicts


def write_books(root: AnyPath, books: Mapping[str, Book]) -> None:
    """Write split books; durable on return. The caller must hold `books_lock`."""
    for name, book in books.items():
        hashes = sorted(book)
        schema = pa.schema([("sha256", pa.string()), ("split", pa.string())])
        table = pa.table({"sha256": hashes, "split": [book[sha256] for sha256 in hashes]}, schema)
        buffer = io.BytesIO()
        parquet.write(table, buffer)
        sums.write_listed(root / "splits", name, buffer.getvalue(), fail=CatalogError)


@contextmanager
def books_lock(root: AnyPath) -> Iterator[None]:
    """Hold the lock of the builds below `root`, which write the books.

    Raises CatalogError if a build holds it for long.
    """
    folder = root / "corpora"
    if isinstance(folder, RemotePath):
        with hold_lease(folder):
            yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(Path(folder) / ".lock")
    try:
        lock.acquire(timeout=WAIT_S)
    except Timeout:
        raise CatalogError(f"a corpus is being built in {folder}; merge when the build has ended") from None
    try:
        yield
    finally:
        lock.release()


def _read_book(folder: AnyPath, name: str) -> Book:
    path = folder / name
    data = read_bytes(path, fail=CatalogError, remedy=REMEDY, max_bytes=MAX_BYTES)
    sums.check(folder, name, data, fail=CatalogError, remedy=REMEDY)
    try:
        table = parquet.read(data)
        columns = [table[column].cast(pa.string()).to_pylist() for column in ("sha256", "split")]
    except (pa.ArrowException, OSError, KeyError) as error:
        raise CatalogError(f"{path} cannot be read ({error}); {REMEDY}") from None
    for sha256, side in zip(*columns, strict=True):
        if not isinstance(sha256, str) or not SHA256.fullmatch(sha256) or side not in SIDES:
            raise CatalogError(f"{path}: {sha256!r} {side!r} is not a SHA-256 and a side; {REMEDY}")
    return dict(zip(*columns, strict=True))
