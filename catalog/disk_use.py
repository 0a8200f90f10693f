"""The bytes that the parts of a data root take on disk.

In: a folder. Out: (part, bytes). Links are not followed, and files that vanish meanwhile count as empty.
"""

import os
from contextlib import suppress
from pathlib import Path

PARTS = (
    "midi",
    "catalog/pieces",
    "catalog/measures",
    "catalog/edits.jsonl",
    "catalog",
    "scrape/journal.jsonl",
    "scrape",
    "quarantine",
    "splits",
    "corpora",
    "indexes",
    "runs",
    "exports",
    "experiments",
    "pages",
)  # parts within another come before it and are not counted again


def disk_use(root: Path) -> list[tuple[str, int]]:
    """Return the parts of the data root that exist, each with the bytes of its files."""
    found: dict[str, int] = {}
    for part in PARTS:
        path = root / part
        if path.is_dir() and not path.is_symlink():
            within = sum(size for other, size in found.items() if other.startswith(f"{part}/"))
            found[part] = _bytes(path) - within
        elif path.is_file():
            found[part] = path.stat().st_size
    return list(found.items())


def _bytes(folder: Path) -> int:
    """Return the bytes of all files below `folder`."""
    total = 0
    folders = [folder]
    while folders:
        with suppress(OSError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                with suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(Path(entry.path))
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
    return total
