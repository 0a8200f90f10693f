"""Web addresses of copied pieces, by SHA-256, for links.

In: the catalog of a data root. Out: http(s) addresses only, since the catalog holds untrusted text. Without a catalog
there are none.
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

from catalog.base.errors import CatalogError
from catalog.storage.remote import AnyPath

SCHEMES = ("https", "http")


def addresses(root: AnyPath, hashes: Iterable[str]) -> dict[str, str]:
    """Return {SHA-256: address} of the pieces that the catalog has.

    Of several addresses, the first is returned.
    """
    wanted = sorted(set(hashes))
    if not wanted:
        return {}
    from catalog.store import Catalog  # slow import, not needed if nothing was copied

    try:
        rows = Catalog(root).pieces(f"sha256 in {wanted!r}", ["sha256", "url"]).to_pylist()
    except CatalogError:
        return {}
    return {row["sha256"]: row["url"] for row in reversed(rows) if is_web_address(row["url"])}


def is_web_address(address: str | None) -> bool:
    """Return whether an address is an http or https URL with a host."""
    try:
        parts = urlsplit(address or "")
    except ValueError:
        return False
    return parts.scheme in SCHEMES and bool(parts.hostname)
