"""Filters: which pieces a corpus leaves out, as data.

`rules` is what a filter is; `load` reads filters.toml and a file that is laid over it.
"""

__all__ = ["load", "rules"]
