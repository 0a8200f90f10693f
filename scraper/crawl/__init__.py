"""Crawling one section of any source site into the catalog, and what is known of it afterwards.

It takes a `scraper.source` Source: pages are read, new files asked for and checked, rows written, totals added up. Nothing
here knows of any one site; the sites are folders of their own.
"""

__all__ = ["crawl", "sections", "status", "totals"]
