"""Crawl sections of any source site into the catalog and report their status.

The input is a `scraper.source` Source. This package reads its listing pages, downloads and checks new files, writes
catalog rows and counts the outcomes. It contains no site-specific code; each site has its own folder.
"""

__all__ = ["crawl", "sections", "since", "status", "totals"]
