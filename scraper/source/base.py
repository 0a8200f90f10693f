"""The class that a source site implements: its id, its sections, its listing pages, where files lie, and how one is checked.

`site` and `read` are what a source must have; the rest has defaults that suit a site of plain pages and files beside them.
`scraper.crawl` takes a `Source` and does everything else: robots.txt, pauses, cache, journal, catalog, totals.
"""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from catalog.base.errors import UsageError
from scraper.http.fetch import Fetcher
from scraper.http.site import Site
from scraper.source.markup import has_end
from scraper.source.rows import Listing, ListingRow, Section
from scraper.source.validate import FileCheck, check

ALL = "all"


class Source(ABC):
    """One kind of site that pieces come from."""

    id: ClassVar[str]  # in catalog, journal and cache; one lower-case word
    suffix: ClassVar[str] = ".mid"  # how the names of its files end, in any case
    nested: ClassVar[bool] = False  # whether listings name folders with pages of their own

    @abstractmethod
    def site(self, address: str, allow_private_hosts: bool = False) -> Site:
        """Return the site at `address`, with the paths of its sections by name. Raises UsageError."""

    @abstractmethod
    def read(self, page: bytes, url: str) -> Listing:
        """Return the rows of the listing page at `url`.

        Raises EmptyListingError where a page without rows is a fault, ListingError where it cannot be read.
        """

    def sections(self, root: Path, fetcher: Fetcher, wanted: str) -> tuple[Section, ...]:
        """Return the sections that `wanted` means, "all" or a name, and let `fetcher.site` know their paths.

        A site with a menu asks for it here; by default the sections are those that `site` gave. Raises UsageError.
        """
        paths = fetcher.site.sections
        if wanted != ALL and wanted not in paths:
            raise UsageError(f"no section called {wanted!r}; known: {', '.join(paths)}")
        return tuple(Section(name, path, name) for name, path in paths.items() if wanted in (ALL, name))

    def folder(self, page_url: str) -> str:
        """Return the address, ending in "/", below which the files lie that the page at `page_url` lists."""
        return page_url.rpartition("/")[0] + "/"

    def is_complete(self, page: bytes) -> bool:
        """Return whether a listing page has its end, or was cut short."""
        return has_end(page)

    def check(self, body: bytes, row: ListingRow, content_type: str = "") -> FileCheck:
        """Return whether `body` is the file that `row` lists."""
        return check(body, row, content_type)
