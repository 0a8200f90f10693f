"""Addresses of pieces on the web, for links to what was copied. They are untrusted text."""

from urllib.parse import urlsplit

SCHEMES = ("https", "http")


def is_web_address(address: str | None) -> bool:
    """Return whether an address is one that a browser asks a host for, and nothing that it would run."""
    try:
        parts = urlsplit(address or "")
    except ValueError:
        return False
    return parts.scheme in SCHEMES and bool(parts.hostname)
