"""VGMusic: its listing pages, menu and new uploads read into rows, and a section brought into the catalog.

It asks through `scraper.http`, checks every file against its row, and keeps to links that are plain file names.
"""

__all__ = ["crawl", "menu", "status", "totals", "uploads", "urls"]
