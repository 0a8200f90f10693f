"""What a listing page says of rows that the catalog has already: still there, gone, or back. Pure."""

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
    """Return those of `known` whose `gone_since` the listing of files in address `folder` changes, with the new value.

    A piece in `folder` is listed while a row gives its file with its MD5; where either of the two gives no MD5 the file
    is enough. Pieces elsewhere are left alone: those in folders below too unless the listing is `nested`, and then those
    below `unread` addresses. A piece that is listed again has null.
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
