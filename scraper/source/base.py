"""The base class of a source site.

A source must implement `site` and `read`. The other methods have defaults for a site whose files lie beside its pages.
`scraper.crawl` handles robots.txt, delays, cache, journal, catalog and totals.
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
    """A kind of site that pieces are downloaded from."""

    id: ClassVar[str]  # used in catalog, journal and cache; one lower-case word
    suffix: ClassVar[str] = ".mid"  # of file names, in any case
    nested: ClassVar[bool] = False  # whether listings link to folders with further listings

    @abstractmethod
    def site(self, address: str, allow_private_hosts: bool = False) -> Site:
        """Return the site at `address`, with the paths of its sections by name.

        Raises UsageError if the address is invalid.
        """

    @abstractmethod
    def read(self, page: bytes, url: str) -> Listing:
        """Return the rows of the listing page at `url`.

        Raises EmptyListingError if a page without rows is an error, ListingError if the page cannot be parsed.
        """

    def sections(self, root: Path, fetcher: Fetcher, wanted: str) -> tuple[Section, ...]:
        """Return the sections for `wanted` ("all" or a name), and register their paths.

        The paths are stored in `fetcher.site`. A site with a menu downloads it here; by default the sections are those
        that `site` returned. Raises UsageError for an unknown section.
        """
        paths = fetcher.site.sections
        if wanted != ALL and wanted not in paths:
            raise UsageError(f"no section called {wanted!r}; known: {', '.join(paths)}")
        return tuple(Section(name, path, name) for name, path in paths.items() if wanted in (ALL, name))

    def folder(self, page_url: str) -> str:
        """Return the address, ending in "/", of the files listed at `page_url`."""
        return page_url.rpartition("/")[0] + "/"

    def is_complete(self, page: bytes) -> bool:
        """Return whether a listing page was received to its end."""
        return has_end(page)

    def check(self, body: bytes, row: ListingRow, content_type: str = "") -> FileCheck:
        """Return the check of `body` against the listed `row`."""
        return check(body, row, content_type)
