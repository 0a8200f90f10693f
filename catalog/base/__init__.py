"""Errors, console output, signals and name rules that every package uses.

These modules know nothing of pieces or files, and import no other vgpiano package.
"""

__all__ = ["console", "cores", "csv_cells", "early", "errors", "names", "output", "public_names", "shield"]
