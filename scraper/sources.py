"""The sources that there are, by id. A new site is a folder beside these, and a line here."""

from pathlib import Path

import pyarrow as pa

from scraper.crawl.status import count_sections
from scraper.mirror.source import MIRROR
from scraper.source.base import Source
from scraper.vgmusic.source import VGMUSIC_SOURCE

SOURCES: dict[str, Source] = {source.id: source for source in (VGMUSIC_SOURCE, MIRROR)}


def list_sections(root: Path, section: str | None = None) -> pa.Table:
    """Return one row for each source and section, or for `section` alone, and where there are several one of totals.

    See `scraper.crawl.status`; the pages are read by SOURCES.
    """
    return count_sections(root, SOURCES, section)
