"""The toy source: a line "file, game, title, MD5" for each file of a list.

Lists are at /lists/NAME.txt, their files below /files/NAME/.
"""

from dataclasses import replace

from catalog.base.errors import EmptyListingError
from scraper.http.site import Site, site_at
from scraper.source.base import Source
from scraper.source.rows import Listing, ListingRow, RejectedRow

END = b"(end)"


class Toy(Source):
    """A site with such lists."""

    id = "toy"

    def site(self, address: str, allow_private_hosts: bool = False) -> Site:
        """Return the site with its two sections."""
        paths = {name: f"/lists/{name}.txt" for name in ("piano", "organ")}
        return replace(site_at(address, allow_private_hosts), sections=paths)

    def read(self, page: bytes, url: str) -> Listing:
        """Return one row for each line."""
        rows, rejected = [], []
        for line in page.decode(errors="replace").splitlines():
            parts = [part.strip() for part in line.split(",")]
            if len(parts) != 4:
                continue
            name, game, title, md5 = parts
            if "/" in name or name.startswith("."):
                rejected.append(RejectedRow(game, name, title, "path_in_name"))
            else:
                rows.append(ListingRow(game, name, name, title, sequencer=None, size=None, md5=md5 or None))
        if not rows and not rejected:
            raise EmptyListingError(f"no line of four parts in {url}")
        return Listing(tuple(rows), tuple(rejected))

    def folder(self, page_url: str) -> str:
        """Return the address of the files of a list."""
        return page_url.replace("/lists/", "/files/").removesuffix(".txt") + "/"

    def is_complete(self, page: bytes) -> bool:
        """Return whether the last line is present."""
        return page.rstrip().endswith(END)


TOY = Toy()
