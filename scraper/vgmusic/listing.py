"""Parse a listing page of VGMusic into rows, in both of its layouts.

The layouts are those of 2017–2022 and since 2024. Cells are often left unclosed, so an HTML parser nests them. A
linear walk in document order avoids this: `tr` ends a row, `td` starts a cell, and text belongs to the latest cell.
`td.header` names a game. Text is kept as listed except for surrounding white space; the caller must escape it. No I/O.
"""

import re
from dataclasses import dataclass, field

from bs4 import Tag

from catalog.base.errors import EmptyListingError, ListingError
from scraper.http.limits import LISTED_BYTES, LISTING_ROWS, TITLE_CHARACTERS
from scraper.source.links import file_name
from scraper.source.markup import walk
from scraper.source.rows import Listing, ListingRow, RejectedRow
from scraper.vgmusic.urls import link_problem

_SIZE = re.compile(r"(\d{1,3}(?:,\d{3})+|\d{1,12})\s*bytes?", re.IGNORECASE)
_MD5 = re.compile(r"(?:^|/)file/([0-9a-f]{32})\.html(?:$|#)", re.IGNORECASE)


@dataclass(slots=True)
class Cell:
    """One cell of a table: its texts, its links, and whether it is a heading."""

    text: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    header: bool = False

    def words(self) -> str:
        """Return the text without surrounding white space, cut at TITLE_CHARACTERS."""
        return "".join(self.text).strip()[:TITLE_CHARACTERS].rstrip()


def parse(page: bytes) -> Listing:
    """Return the rows of the listing `page`, decoded as UTF-8 whatever its headers.

    Raises ListingError if the page exceeds the limits on size or rows, or has no rows.
    """
    reader = _Reader()
    for node in walk(page):
        if isinstance(node, Tag):
            reader.tag(node)
        else:
            reader.string(node)
    reader.end_row()
    if not reader.rows and not reader.rejected:
        raise EmptyListingError("no song in the page: it is not a listing, or the site has changed its layout")
    return Listing(tuple(reader.rows), tuple(reader.rejected))


class _Reader:
    """The state of the walk: the current game and the cells of the current row."""

    def __init__(self) -> None:
        self.rows: list[ListingRow] = []
        self.rejected: list[RejectedRow] = []
        self._game = ""
        self._cells: list[Cell] = []

    def tag(self, tag: Tag) -> None:
        if tag.name in ("tr", "table"):
            self.end_row()
        elif tag.name in ("td", "th"):
            self._cells.append(Cell(header="header" in tag.get_attribute_list("class")))
        elif tag.name == "a" and self._cells:
            href = tag.get("href")
            if isinstance(href, str):
                self._cells[-1].links.append(href.strip())

    def string(self, text: str) -> None:
        if self._cells:
            self._cells[-1].text.append(text)

    def end_row(self) -> None:
        cells, self._cells = self._cells, []
        if not cells:
            return
        if cells[0].header:
            if len(cells) == 1:  # the header of the table has one cell for each column
                self._game = cells[0].words()
            return
        title = cells[0].words()
        if not title and not cells[0].links:
            return  # blank row between two games
        links = cells[0].links
        if not links:
            self._reject("", title, "no_link")
            return
        self._song(links[0], title, cells)
        for extra in links[1:]:
            self._reject(extra, title, "second_link_in_row")

    def _song(self, href: str, title: str, cells: list[Cell]) -> None:
        reason = link_problem(href) or (None if self._game else "no_game_heading")
        if reason is not None:
            self._reject(href, title, reason)
            return
        name = file_name(href)
        self._count()
        self.rows.append(
            ListingRow(
                game=self._game,
                href=href,
                file=name,
                title=title or name,
                sequencer=(cells[2].words() or None) if len(cells) > 2 else None,
                size=size_of(cells[1].words()) if len(cells) > 1 else None,
                md5=md5_of(cells[3].links) if len(cells) > 3 else None,
            )
        )

    def _reject(self, href: str, title: str, reason: str) -> None:
        self._count()
        self.rejected.append(RejectedRow(self._game, href[:TITLE_CHARACTERS], title, reason))

    def _count(self) -> None:
        if len(self.rows) + len(self.rejected) >= LISTING_ROWS:
            raise ListingError(f"more than {LISTING_ROWS:,} rows in one listing page")


def size_of(text: str) -> int | None:
    """Return the bytes that the text of a size cell means, or None."""
    match = _SIZE.fullmatch(text)
    size = int(match[1].replace(",", "")) if match else 0
    return size if 0 < size <= LISTED_BYTES else None


def md5_of(links: list[str]) -> str | None:
    """Return the MD5 in the first link to a file's own page, or None."""
    for link in links:
        match = _MD5.search(link)
        if match:
            return match[1].lower()
    return None
