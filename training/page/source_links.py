"""Where the files of pieces were taken from: addresses by SHA-256, for links to what was copied.

In: the catalog of a data root; out: addresses of the web alone, for they are other people's text. No catalog, no addresses.
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

from catalog.base.errors import CatalogError
from catalog.storage.remote import AnyPath

SCHEMES = ("https", "http")


def addresses(root: AnyPath, hashes: Iterable[str]) -> dict[str, str]:
    """Return {SHA-256: address} of those pieces of which the catalog has one; of several, the first."""
    wanted = sorted(set(hashes))
    if not wanted:
        return {}
    from catalog.store import Catalog  # most of a second, for nothing where nothing was copied

    try:
        rows = Catalog(root).pieces(f"sha256 in {wanted!r}", ["sha256", "url"]).to_pylist()
    except CatalogError:
        return {}
    return {row["sha256"]: row["url"] for row in reversed(rows) if is_web_address(row["url"])}


def is_web_address(address: str | None) -> bool:
    """Return whether an address is one that a browser asks a host for, and nothing that it would run."""
    try:
        parts = urlsplit(address or "")
    except ValueError:
        return False
    return parts.scheme in SCHEMES and bool(parts.hostname)
