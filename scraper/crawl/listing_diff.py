"""Find catalog rows that are no longer listed, or listed again.

Pure functions without I/O.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from catalog.schema import Piece
from scraper.source.links import file_url
from scraper.source.rows import Listing


def diff_listing(
    known: Iterable[Piece],
    listing: Listing,
    folder: str,
    now: datetime,
    *,
    nested: bool = False,
    unread: Sequence[str] = (),
) -> list[Piece]:
    """Return the pieces of `known` with a changed `gone_since`, set to its new value.

    `folder` is the address of the listed files. A piece in `folder` counts as listed if a row has its file name and
    MD5; if either has no MD5, the file name is enough. `gone_since` is set to `now` for pieces that are no longer
    listed and to None for pieces that are listed again. Pieces outside `folder` are ignored, and so are pieces in
    subfolders unless the listing is `nested`. Pieces below `unread` addresses are always ignored.
    """
    keys = {(file_url(folder, row.file), row.md5) for row in listing.rows}
    files = {url for url, _ in keys}
    found = []
    for piece in known:
        if not piece.url.startswith(folder) or (not nested and "/" in piece.url[len(folder) :]):
            continue
        if piece.url.startswith(tuple(unread)):
            continue
        any_md5 = piece.md5 is None or (piece.url, None) in keys
        listed = piece.url in files if any_md5 else (piece.url, piece.md5) in keys
        if listed and piece.gone_since is not None:
            found.append(replace(piece, gone_since=None))
        elif not listed and piece.gone_since is None:
            found.append(replace(piece, gone_since=now))
    return found
