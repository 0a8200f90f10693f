"""Filters: which pieces a corpus leaves out, as data.

`rules` defines filters; `load` reads filters.toml and a user's file that overrides it.
"""

__all__ = ["load", "rules"]
