"""Turning pieces into corpora: notes, measures, filters, duplicates, splits, the corpus format, exports, scores.

The public names stand in `__init__.pyi`; each is imported from its module when it is first used.
"""

from catalog.base.public_names import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
__distribution__ = "vgpiano"  # `vgpiano.py` looks for this line: other distributions have a package of this name
