"""The listing page of one section: asked for as robots.txt and an earlier visit allow, and read into rows.

In: the memory of earlier visits and a session with the site; out: the rows, and who may be asked for what. Where a page
names folders of the same section, their pages are read too, and all rows come as one listing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from urllib.parse import unquote, urlsplit

from catalog.base.console import Report, clean
from catalog.base.errors import EmptyListingError, FetchError, ListingError, MissingPageError
from scraper.http import limits
from scraper.http.cache import Memory, Page, conditions
from scraper.http.fetch import Fetcher, Judge
from scraper.http.policy import judge_of, rules_of
from scraper.http.response import header
from scraper.source.base import Source
from scraper.source.links import file_url
from scraper.source.rows import Listing, Rejected, Row


@dataclass(frozen=True, slots=True)
class SectionPage:
    """The listing of a section, read, with who may be asked for what; its files are named below `folder`."""

    folder: str
    listing: Listing
    unchanged: bool  # whether it is what the last run saw
    whole: bool  # whether its table has an end
    judge: Judge
    unread: tuple[tuple[str, str], ...] = ()  # folders that are not in it, as (address, reason)


@dataclass(slots=True)
class _Tree:
    """What the pages read so far say together."""

    rows: list[Row] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    unread: list[tuple[str, str]] = field(default_factory=list)
    unchanged: bool = True
    whole: bool = True


def read_section(
    source: Source, memory: Memory, fetcher: Fetcher, section: str, *, keep: bool, report: Report | None = None
) -> SectionPage:
    """Return the listing of `section`, asked for anew: from `memory` where the site says that it is unchanged.

    Pages are kept in memory where `keep` says so. Raises FetchError where robots.txt or the page cannot be had,
    MissingPageError where the site does not have it, ListingError where it is no listing.
    """
    site, url = fetcher.site, fetcher.site.section(section)
    rules = rules_of(memory, fetcher)
    path = urlsplit(url).path
    if not rules.allows(path):
        raise FetchError(f"robots.txt of {site.host} asks programs to leave {path} alone: stopped")
    folder, tree = source.folder(url), _Tree()
    below = unquote(urlsplit(folder).path)

    def judge(one: str) -> str | None:
        return site.problem(one, below)

    listing = _read(source, memory, fetcher, url, site.problem, tree, keep)
    waiting = list(_children(folder, listing))
    _add(tree, listing, "")
    read = 1
    while waiting:
        at = waiting.pop()
        if read >= limits.SECTION_PAGES:
            raise ListingError(f"more than {limits.SECTION_PAGES:,} folders below {url}; name a folder further down")
        if report:
            report(read, read + len(waiting) + 1)
        if not rules.allows(urlsplit(at).path):
            tree.unread.append((at, "robots.txt asks programs to leave it alone"))
            continue
        read += 1
        listing = _read(source, memory.part(at), fetcher, at, judge, tree, keep, further=True)
        waiting += _children(source.folder(at), listing)
        _add(tree, listing, unquote(source.folder(at)[len(folder) :]))
    if not tree.rows and not tree.rejected:
        raise EmptyListingError(f"no {source.suffix} file is listed at {url} or below it")
    return SectionPage(
        folder,
        Listing(tuple(tree.rows), tuple(tree.rejected)),
        tree.unchanged,
        tree.whole,
        judge_of(fetcher, rules, below, source.suffix),
        tuple(tree.unread),
    )


def _children(folder: str, listing: Listing) -> Iterator[str]:
    """Yield the addresses of the folders in `listing`, the last one first."""
    return (file_url(folder, name) + "/" for name in reversed(listing.folders))


def _add(tree: _Tree, listing: Listing, prefix: str) -> None:
    tree.rows += [replace(row, file=prefix + row.file) for row in listing.rows] if prefix else listing.rows
    tree.rejected += listing.rejected
    if len(tree.rows) + len(tree.rejected) > limits.LISTING_ROWS:
        raise ListingError(f"more than {limits.LISTING_ROWS:,} files in one section")


def _read(
    source: Source,
    memory: Memory,
    fetcher: Fetcher,
    url: str,
    judge: Judge,
    tree: _Tree,
    keep: bool,
    *,
    further: bool = False,
) -> Listing:
    """Return the listing of the page at `url`; note in `tree` whether it is whole, and as it was.

    A `further` page that the site does not have costs its own rows alone.
    """
    last = memory.page(url)
    answer = fetcher.get(url, judge, limits.PAGE_BYTES, {"Accept-Encoding": "gzip", **conditions(last)})
    if answer.problem is not None:
        error = FetchError if answer.transient or not answer.status else MissingPageError  # 0: nobody has answered
        if further and error is MissingPageError:
            tree.unread.append((url, clean(answer.reason or "")))
            return Listing((), ())
        raise error(f"the listing page {url} cannot be had: {answer.reason}; nothing was changed")
    if answer.status == 304:
        if last is None:
            raise FetchError(f"{url} answers 304 to a question that was never asked; try again later")
        page = last
    else:
        page = Page(url, answer.body, header(answer.headers, "ETag"), header(answer.headers, "Last-Modified"))
    whole = source.is_whole(page.body)
    tree.unchanged = tree.unchanged and last is not None and last.body == page.body
    tree.whole = tree.whole and whole
    listing = _parsed(source, page, whole)
    if keep and whole and page is not last:  # a 304 to a page cut short would hide its other rows for ever
        memory.keep(page)
    return listing


def _parsed(source: Source, page: Page, whole: bool) -> Listing:
    try:
        return source.read(page.body, page.url)
    except EmptyListingError as error:
        if whole:
            raise
        raise ListingError(f"{error}; it has no end, so it may have been cut short") from error
