"""The base class `Source`, listing rows, and shared parsing and validation.

A site is a folder beside `scraper.vgmusic`: a `source.py` with a subclass of `Source`, and a `command.py`.
`scraper.folders` finds it, and `scraper.crawl` does the rest.
This package sends no requests and contains no site-specific code.
"""

__all__ = ["base", "folders", "links", "markup", "rows", "validate"]
