"""What a listing page says of rows that the catalog has already: still there, gone, or back. Pure."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from catalog.schema import Piece
from scraper.vgmusic.listing import Listing
from scraper.vgmusic.urls import file_url


def changed(known: Iterable[Piece], listing: Listing, page: str, now: datetime) -> list[Piece]:
    """Return those of `known` whose `gone_since` the listing at address `page` changes, with the new value.

    A piece below `page` is listed while a row gives its file with its MD5; where either of the two gives no MD5 the file
    is enough. Pieces of other pages are left alone. A piece that is listed again has null.
    """
    keys = {(file_url(page, row.file), row.md5) for row in listing.rows}
    files = {url for url, _ in keys}
    found = []
    for piece in known:
        if not piece.url.startswith(page) or "/" in piece.url[len(page) :]:
            continue
        any_md5 = piece.md5 is None or (piece.url, None) in keys
        listed = piece.url in files if any_md5 else (piece.url, piece.md5) in keys
        if listed and piece.gone_since is not None:
            found.append(replace(piece, gone_since=None))
        elif not listed and piece.gone_since is None:
            found.append(replace(piece, gone_since=now))
    return found
