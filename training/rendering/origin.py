"""Look up in a catalog what is known of a MIDI file that it holds.

In: the SHA-256 of the file. Out: its title, and what a score prints of its origin.
"""

import re
from collections.abc import Mapping
from typing import Any

from catalog.base.errors import VgpianoError
from catalog.storage.remote import AnyPath
from dataset.notation.records import Credits

Listed = tuple[str, Credits]
"""The title of a file of the catalog, and what is printed of its origin."""

COLUMNS = ("title", "game_title", "series", "sequencer", "url")
DIGEST = re.compile(r"[0-9a-f]{64}")


def origin_of(root: AnyPath, sha256: str) -> Listed | None:
    """Return the title and the origin of a file of the catalog of `root`.

    Catalogs name files by their SHA-256: other names, and files that are not listed, give None. Of several pieces with
    the same file it is the first. Raises CatalogError if the catalog cannot be read.
    """
    if not DIGEST.fullmatch(sha256):
        return None
    from catalog.store import Catalog

    rows = Catalog(root).pieces(f"sha256 == '{sha256}'", COLUMNS).to_pylist()
    return listed_in(rows[0]) if rows else None


def listed_in(row: Mapping[str, Any]) -> Listed:
    """Return the title and the origin that a row of the catalog gives, from its COLUMNS."""
    known = Credits(game=row["game_title"], series=row["series"], sequencer=row["sequencer"] or "", source=row["url"])
    return row["title"], known


def origin_if_known(root: AnyPath | None, sha256: str) -> Listed | None:
    """Return what `origin_of` does, and None without a `root`, or if the catalog cannot be read."""
    try:
        return None if root is None else origin_of(root, sha256)
    except VgpianoError:
        return None
