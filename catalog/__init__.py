"""The catalog of pieces: schema, store, query language, game names, errors.

The public names are listed in `__init__.pyi`. Each is imported from its module on first use.
"""

from catalog.base.public_names import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
__distribution__ = "vgpiano"  # `vgpiano.py` checks for this line: other distributions have a package of this name
