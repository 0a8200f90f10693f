"""Crawl VGMusic's pages of new uploads, with the dates on them.

Pages are read from the newest on until one has no new rows. Files are then downloaded oldest first, so an interrupted
or limited run leaves out the newest, which are on the first pages of the next run.
"""

import re
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from bs4 import Tag

from catalog.base.console import Report
from catalog.base.errors import EmptyListingError, FetchError, ListingError
from catalog.store import Catalog
from scraper.crawl.crawl import bring_rows
from scraper.crawl.totals import Totals
from scraper.http import limits
from scraper.http.cache import PageCache
from scraper.http.fetch import Fetcher, UrlCheck
from scraper.http.journal import journal_run
from scraper.http.policy import load_rules, section_file_check
from scraper.http.robots import RobotsRules
from scraper.http.site import Site
from scraper.source.links import UNTITLED, file_name, file_url
from scraper.source.markup import has_end, walk
from scraper.source.rows import Listing, ListingRow, RejectedRow
from scraper.vgmusic.listing import Cell, md5_of, size_of
from scraper.vgmusic.source import VGMUSIC_SOURCE
from scraper.vgmusic.urls import SOURCE, SUFFIX, link_problem

SECTION = "new-files"
FOLDER = "/new-files/"
_PAGE = FOLDER + "index.php?page={}&s1=date&sd1=1"  # sorted by date, newest first
_DATE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)
_MD5 = re.compile(r"\b[0-9a-f]{32}\b", re.IGNORECASE)


def crawl_new(root: Path, fetcher: Fetcher, limit: int | None = None, report: Report | None = None) -> Totals:
    """Download new uploads to the catalog at `root` and return the totals.

    At most `limit` files are requested. Raises FetchError if robots.txt or a page cannot be downloaded, ListingError
    if a page has no uploads, CatalogError while another process writes to the catalog.
    """
    catalog = Catalog(root)
    with catalog.writer() as writer, journal_run(root, fetcher, f"{SOURCE} {SECTION}") as log:
        rules = load_rules(PageCache(root, f"{SOURCE}-{SECTION}"), fetcher)
        listing = _new_rows(fetcher, rules, _known_uploads(catalog))
        check_url = section_file_check(fetcher, rules, FOLDER, SUFFIX)
        folder = fetcher.site.origin + FOLDER
        return bring_rows(
            VGMUSIC_SOURCE, catalog, writer, fetcher, log, SECTION, folder, listing, check_url, limit, report
        )


def read_uploads(page: bytes) -> Listing:
    """Return the rows of a page of new uploads, in page order.

    Its columns are date, system, game, link, sequencer, size and comments. A row without a game is "untitled". Raises
    EmptyListingError if there are no rows, ListingError if the page exceeds a limit.
    """
    rows: list[ListingRow] = []
    rejected: list[RejectedRow] = []
    cells: list[Cell] | None = None  # of the current row; None outside upload rows
    for node in walk(page):
        if not isinstance(node, Tag):
            if cells:
                cells[-1].text.append(node)
        elif node.name in ("tr", "table"):
            _end_row(cells, rows, rejected)
            cells = [] if "newfiles" in node.get_attribute_list("class") else None
        elif node.name == "td" and cells is not None:
            cells.append(Cell())
        elif node.name == "a" and cells:
            href = node.get("href")
            cells[-1].links += [href.strip()] if isinstance(href, str) else []
    _end_row(cells, rows, rejected)
    if not rows and not rejected:
        raise EmptyListingError(
            "no upload in the page: it is not a page of uploads, or the site has changed its layout"
        )
    return Listing(tuple(rows), tuple(rejected))


def _end_row(cells: list[Cell] | None, rows: list[ListingRow], rejected: list[RejectedRow]) -> None:
    if not cells:
        return
    if len(rows) + len(rejected) >= limits.LISTING_ROWS:
        raise ListingError(f"more than {limits.LISTING_ROWS:,} rows in one page of uploads")
    cells = cells + [Cell() for _ in range(7 - len(cells))]
    game, title, href = cells[2].words(), cells[3].words(), next(iter(cells[3].links), "")
    link = href.removeprefix(FOLDER).removeprefix("./")
    reason = link_problem(link) if href else "no_link"
    if reason is not None:
        rejected.append(RejectedRow(game, href[: limits.TITLE_CHARACTERS], title, reason))
        return
    size = cells[5].words()
    md5_text = _MD5.search(cells[6].words())
    rows.append(
        ListingRow(
            game=game or UNTITLED,
            href=href,
            file=file_name(link),
            title=title or file_name(link),
            sequencer=cells[4].words() or None,
            size=size_of(size) or size_of(f"{size} bytes"),
            md5=md5_of(cells[6].links) or (md5_text[0].lower() if md5_text else None),
            listed_at=_date(cells[0].words()),
        )
    )


def _date(text: str) -> datetime | None:
    if not _DATE.fullmatch(text):
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None  # such as 31 February


def _known_uploads(catalog: Catalog) -> set[tuple[str, str | None]]:
    """Return (address, MD5) and (address, None) of every upload in the catalog."""
    rows = catalog.pieces(f"source == '{SOURCE}' and section == '{SECTION}'", ["url", "md5"])
    known = set(zip(rows["url"].to_pylist(), rows["md5"].to_pylist(), strict=True))
    return known | {(url, None) for url, _ in known}


def _new_rows(fetcher: Fetcher, rules: RobotsRules, known: set[tuple[str, str | None]]) -> Listing:
    """Return the rows of all pages up to the first without new rows, oldest first."""
    rows: dict[tuple[str, str | None], ListingRow] = {}
    rejected: dict[RejectedRow, None] = {}
    for number in range(1, limits.UPLOAD_PAGES + 1):
        try:
            page = read_uploads(_page(fetcher, rules, number))
        except EmptyListingError:
            if number == 1:
                raise
            break
        before = len(known)
        for row in page.rows:
            key = (file_url(fetcher.site.origin + FOLDER, row.file), row.md5)
            rows.setdefault(key, row)
            known.add(key)
        rejected |= dict.fromkeys(page.rejected)
        if len(known) == before:
            break
    oldest_first = list(rows.values())[::-1]  # page order, for rows with equal or no dates
    oldest_first.sort(key=lambda row: row.listed_at or datetime.min.replace(tzinfo=UTC))
    return Listing(tuple(oldest_first), tuple(rejected))


def _page(fetcher: Fetcher, rules: RobotsRules, number: int) -> bytes:
    path = _PAGE.format(number)
    if not rules.allows(path):
        raise FetchError(f"robots.txt of {fetcher.site.host} disallows {path}: stopped")
    url = fetcher.site.origin + path
    response = fetcher.get(url, _single_page_check(fetcher.site, path), limits.PAGE_BYTES, {"Accept-Encoding": "gzip"})
    if response.problem is not None:
        raise FetchError(f"cannot download the page of uploads {url}: {response.reason}; nothing was changed")
    if not has_end(response.body):
        raise FetchError(
            f"the page of uploads {url} is incomplete, so rows may be missing; nothing was changed, run this again"
        )
    return response.body


def _single_page_check(site: Site, path: str) -> UrlCheck:
    """Return a check that allows one path with its query, and nothing else."""

    def check_url(url: str) -> str | None:
        parts = urlsplit(url)
        if f"{parts.path}?{parts.query}" != path or parts.fragment:
            return "another page"
        return site.problem(parts._replace(query="").geturl())

    return check_url
