"""Collect pieces: polite HTTP, listing pages, local archives and the demo site.

The public names are listed in `__init__.pyi`. Each is imported from its module when it is first used.
"""

from catalog.base.public_names import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
__distribution__ = "vgpiano"  # `vgpiano.py` looks for this line: other distributions have a package of this name
