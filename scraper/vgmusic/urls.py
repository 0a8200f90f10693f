"""The addresses of VGMusic that may be requested: plain names below a section.

Links are checked before they are resolved. File names may only contain the characters used by the 31,629 links of the
real site, so none needs escaping, is ambiguous, or can be mistaken for a path. No I/O.
"""

import re
from dataclasses import replace

from scraper.http.limits import NAME_BYTES
from scraper.http.site import Site, site_at
from scraper.source.links import file_name

SOURCE = "vgmusic"  # used in catalog, journal and cache
VGMUSIC = "https://www.vgmusic.com"
SECTIONS = {"piano": "/music/other/miscellaneous/piano/"}
MUSIC = "/music/"  # the parent of all sections; its page has the menu
SUFFIX = ".mid"
ALIASES = ("www.vgmusic.com", "vgmusic.com")  # both serve the same site

_NAME = re.compile(r"[A-Za-z0-9_.\-~!'()&,+\[\]^`{}]+")
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
_SECTION = re.compile(MUSIC + r"(?:[A-Za-z0-9_\-]{1,60}/){1,8}")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")


def site(base_url: str, allow_private_hosts: bool = False) -> Site:
    """Return VGMusic, or a replica, at `base_url` (scheme, host and port; no path).

    Raises UsageError as `site_at` does.
    """
    made = site_at(base_url, allow_private_hosts, example=VGMUSIC)
    return replace(made, sections=SECTIONS, aliases=ALIASES if made.host in ALIASES else ())


def section_name(path: str) -> str | None:
    """Return the name of the section at `path`, such as console-nintendo-snes.

    Returns None unless the path consists of plain folder names below /music/.
    """
    if not _SECTION.fullmatch(path):
        return None
    known = {path: name for name, path in SECTIONS.items()}
    return known.get(path) or path.removeprefix(MUSIC).strip("/").replace("/", "-").lower()


def link_problem(href: str) -> str | None:
    """Return why a link of a listing is not followed, as a stable id, or None."""
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
