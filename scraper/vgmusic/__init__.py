"""VGMusic: its listing pages, menu and new uploads read into rows, and a section brought into the catalog.

`source.py` is VGMusic as `scraper.crawl` takes it; only links that are plain file names are followed.
"""

__all__ = ["crawl", "listing", "menu", "source", "uploads", "urls"]
