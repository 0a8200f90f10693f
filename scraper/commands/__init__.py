"""Console output of the commands of `scrape`, which are defined in `scraper.cli`."""

__all__ = ["report"]
