"""Filters: which pieces a corpus leaves out, as data.

`rules` defines filters, and `presets` names sets of them; `load` reads filters.toml, presets.toml and a user's file.
"""

__all__ = ["load", "presets", "rules"]
