"""VGMusic as a source: its address, its sections and its listing pages."""

from pathlib import Path

from scraper.http.fetch import Fetcher
from scraper.http.site import Site
from scraper.source.base import Source
from scraper.source.rows import Listing, Section
from scraper.vgmusic.listing import parse
from scraper.vgmusic.menu import choose_sections
from scraper.vgmusic.urls import SOURCE, SUFFIX, site


class VGMusic(Source):
    """https://www.vgmusic.com, or a replica of it."""

    id = SOURCE
    suffix = SUFFIX

    def site(self, address: str, allow_private_hosts: bool = False) -> Site:
        """Return VGMusic at `address`."""
        return site(address, allow_private_hosts)

    def read(self, page: bytes, url: str) -> Listing:
        """Return the rows of a section's page."""
        return parse(page)

    def sections(self, root: Path, fetcher: Fetcher, wanted: str) -> tuple[Section, ...]:
        """Return the sections for `wanted`; the menu is downloaded if needed."""
        return choose_sections(root, fetcher, wanted)


VGMUSIC_SOURCE = VGMusic()
