"""Duplicates and works: which pieces share notes or music, and which are kept.

Shared shingles give candidate pairs, an alignment decides, and titles help to find works. `find` reads the catalog; the
other modules are pure.
"""

__all__ = ["decisions", "find", "groups", "relations"]
