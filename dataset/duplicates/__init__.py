"""Duplicates and works: which pieces hold the same notes or the same music, and which of them is kept.

Candidates share shingles, an alignment decides, and titles help to tell works. Nothing is read from disk.
"""

__all__ = ["decisions", "find", "groups", "relations"]
