"""Sections of VGMusic into the catalog: `scraper.crawl` with VGMusic as its source."""

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
    """Bring `section` into the catalog at `root`, asking for `limit` files at most, and return what became of every row.

    Raises what `crawl_source` raises.
    """
    return crawl_source(VGMUSIC_SOURCE, root, fetcher, section, limit, report)


def survey_section(root: Path, fetcher: Fetcher, section: str = "piano") -> Survey:
    """Read the listing page of `section` and return what `crawl_section` would do; nothing is written but robots.txt and journal."""
    return survey_source(VGMUSIC_SOURCE, root, fetcher, section)


def crawl_sections(
    root: Path, fetcher: Fetcher, sections: Sequence[Section], limit: int | None = None, report: Report | None = None
) -> Iterator[Outcome]:
    """Crawl `sections` in turn, asking for `limit` files at most in all, and yield what became of each."""
    return crawl_all(VGMUSIC_SOURCE, root, fetcher, sections, limit, report)


def survey_sections(root: Path, fetcher: Fetcher, sections: Sequence[Section]) -> Iterator[Outcome]:
    """Read the listing page of each of `sections` and yield what `crawl_sections` would do."""
    return survey_all(VGMUSIC_SOURCE, root, fetcher, sections)
