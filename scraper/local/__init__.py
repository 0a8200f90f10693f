"""Files that people already have: folders and zip archives imported into the catalog.

Nothing is asked of any site; titles come from the files and the names of their folders.
"""

__all__ = ["import_files"]
