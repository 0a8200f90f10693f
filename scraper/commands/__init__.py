"""What the commands of `scrape` print, apart from the command line itself in `scraper.cli`."""

__all__ = ["report"]
