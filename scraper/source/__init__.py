"""What every source site has in common: the class `Source`, the rows of a listing, and what reads and checks them.

A site is a folder beside `scraper.vgmusic` whose `source.py` subclasses `Source`; `scraper.crawl` does the rest. Nothing here
asks a site for anything, and nothing here knows of any one site.
"""

__all__ = ["base", "links", "markup", "rows", "validate"]
