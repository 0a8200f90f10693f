"""A directory listing as a source: one page and those of all folders below it.

Any page that links to the files of its own folder can be read, such as the directory listings of Apache, nginx and
Python's `http.server`. All other links (parent folder, sort order, other sites) are ignored, so a crawl only descends.
"""

import re
from dataclasses import replace
from urllib.parse import quote, unquote, urljoin, urlsplit

from bs4 import Tag

from catalog.base.console import one_line
from catalog.base.errors import UsageError
from scraper.http import limits
from scraper.http.site import Site, site_at
from scraper.source.base import Source
from scraper.source.folders import folder_game
from scraper.source.links import file_name, title_of
from scraper.source.markup import walk
from scraper.source.rows import Listing, ListingRow, RejectedRow

EXAMPLE = "https://www.example.org/midi/"
_PAGE = re.compile(r"[^/]+\.html?", re.IGNORECASE)  # the last part of an address if it is a page, not a folder
_END = re.compile(rb"</(?:html|body|table|ul|pre)\s*>", re.IGNORECASE)


class Mirror(Source):
    """A site that lists folders and files."""

    id = "mirror"
    nested = True

    def site(self, address: str, allow_private_hosts: bool = False) -> Site:
        """Return the site of `address`; its one section is named by host and path."""
        try:
            parts = urlsplit(address)
        except ValueError:
            raise UsageError(f"URL {address!r} is not a valid address; give one such as {EXAMPLE}") from None
        if not parts.netloc or parts.query or parts.fragment:
            raise UsageError(f"URL {address!r}: give the address of a folder, such as {EXAMPLE}")
        site = site_at(f"{parts.scheme}://{parts.netloc}", allow_private_hosts, EXAMPLE, "URL")
        path = quote(unquote(parts.path))
        if not _PAGE.fullmatch(path.rpartition("/")[2]):
            path = path.rstrip("/") + "/"
        problem = site.problem(site.origin + path)
        if problem is not None:
            raise UsageError(f"URL {address!r}: {problem}; give one such as {EXAMPLE}")
        words = re.findall(r"[a-z0-9]+", (site.origin.partition("://")[2] + path).lower())
        return replace(site, sections={"-".join(words)[: limits.SECTION_CHARACTERS].rstrip("-"): path})

    def read(self, page: bytes, url: str) -> Listing:
        """Return the MIDI files and folders in the folder of `url`, in page order.

        Duplicate links are merged.
        """
        parts = urlsplit(self.folder(url))
        path = [folder for folder in unquote(parts.path).split("/") if folder]
        game = folder_game(path or [parts.hostname or ""])[: limits.TITLE_CHARACTERS]
        rows: dict[str, ListingRow] = {}
        rejected: dict[str, RejectedRow] = {}
        folders: dict[str, None] = {}
        for node in walk(page):
            href = node.get("href") if isinstance(node, Tag) and node.name == "a" else None
            child = _child_of_link(href.strip(), url, self.folder(url)) if isinstance(href, str) else ""
            name, is_folder = file_name(child.removesuffix("/")), child.endswith("/")
            if not name or not (is_folder or name.lower().endswith(self.suffix)):
                continue
            problem = _problem(name)
            if problem is not None:
                rejected[child] = RejectedRow(game, child[: limits.TITLE_CHARACTERS], title_of(name), problem)
            elif is_folder:
                folders[name] = None
            else:
                title = title_of(name)[: limits.TITLE_CHARACTERS].rstrip()
                rows.setdefault(name, ListingRow(game, child, name, title, sequencer=None, size=None, md5=None))
        return Listing(tuple(rows.values()), tuple(rejected.values()), tuple(folders))

    def is_complete(self, page: bytes) -> bool:
        """Return whether a closing tag follows the last link."""
        return _END.search(page, page.lower().rfind(b"<a") + 1) is not None


def _child_of_link(href: str, page_url: str, folder: str) -> str:
    """Return the name that a link means in `folder`, or "" if it leads elsewhere."""
    try:
        url = urljoin(page_url, href)
    except ValueError:
        return ""
    end = "/" if url.endswith("/") else ""
    above, _, last = url.removesuffix("/").rpartition("/")
    is_below = unquote(above + "/") == unquote(folder) and not set(last) & set("?#")
    return last + end if is_below and last else ""


def _problem(name: str) -> str | None:
    """Return why a name is rejected, as a stable id, or None."""
    if "/" in name or "\\" in name:
        return "path_in_name"
    if name.startswith("."):
        return "leading_dot_or_dash"
    if one_line(name) != name or "\ufffd" in name:
        return "unusual_character"
    if len(name.encode(errors="replace")) > limits.NAME_BYTES:
        return "name_too_long"
    return None


MIRROR = Mirror()
