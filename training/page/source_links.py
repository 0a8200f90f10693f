"""Web addresses of pieces, for links to what was copied. They are untrusted text."""

from urllib.parse import urlsplit

SCHEMES = ("https", "http")


def is_web_address(address: str | None) -> bool:
    """Return whether an address is an http or https URL with a host."""
    try:
        parts = urlsplit(address or "")
    except ValueError:
        return False
    return parts.scheme in SCHEMES and bool(parts.hostname)
