"""Corrections of the catalog by hand: the file of edits, applying it, and its journal.

A file of data, catalog/edits.toml, has one entry per piece. The tables of the catalog are never
changed by an edit.
"""

__all__ = ["entries", "journal", "overlay"]
