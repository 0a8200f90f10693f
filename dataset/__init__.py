"""Corpora built from catalog pieces: notes, filters, duplicates, splits, exports.

The public names are listed in `__init__.pyi`. Each is imported from its module on first use.
"""

from catalog.base.public_names import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
__distribution__ = "vgpiano"  # `vgpiano.py` reads this line: other distributions have a package of this name
