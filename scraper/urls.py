"""Which addresses the scraper may ask for: one site, one host, one scheme, and below a section only plain file names.

A link is judged before anything is made of it. File names come from an allowlist of characters, those that the 31,629 links
of the real site use, so there is nothing to escape, to normalise twice, or to mistake for a path. Nothing here does I/O.
"""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urljoin, urlsplit

from catalog.errors import UsageError
from scraper.limits import NAME_BYTES

VGMUSIC = "https://www.vgmusic.com"
SECTIONS = {"piano": "/music/other/miscellaneous/piano/"}
MUSIC = "/music/"  # above every section, and the page with the menu of them
SUFFIX = ".mid"

_TWIN_HOSTS = {"www.vgmusic.com": ("www.vgmusic.com", "vgmusic.com"), "vgmusic.com": ("www.vgmusic.com", "vgmusic.com")}
_PORTS = {"https": 443, "http": 80}
_NAME = re.compile(r"[A-Za-z0-9_.\-~!'()&,+\[\]^`{}]+")
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
_SECTION = re.compile(MUSIC + r"(?:[A-Za-z0-9_\-]{1,60}/){1,8}")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Site:
    """One origin that may be asked. `private` hosts are reached only because the user said so, and need no long delays."""

    scheme: str
    host: str
    port: int
    private: bool
    sections: Mapping[str, str] = field(default_factory=lambda: SECTIONS)  # name to path

    @property
    def origin(self) -> str:
        """The address without a path, the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == _PORTS[self.scheme] else f":{self.port}")

    def section(self, name: str) -> str:
        """Return the address of the listing page of section `name`; raise UsageError for a section we do not know."""
        if name not in self.sections:
            raise UsageError(f"no section called {name!r}; known: {', '.join(self.sections)}")
        return self.origin + self.sections[name]

    def problem(self, url: str, below: str = "/", suffix: str = "") -> str | None:
        """Return why `url` may not be asked for, or None where it may.

        It must be this site (VGMusic with and without www count as one), its path below `below` with no dot segments, ending in
        `suffix` whatever the case, with no user, query or fragment.
        """
        try:
            parts = urlsplit(url)
            port = parts.port or _PORTS.get(parts.scheme)
        except ValueError:
            return "not an address"
        if parts.scheme != self.scheme:
            return f"scheme is not {self.scheme}"
        if parts.hostname not in _TWIN_HOSTS.get(self.host, (self.host,)) or port != self.port:
            return "another host"
        if parts.username is not None or parts.password is not None:
            return "a user name in the address"
        if parts.query or parts.fragment or "?" in url or "#" in url:
            return "a query or fragment"
        path = unquote(parts.path)
        if "\\" in path or ".." in path.split("/") or any(ord(c) < 32 or ord(c) == 127 for c in path):
            return "a path that leads elsewhere"
        if not path.startswith(below) or not path.lower().endswith(suffix):
            return f"not {'a ' + suffix + ' file ' if suffix else ''}below {below}"
        return None


def site(base_url: str, allow_private_hosts: bool = False) -> Site:
    """Return the site at `base_url` (scheme, host, port; no path).

    https is required, but for private hosts (localhost, or the number of a private address), which in turn need
    `allow_private_hosts`. Raises UsageError.
    """
    try:
        parts = urlsplit(base_url)
        port = parts.port
    except ValueError:
        raise UsageError(f"--base-url {base_url!r} is not an address; give scheme and host, as in {VGMUSIC}") from None
    host = parts.hostname or ""
    if parts.scheme not in _PORTS or not host or parts.username is not None or parts.query or parts.fragment:
        raise UsageError(f"--base-url {base_url!r}: give scheme and host, as in {VGMUSIC}")
    if parts.path not in ("", "/"):
        raise UsageError(f"--base-url {base_url!r}: leave the path out; --section says where on the site to look")
    private = is_private_host(host)
    if private and not allow_private_hosts:
        raise UsageError(f"{host} is a private host: add --allow-private-hosts if you mean it")
    if parts.scheme != "https" and not private:
        raise UsageError(f"--base-url {base_url!r}: public hosts are asked over https only")
    return Site(scheme=parts.scheme, host=host, port=port or _PORTS[parts.scheme], private=private)


def is_private_host(host: str) -> bool:
    """Return whether `host` is localhost or the number of an address that is not public. Other names: not known here."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return not is_public_address(host)
    except ValueError:
        return False


def is_public_address(address: str) -> bool:
    """Return whether the IP `address` is one of the open internet, looking inside the IPv6 forms that carry an IPv4 one.

    Raises ValueError where it is no IP address.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            ip = inner
    return ip.is_global and not ip.is_multicast


def section_name(path: str) -> str | None:
    """Return the name of the section at `path`, such as console-nintendo-snes; None where it is no section's path.

    Sections have plain folder names below /music/.
    """
    if not _SECTION.fullmatch(path):
        return None
    known = {path: name for name, path in SECTIONS.items()}
    return known.get(path) or path.removeprefix(MUSIC).strip("/").replace("/", "-").lower()


def link_problem(href: str) -> str | None:
    """Return the reason (a stable id) for which a link of a listing is not followed, or None where it is a plain file name."""
    if not href:
        return "empty_link"
    if "?" in href or "#" in href or ";" in href:
        return "query_or_fragment"
    if _SCHEME.match(href) or href.startswith("//"):
        return "absolute_address"
    name = file_name(href)
    if "/" in name or "\\" in name:
        return "path_in_name"
    if name.startswith((".", "-")):
        return "leading_dot_or_dash"
    if not _NAME.fullmatch(name):
        return "unusual_character"
    if _RESERVED.fullmatch(name):
        return "reserved_name"
    if not name.lower().endswith(SUFFIX):
        return "not_a_mid_file"
    if len(name) > NAME_BYTES:
        return "name_too_long"
    return None


def file_name(href: str) -> str:
    """Return the file name that a relative link means: percent escapes undone, once."""
    return unquote(href, errors="replace")


def file_url(section_url: str, name: str) -> str:
    """Return the one address of file `name` of a section, however its link was escaped."""
    return section_url + quote(name)


def redirect_target(url: str, location: str) -> str:
    """Return the absolute address that a Location header of an answer to `url` means; it still has to be judged."""
    try:
        return urljoin(url, location)
    except ValueError:
        return location
