"""Folder indexes: sites, such as a mirror tree made with wget, whose pages list folders and MIDI files by their links.

`source.py` is such a site as `scraper.crawl` takes it: one section, read folder by folder; a folder's name is its game.
"""

__all__ = ["source"]
