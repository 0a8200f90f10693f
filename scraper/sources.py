"""The source sites, by id: the folders beside this module with a `source.py`."""

from pathlib import Path

import pyarrow as pa

from scraper.crawl.status import count_sections
from scraper.folders import load_source, source_names
from scraper.source.base import Source

SOURCES: dict[str, Source] = {name: load_source(name) for name in source_names()}


def list_sections(root: Path, section: str | None = None) -> pa.Table:
    """Return one row for each source and section, or for `section` alone.

    If there are several sections, the last row has their totals. See `scraper.crawl.status` for the columns.
    """
    return count_sections(root, SOURCES, section)
