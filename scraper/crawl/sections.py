"""Crawl several sections of a source in one session; a failed section is skipped."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from catalog.base.console import Report
from catalog.base.errors import EmptyListingError, ListingError, MissingPageError
from scraper.crawl.crawl import crawl_source, survey_source
from scraper.crawl.totals import Survey, Totals
from scraper.http.fetch import Fetcher
from scraper.source.base import Source
from scraper.source.rows import Section


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one section: `totals`, the `plan` of a dry run, or a `problem`.

    `empty` is true if the problem is that the section lists no files.
    """

    section: Section
    totals: Totals | None = None
    plan: Survey | None = None
    problem: str | None = None
    empty: bool = False


def crawl_all(
    source: Source,
    root: Path,
    fetcher: Fetcher,
    sections: Sequence[Section],
    limit: int | None = None,
    report: Report | None = None,
) -> Iterator[Outcome]:
    """Crawl `sections` in turn and yield the outcome of each.

    At most `limit` files are requested in total. An empty or missing section is skipped. Any other problem ends the
    crawl.
    """
    for section in sections:
        before = fetcher.requests
        try:
            totals = crawl_source(source, root, fetcher, section.name, limit, report)
        except (ListingError, MissingPageError) as error:
            yield _failed(section, error)
            continue
        yield Outcome(section, replace(totals, requests=totals.requests - before))
        if totals.stopped is not None:
            return
        if limit is not None:
            limit -= totals.fetched + totals.missing + totals.quarantined


def survey_all(source: Source, root: Path, fetcher: Fetcher, sections: Sequence[Section]) -> Iterator[Outcome]:
    """Read the listing page of each section and yield what `crawl_all` would do."""
    for section in sections:
        try:
            yield Outcome(section, plan=survey_source(source, root, fetcher, section.name))
        except (ListingError, MissingPageError) as error:
            yield _failed(section, error)


def _failed(section: Section, error: Exception) -> Outcome:
    return Outcome(section, problem=str(error), empty=isinstance(error, EmptyListingError))
