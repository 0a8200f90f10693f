"""Crawl sections of VGMusic: `scraper.crawl` with VGMusic as its source."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from catalog.base.console import Report
from scraper.crawl.crawl import crawl_source, survey_source
from scraper.crawl.sections import Outcome, crawl_all, survey_all
from scraper.crawl.totals import Survey, Totals
from scraper.http.fetch import Fetcher
from scraper.source.rows import Section
from scraper.vgmusic.source import VGMUSIC_SOURCE


def crawl_section(
    root: Path, fetcher: Fetcher, section: str = "piano", limit: int | None = None, report: Report | None = None
) -> Totals:
    """Download new files of `section` to the catalog at `root`, return the totals.

    At most `limit` files are requested. Raises the exceptions of `crawl_source`.
    """
    return crawl_source(VGMUSIC_SOURCE, root, fetcher, section, limit, report)


def survey_section(root: Path, fetcher: Fetcher, section: str = "piano") -> Survey:
    """Read the listing page of `section` and return what `crawl_section` would do.

    Only robots.txt and the journal are written.
    """
    return survey_source(VGMUSIC_SOURCE, root, fetcher, section)


def crawl_sections(
    root: Path, fetcher: Fetcher, sections: Sequence[Section], limit: int | None = None, report: Report | None = None
) -> Iterator[Outcome]:
    """Crawl `sections` in turn and yield the outcome of each.

    At most `limit` files are requested in total.
    """
    return crawl_all(VGMUSIC_SOURCE, root, fetcher, sections, limit, report)


def survey_sections(root: Path, fetcher: Fetcher, sections: Sequence[Section]) -> Iterator[Outcome]:
    """Read the listing page of each section and yield what `crawl_sections` would do."""
    return survey_all(VGMUSIC_SOURCE, root, fetcher, sections)
