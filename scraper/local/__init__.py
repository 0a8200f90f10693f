"""Import local files: folders, zip archives and MIDI files.

No requests are sent. Titles come from the files and from the names of their folders.
"""

__all__ = ["import_files"]
