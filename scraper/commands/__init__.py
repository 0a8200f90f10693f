"""What the commands of `scrape` do and print.

The commands are defined in `scraper.cli` and in the `command.py` of each source site.
"""

__all__ = ["report", "scrape"]
