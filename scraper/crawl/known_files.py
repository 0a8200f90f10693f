"""Index of stored files by MD5 and size, or by address for rows without MD5.

A file counts as stored only if it exists and its content matches its SHA-256, so scraping again repairs a damaged
store. Files that a killed run stored before it wrote their rows are found on disk. Their headers are read from the
journal.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any

from catalog.base.errors import CatalogError
from catalog.schema import FETCHED, Piece
from catalog.storage.files import local_root
from catalog.store import Catalog
from scraper.http.journal import Journal

_COLUMNS = [field.name for field in fields(Piece)]


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A stored file with its headers; `new` if it was stored in this run."""

    md5: str | None
    sha256: str
    size: int | None
    fetched_at: datetime | None
    etag: str | None
    last_modified: str | None
    new: bool

    @classmethod
    def of(cls, piece: Piece, new: bool) -> "StoredFile":
        """Return the stored file of a fetched piece."""
        return cls(
            piece.md5, piece.sha256 or "", piece.bytes, piece.fetched_at, piece.etag, piece.last_modified, new=new
        )

    def apply_to(self, piece: Piece) -> Piece:
        """Return `piece` in the state "fetched", with the data of this file."""
        return replace(
            piece,
            state=FETCHED,
            md5=self.md5,
            sha256=self.sha256,
            bytes=self.size,
            fetched_at=self.fetched_at,
            etag=self.etag,
            last_modified=self.last_modified,
            reason=None,
        )


class KnownFiles:
    """Index of the files in a catalog, and of files added during a run.

    Rows are indexed for `source` only, files for all sources.
    """

    def __init__(self, catalog: Catalog, source: str) -> None:
        self._catalog = catalog
        self._by_md5: dict[str, StoredFile] = {}
        self._by_url: dict[str, StoredFile] = {}
        self._rows: dict[tuple[str, str | None], Piece] = {}
        self._intact: dict[str, bool] = {}
        self._new: set[str] = set()  # SHA-256 of files stored in this run
        rows: list[dict[str, Any]] = catalog.pieces(columns=_COLUMNS, edited=False).to_pylist()
        for piece in (Piece(**row) for row in rows):
            if piece.source == source:
                self._rows[piece.url, piece.md5] = piece
            if piece.state == FETCHED:
                self._index(StoredFile.of(piece, new=False), piece.url if piece.source == source else None)
        for url, found in _unreferenced_files(catalog):
            self._index(found, url)
            self._intact[found.sha256] = True

    def find(self, url: str, md5: str | None, size: int | None) -> StoredFile | None:
        """Return the stored, undamaged file for a row with `md5` and `size`, or None."""
        own = self._rows.get((url, md5))
        if own is not None and own.state == FETCHED:
            found: StoredFile | None = StoredFile.of(own, new=own.sha256 in self._new)
        else:
            found = self._by_md5.get(md5) if md5 is not None else self._by_url.get(url)
        if found is None or (size is not None and found.size != size):
            return None
        return found if self._is_intact(found.sha256) else None

    def rows(self) -> list[Piece]:
        """Return the catalog rows of the source."""
        return list(self._rows.values())

    def row(self, url: str, md5: str | None) -> Piece | None:
        """Return the row with this key in any state, or None."""
        return self._rows.get((url, md5))

    def note(self, piece: Piece) -> None:
        """Record that `piece` is, or will be, a row of the catalog."""
        self._rows[piece.url, piece.md5] = piece

    def add(self, piece: Piece) -> None:
        """Record that the bytes of `piece` were just stored."""
        self._index(StoredFile.of(piece, new=True), piece.url)
        self._intact[piece.sha256 or ""] = True
        self._new.add(piece.sha256 or "")

    def _index(self, file: StoredFile, url: str | None) -> None:
        if file.md5 is not None and (file.new or file.md5 not in self._by_md5):
            self._by_md5[file.md5] = file
        if url is not None:
            self._by_url[url] = file

    def _is_intact(self, sha256: str) -> bool:
        if sha256 not in self._intact:
            try:
                self._catalog.read_blob(sha256)
            except CatalogError:
                self._intact[sha256] = False
            else:
                self._intact[sha256] = True
        return self._intact[sha256]


def _unreferenced_files(catalog: Catalog) -> Iterator[tuple[str | None, StoredFile]]:
    """Yield (address or None, file) for each undamaged file without a catalog row."""
    names = catalog.unlisted()
    lines = Journal(local_root(catalog.root)).stored(names)
    for name in sorted(names):
        try:
            data = catalog.read_blob(name)
        except CatalogError:
            continue  # damaged files count as missing
        line = lines.get(name, {})
        url = _text(line.get("asked", line.get("url")))
        md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
        stored_at = datetime.fromtimestamp(catalog.blob_path(name).stat().st_mtime, UTC)
        etag, last_modified = _text(line.get("etag")), _text(line.get("last_modified"))
        yield url, StoredFile(md5, name, len(data), stored_at, etag, last_modified, new=False)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
