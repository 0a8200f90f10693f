"""The base class `Source`, listing rows, and shared parsing and validation.

A site is a folder beside `scraper.vgmusic` with a `source.py` that subclasses `Source`. `scraper.crawl` does the rest.
This package sends no requests and contains no site-specific code.
"""

__all__ = ["base", "links", "markup", "rows", "validate"]
