"""Directory listings as a source, such as a mirror made with wget.

`source.py` implements `scraper.source` for sites whose pages link to folders and MIDI files. Such a site is one
section. The name of a file's folder is its game.
"""

__all__ = ["command", "source"]
