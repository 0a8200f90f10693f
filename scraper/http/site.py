"""A site (scheme, host and port), its allowed addresses, and private hosts.

No I/O.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urljoin, urlsplit

from catalog.base.errors import UsageError

_PORTS = {"https": 443, "http": 80}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Site:
    """One origin with its sections.

    `private` hosts need --allow-private-hosts and no minimum delay.
    """

    scheme: str
    host: str
    port: int
    private: bool
    sections: Mapping[str, str] = field(default_factory=dict)  # name to path
    aliases: tuple[str, ...] = ()  # other host names of this site

    @property
    def origin(self) -> str:
        """The address without a path; the port is included unless it is the default."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == _PORTS[self.scheme] else f":{self.port}")

    def section(self, name: str) -> str:
        """Return the address of a section's listing page. Raises UsageError."""
        if name not in self.sections:
            raise UsageError(f"no section called {name!r}; known: {', '.join(self.sections)}")
        return self.origin + self.sections[name]

    def problem(self, url: str, below: str = "/", suffix: str = "") -> str | None:
        """Return why `url` may not be requested, or None if it may.

        The address must be on this site or one of its aliases and have no user name, query, fragment or dot segments.
        Its path must be below `below` and end in `suffix`, in any case.
        """
        try:
            parts = urlsplit(url)
            port = parts.port or _PORTS.get(parts.scheme)
        except ValueError:
            return "not a valid address"
        if parts.scheme != self.scheme:
            return f"scheme is not {self.scheme}"
        if parts.hostname not in (self.host, *self.aliases) or port != self.port:
            return "another host"
        if parts.username is not None or parts.password is not None:
            return "user name in the address"
        if parts.query or parts.fragment or "?" in url or "#" in url:
            return "query or fragment in the address"
        path = unquote(parts.path)
        if "\\" in path or ".." in path.split("/") or any(ord(c) < 32 or ord(c) == 127 for c in path):
            return "unsafe path"
        if not path.startswith(below) or not path.lower().endswith(suffix):
            return f"not {'a ' + suffix + ' file ' if suffix else ''}below {below}"
        return None


def site_at(
    base_url: str,
    allow_private_hosts: bool = False,
    example: str = "https://www.example.org",
    option: str = "--base-url",
) -> Site:
    """Return the site at `base_url` (scheme, host and port; no path).

    https is required, except for private hosts (localhost or a private IP address), which need `allow_private_hosts`.
    Raises UsageError with a message that names `option` and shows `example`.
    """
    try:
        parts = urlsplit(base_url)
        port = parts.port
    except ValueError:
        raise UsageError(
            f"{option} {base_url!r} is not a valid address; give scheme and host, as in {example}"
        ) from None
    host = parts.hostname or ""
    if parts.scheme not in _PORTS or not host or parts.username is not None or parts.query or parts.fragment:
        raise UsageError(f"{option} {base_url!r}: give scheme and host, as in {example}")
    if parts.path not in ("", "/"):
        raise UsageError(f"{option} {base_url!r}: omit the path; --section selects a section of the site")
    private = is_private_host(host)
    if private and not allow_private_hosts:
        raise UsageError(f"{host} is a private host: add --allow-private-hosts to allow it")
    if parts.scheme != "https" and not private:
        raise UsageError(f"{option} {base_url!r}: public hosts require https")
    return Site(scheme=parts.scheme, host=host, port=port or _PORTS[parts.scheme], private=private)


def is_private_host(host: str) -> bool:
    """Return whether `host` is localhost or a private IP address.

    Other names are not resolved here.
    """
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return not is_public_address(host)
    except ValueError:
        return False


def is_public_address(address: str) -> bool:
    """Return whether the IP `address` is globally reachable.

    IPv6 addresses that contain an IPv4 address are judged by the latter. Raises ValueError if it is not an IP address.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            ip = inner
    return ip.is_global and not ip.is_multicast


def redirect_target(url: str, location: str) -> str:
    """Return the absolute address of a Location header. The caller must check it."""
    try:
        return urljoin(url, location)
    except ValueError:
        return location
