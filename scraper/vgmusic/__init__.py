"""VGMusic: its listing pages, its menu and its pages of new uploads.

`source.py` implements `scraper.source`. Only links that are plain file names are followed.
"""

__all__ = ["command", "crawl", "listing", "menu", "source", "uploads", "urls"]
