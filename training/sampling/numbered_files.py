"""Files that number themselves: `sample-1.mid`, `sample-2.mid` …, written by any number of processes at once, none of which loses one.

A number is claimed, not computed: a whole, durable file is linked to the first name that is free, and a link replaces nothing. So no
name ever stands for half a file, or an empty one. What is under way is locked, so what a killed process left is known, and swept.
"""

import errno
import fcntl
import os
import re
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from catalog.storage.files import sync_folder

TEMPORARY_PREFIX = ".tmp-numbered-"
NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EXDEV)  # as file systems without them say


def write_numbered(
    folder: Path, stem: str, suffix: str, makers: Collection[Callable[[str], bytes]], reserved: Collection[str] = ()
) -> list[Path]:
    """Write a file `<stem>-N<suffix>` for each of `makers`, which gives the bytes for a name without its suffix; return the files.

    Numbers follow the highest that is there or whose name is `reserved`. What killed processes left in the folder is removed first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sweep(folder)
    pattern = re.compile(rf"{re.escape(stem)}-(\d{{1,9}}){re.escape(suffix)}")
    there = [path.name for path in folder.glob(f"{stem}-*{suffix}")]
    number = max((int(found[1]) for name in (*there, *reserved) if (found := pattern.fullmatch(name))), default=0)
    files = []
    for make in makers:
        while True:
            number += 1
            path = folder / f"{stem}-{number}{suffix}"
            if not os.path.lexists(path) and write_new(path, make(path.stem)):
                break
        files.append(path)
    sync_folder(folder)
    return files


def write_new(path: Path, data: bytes) -> bool:
    """Write a file where nothing of its name is; return whether that was so. It is there whole or not at all."""
    with _temporary_file(path) as (temporary, handle):
        with os.fdopen(os.dup(handle), "wb") as file:
            file.write(data)
        os.fchmod(handle, 0o644)
        os.fsync(handle)
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            try:  # a name that is claimed, and for a moment stands for nothing
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
            except FileExistsError:
                return False
            temporary.replace(path)
    return True


def sweep(folder: Path) -> None:
    """Remove what processes that are no more were writing to `folder`."""
    for leftover in folder.glob(f"{TEMPORARY_PREFIX}*"):
        with suppress(OSError):  # another process sweeps too, or the file is being written
            handle = os.open(leftover, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                leftover.unlink()
            finally:
                os.close(handle)


@contextmanager
def _temporary_file(path: Path) -> Iterator[tuple[Path, int]]:
    """Yield a new file beside `path` that no `sweep` takes for a leftover, and its handle; it is removed at the end."""
    while True:
        handle, name = tempfile.mkstemp(prefix=TEMPORARY_PREFIX, suffix=path.suffix, dir=path.parent)
        try:
            with suppress(OSError):  # a file system without locks: nothing is swept there either
                fcntl.flock(handle, fcntl.LOCK_EX)
            if Path(name).exists():  # else it was swept before it was locked
                yield Path(name), handle
                return
        finally:
            Path(name).unlink(missing_ok=True)
            os.close(handle)
