"""Download and parse the listing page of one section.

In: the cache of listing pages and a session with the site. Out: the rows, and a check for the addresses of files. If a
page links to folders of the same section, their pages are read too, and all rows are returned as one listing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from urllib.parse import unquote, urlsplit

from catalog.base.console import Report, clean
from catalog.base.errors import EmptyListingError, FetchError, ListingError, MissingPageError
from scraper.http import limits
from scraper.http.cache import Page, PageCache, conditional_headers
from scraper.http.fetch import Fetcher, UrlCheck
from scraper.http.policy import load_rules, section_file_check
from scraper.http.response import header
from scraper.source.base import Source
from scraper.source.links import file_url
from scraper.source.rows import Listing, ListingRow, RejectedRow


@dataclass(frozen=True, slots=True)
class SectionPage:
    """The parsed listing of a section; file names are relative to `folder`.

    `check_url` returns why the address of a file may not be requested, or None.
    """

    folder: str
    listing: Listing
    unchanged: bool  # whether it is the same as in the last run
    complete: bool  # whether it was received to its end
    check_url: UrlCheck
    unread: tuple[tuple[str, str], ...] = ()  # folders that could not be read, as (address, reason)


@dataclass(slots=True)
class _SectionRows:
    """The rows collected from the pages read so far."""

    rows: list[ListingRow] = field(default_factory=list)
    rejected: list[RejectedRow] = field(default_factory=list)
    unread: list[tuple[str, str]] = field(default_factory=list)
    unchanged: bool = True
    complete: bool = True


def read_section(
    source: Source, cache: PageCache, fetcher: Fetcher, section: str, *, save: bool, report: Report | None = None
) -> SectionPage:
    """Return the listing of `section`, from `cache` if it is not modified.

    Pages are saved in the cache if `save` is true. Raises FetchError if robots.txt or the page cannot be downloaded,
    MissingPageError if the page does not exist, and ListingError if it is not a listing.
    """
    site, url = fetcher.site, fetcher.site.section(section)
    rules = load_rules(cache, fetcher)
    path = urlsplit(url).path
    if not rules.allows(path):
        raise FetchError(f"robots.txt of {site.host} disallows {path}: stopped")
    folder, section_rows = source.folder(url), _SectionRows()
    below = unquote(urlsplit(folder).path)

    def check_url(one: str) -> str | None:
        return site.problem(one, below)

    listing = _read(source, cache, fetcher, url, site.problem, section_rows, save)
    pending = list(_subfolders(folder, listing))
    _add(section_rows, listing, "")
    read = 1
    while pending:
        page_url = pending.pop()
        if read >= limits.SECTION_PAGES:
            raise ListingError(f"more than {limits.SECTION_PAGES:,} folders below {url}; give a deeper folder")
        if report:
            report(read, read + len(pending) + 1)
        if not rules.allows(urlsplit(page_url).path):
            section_rows.unread.append((page_url, "disallowed by robots.txt"))
            continue
        read += 1
        listing = _read(
            source, cache.subpage(page_url), fetcher, page_url, check_url, section_rows, save, is_subpage=True
        )
        pending += _subfolders(source.folder(page_url), listing)
        _add(section_rows, listing, unquote(source.folder(page_url)[len(folder) :]))
    if not section_rows.rows and not section_rows.rejected:
        raise EmptyListingError(f"no {source.suffix} file is listed at {url} or below it")
    return SectionPage(
        folder,
        Listing(tuple(section_rows.rows), tuple(section_rows.rejected)),
        section_rows.unchanged,
        section_rows.complete,
        section_file_check(fetcher, rules, below, source.suffix),
        tuple(section_rows.unread),
    )


def _subfolders(folder: str, listing: Listing) -> Iterator[str]:
    """Yield the addresses of the folders in `listing`, last one first."""
    return (file_url(folder, name) + "/" for name in reversed(listing.folders))


def _add(section_rows: _SectionRows, listing: Listing, prefix: str) -> None:
    section_rows.rows += [replace(row, file=prefix + row.file) for row in listing.rows] if prefix else listing.rows
    section_rows.rejected += listing.rejected
    if len(section_rows.rows) + len(section_rows.rejected) > limits.LISTING_ROWS:
        raise ListingError(f"more than {limits.LISTING_ROWS:,} files in one section")


def _read(
    source: Source,
    cache: PageCache,
    fetcher: Fetcher,
    url: str,
    check_url: UrlCheck,
    section_rows: _SectionRows,
    save: bool,
    *,
    is_subpage: bool = False,
) -> Listing:
    """Return the listing of the page at `url` and update the flags of `section_rows`.

    A missing subpage is recorded as unread; a missing main page is an error.
    """
    last = cache.page(url)
    response = fetcher.get(url, check_url, limits.PAGE_BYTES, {"Accept-Encoding": "gzip", **conditional_headers(last)})
    if response.problem is not None:
        error = FetchError if response.transient or not response.status else MissingPageError  # 0: no response
        if is_subpage and error is MissingPageError:
            section_rows.unread.append((url, clean(response.reason or "")))
            return Listing((), ())
        raise error(f"cannot download the listing page {url}: {response.reason}; nothing was changed")
    if response.status == 304:
        if last is None:
            raise FetchError(f"{url} answers 304 to an unconditional request; try again later")
        page = last
    else:
        page = Page(url, response.body, header(response.headers, "ETag"), header(response.headers, "Last-Modified"))
    complete = source.is_complete(page.body)
    section_rows.unchanged = section_rows.unchanged and last is not None and last.body == page.body
    section_rows.complete = section_rows.complete and complete
    listing = _parse_page(source, page, complete)
    if save and complete and page is not last:  # with an incomplete page cached, a 304 would hide the missing rows
        cache.save(page)
    return listing


def _parse_page(source: Source, page: Page, complete: bool) -> Listing:
    try:
        return source.read(page.body, page.url)
    except EmptyListingError as error:
        if complete:
            raise
        raise ListingError(f"{error}; the page is incomplete: run this again") from error
