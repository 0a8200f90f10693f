"""The bytes that the catalog holds, found by the MD5 and size under which a page lists them, or by address where it gives no MD5.

A file counts as held when its bytes are there and are what their name says, so a damaged store is mended by scraping again.
"""

from dataclasses import dataclass, fields, replace
from typing import Any

from catalog.errors import CatalogError
from catalog.schema import FETCHED, Piece
from catalog.store import Catalog

_COLUMNS = [field.name for field in fields(Piece)]


@dataclass(frozen=True, slots=True)
class Bytes:
    """Bytes held, as the row under which they came; `new` where that was in this run."""

    came_as: Piece
    new: bool

    def give_to(self, piece: Piece) -> Piece:
        """Return `piece` as fetched, with these bytes."""
        came = self.came_as
        return replace(
            piece,
            state=FETCHED,
            md5=came.md5,
            sha256=came.sha256,
            bytes=came.bytes,
            fetched_at=came.fetched_at,
            etag=came.etag,
            last_modified=came.last_modified,
            reason=None,
        )


class Held:
    """An index over the fetched pieces of a catalog, and over what is added to it during a run."""

    def __init__(self, catalog: Catalog, source: str) -> None:
        self._catalog = catalog
        self._by_md5: dict[str, Bytes] = {}
        self._by_url: dict[str, Bytes] = {}
        self._rows: dict[tuple[str, str | None], Piece] = {}
        self._sound: dict[str, bool] = {}
        rows: list[dict[str, Any]] = catalog.pieces(f"state == '{FETCHED}'", _COLUMNS).to_pylist()
        for piece in (Piece(**row) for row in rows):
            self._index(Bytes(piece, new=False), ours=piece.source == source)
            if piece.source == source:
                self._rows[piece.url, piece.md5] = piece

    def find(self, url: str, md5: str | None, size: int | None) -> Bytes | None:
        """Return the bytes held for a row listed with `md5` and `size`, if their file is sound."""
        own = self._rows.get((url, md5))
        if own is not None:
            found: Bytes | None = Bytes(own, new=False)
        else:
            found = self._by_md5.get(md5) if md5 is not None else self._by_url.get(url)
        if found is None or (size is not None and found.came_as.bytes != size):
            return None
        return found if self._is_sound(found.came_as.sha256 or "") else None

    def has_row(self, piece: Piece) -> bool:
        """Return whether the catalog has exactly this row already."""
        return self._rows.get((piece.url, piece.md5)) == piece

    def add(self, piece: Piece) -> None:
        """Note that the bytes of `piece` have just been stored."""
        self._index(Bytes(piece, new=True), ours=True)
        self._sound[piece.sha256 or ""] = True

    def _index(self, held: Bytes, ours: bool) -> None:
        if held.came_as.md5 is not None and (held.new or held.came_as.md5 not in self._by_md5):
            self._by_md5[held.came_as.md5] = held
        if ours:
            self._by_url[held.came_as.url] = held

    def _is_sound(self, sha256: str) -> bool:
        if sha256 not in self._sound:
            try:
                self._catalog.read_blob(sha256)
            except CatalogError:
                self._sound[sha256] = False
            else:
                self._sound[sha256] = True
        return self._sound[sha256]
