"""The registered sources, by id.

To add a site, create a folder beside the existing ones and add a line to SOURCES.
"""

from pathlib import Path

import pyarrow as pa

from scraper.crawl.status import count_sections
from scraper.mirror.source import MIRROR
from scraper.source.base import Source
from scraper.vgmusic.source import VGMUSIC_SOURCE

SOURCES: dict[str, Source] = {source.id: source for source in (VGMUSIC_SOURCE, MIRROR)}


def list_sections(root: Path, section: str | None = None) -> pa.Table:
    """Return one row for each source and section, or for `section` alone.

    If there are several sections, the last row has their totals. See `scraper.crawl.status` for the columns.
    """
    return count_sections(root, SOURCES, section)
