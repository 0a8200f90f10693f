"""Cache of robots.txt (for one day) and of listing pages, below root/scrape/.

Pages are stored completely. If a page is unchanged, a run still knows every row and can complete what an interrupted
or limited run left out. A damaged cache entry, or one for another address, is ignored.
"""

import hashlib
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from catalog.base.errors import FetchError
from catalog.storage.files import remove_leftovers, write_bytes, write_text
from catalog.storage.reading import NotNegative, Sha256, read_bytes, read_json
from scraper.http import limits
from scraper.http.fetch import AGENT, Fetcher
from scraper.http.robots import RobotsRules, parse_robots

_VALIDATOR = re.compile(r"[\x20-\x7e]{1,300}")


@dataclass(frozen=True, slots=True)
class Page:
    """The last version of the listing page at `url`."""

    url: str
    body: bytes
    etag: str | None
    last_modified: str | None


@dataclass(frozen=True, slots=True)
class _PageMetadata:
    """The JSON file stored beside a page."""

    url: str
    sha256: Sha256
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class _CachedRobots:
    """A robots.txt, its origin, and when it was requested, in seconds since 1970."""

    origin: str
    at: NotNegative
    text: str


T = TypeVar("T")
SUBPAGE_MARK = "~"  # in a name, before the hash of a subpage's address


class PageCache:
    """The cache in root/scrape/ for one source and section, such as vgmusic-piano."""

    def __init__(self, root: Path, name: str) -> None:
        self._root, self._name = root, name
        self._robots_path = root / "scrape" / "robots.json"
        self._metadata_path = root / "scrape" / f"{name}.json"
        self._body_path = root / "scrape" / f"{name}.html"

    def page(self, url: str) -> Page | None:
        """Return the last version of the page at `url`, or None."""
        page = _read_page(self._metadata_path)
        return page if page is not None and page.url == url else None

    def subpage(self, url: str) -> "PageCache":
        """Return the cache of another page of the same section."""
        return PageCache(self._root, f"{self._name}{SUBPAGE_MARK}{hashlib.sha256(url.encode()).hexdigest()[:12]}")

    def remove_partial(self) -> None:
        """Remove partial files that a killed run left behind. Call it only as the writer."""
        remove_leftovers(self._robots_path.parent)

    def save(self, page: Page) -> None:
        """Store `page`.

        If the process is killed between the two files, they do not match, and the entry is ignored.
        """
        write_bytes(self._body_path, page.body)
        metadata = {
            "url": page.url,
            "sha256": hashlib.sha256(page.body).hexdigest(),
            "etag": page.etag,
            "last_modified": page.last_modified,
        }
        write_text(self._metadata_path, json.dumps(metadata, indent=2) + "\n")

    def robots(self, fetcher: Fetcher) -> RobotsRules:
        """Return the rules of the site's robots.txt, requested at most once a day.

        As in RFC 9309, status 200 gives the rules, and 4xx other than 429 means that there are none. Raises FetchError
        for any other response.
        """
        origin = fetcher.site.origin
        known = _read_record(self._robots_path, _CachedRobots)
        if known is not None and known.origin == origin and 0 <= time.time() - known.at < limits.ROBOTS_FRESH_S:
            return parse_robots(known.text, AGENT)
        url = origin + "/robots.txt"
        response = fetcher.get(url, fetcher.site.problem, limits.ROBOTS_BYTES)
        if response.problem is not None and (response.transient or not 400 <= response.status < 500):
            raise FetchError(
                f"cannot read {url} ({response.reason}), so no other request is sent to this site; try again later"
            )
        text = response.body.decode("utf-8", errors="replace") if response.problem is None else ""
        write_text(self._robots_path, json.dumps({"origin": origin, "at": time.time(), "text": text}) + "\n")
        return parse_robots(text, AGENT)


def cached_pages(root: Path) -> Iterator[tuple[str, Page]]:
    """Yield (name, page) for each cached listing page, such as vgmusic-piano."""
    for metadata in sorted((root / "scrape").glob("*.json")):
        page = _read_page(metadata)
        if page is not None:
            yield metadata.stem, page


def conditional_headers(page: Page | None) -> dict[str, str]:
    """Return request headers that ask for the page only if it differs from `page`.

    Both forms of an ETag are sent: Apache's mod_deflate adds "-gzip" to ETags but does not recognise them in requests.
    """
    headers = {}
    if page is not None and page.etag is not None:
        plain = page.etag.removesuffix('-gzip"').removesuffix('"') + '"'
        headers["If-None-Match"] = f'{plain[:-1]}-gzip", {plain}'
    if page is not None and page.last_modified is not None:
        headers["If-Modified-Since"] = page.last_modified
    return headers


def _validator(value: str | None) -> str | None:
    return value if value is not None and _VALIDATOR.fullmatch(value) else None


def _read_page(path: Path) -> Page | None:
    """Return the page with metadata at `path`, or None if its body does not match."""
    metadata = _read_record(path, _PageMetadata)
    if metadata is None:
        return None
    try:
        body = read_bytes(path.with_suffix(".html"), fail=FetchError, remedy="it is downloaded again")
    except (OSError, FetchError):
        return None
    if metadata.sha256 != hashlib.sha256(body).hexdigest():
        return None
    return Page(metadata.url, body, _validator(metadata.etag), _validator(metadata.last_modified))


def _read_record(path: Path, shape: type[T]) -> T | None:
    try:
        return read_json(path, shape, fail=FetchError, remedy="it is downloaded again")
    except (OSError, FetchError):
        return None
