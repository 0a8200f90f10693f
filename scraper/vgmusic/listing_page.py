"""The listing page of one section: asked for as robots.txt and an earlier visit allow, and read into rows.

In: the memory of earlier visits and a session with the site; out: the page, its rows, and who may be asked for what. Nothing is kept.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from catalog.base.errors import EmptyListingError, FetchError, ListingError, MissingPageError
from scraper.http import limits
from scraper.http.cache import Memory, Page, conditions
from scraper.http.fetch import Fetcher, Judge
from scraper.http.policy import judge_of, rules_of
from scraper.http.response import header
from scraper.vgmusic.listing import Listing, has_end, parse
from scraper.vgmusic.urls import SUFFIX


@dataclass(frozen=True, slots=True)
class SectionPage:
    """A listing page, read, with who may be asked for what."""

    page: Page
    listing: Listing
    fresh: bool  # whether it came with this answer
    unchanged: bool  # whether it is what the last run saw
    whole: bool  # whether its table has an end
    judge: Judge


def read_section(memory: Memory, fetcher: Fetcher, section: str) -> SectionPage:
    """Return the listing page of `section`, asked for anew: the one in `memory` where the site says that it is unchanged.

    Raises FetchError where robots.txt or the page cannot be had, MissingPageError where the site does not have it, ListingError where it
    is no listing.
    """
    site, url = fetcher.site, fetcher.site.section(section)
    rules = rules_of(memory, fetcher)
    path = urlsplit(url).path
    if not rules.allows(path):
        raise FetchError(f"robots.txt of {site.host} asks programs to leave {path} alone: stopped")
    last = memory.page(url)
    answer = fetcher.get(url, site.problem, limits.PAGE_BYTES, {"Accept-Encoding": "gzip", **conditions(last)})
    if answer.problem is not None:
        error = FetchError if answer.transient or not answer.status else MissingPageError  # 0: nobody has answered
        raise error(f"the listing page {url} cannot be had: {answer.reason}; nothing was changed")
    if answer.status == 304:
        if last is None:
            raise FetchError(f"{url} answers 304 to a question that was never asked; try again later")
        page = last
    else:
        page = Page(url, answer.body, header(answer.headers, "ETag"), header(answer.headers, "Last-Modified"))
    unchanged = last is not None and last.body == page.body
    whole = has_end(page.body)
    return SectionPage(
        page, _parsed(page.body, whole), page is not last, unchanged, whole, judge_of(fetcher, rules, path, SUFFIX)
    )


def _parsed(page: bytes, whole: bool) -> Listing:
    try:
        return parse(page)
    except EmptyListingError as error:
        if whole:
            raise
        raise ListingError(f"{error}; it has no end, so it may have been cut short") from error
