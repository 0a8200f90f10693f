"""Writes numbered files such as `sample-1.mid`, safely from several processes.

A complete, durable temporary file is linked to the first free name; linking never replaces a file, so no name is ever
empty or incomplete. Temporary files are locked, so those of killed processes are recognised and removed.
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
# errors of file systems without hard links
NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EXDEV)


def write_numbered(
    folder: Path, stem: str, suffix: str, makers: Collection[Callable[[str], bytes]], reserved: Collection[str] = ()
) -> list[Path]:
    """Write a file `<stem>-N<suffix>` for each of `makers`; return the files.

    Each maker returns the bytes for a name without suffix. Numbers continue after the highest existing or `reserved`
    one. Leftovers of killed processes in the folder are removed first.
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
    """Write a new file atomically; return False if the name is taken."""
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
            try:  # without hard links, reserve the name with an empty file
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
            except FileExistsError:
                return False
            temporary.replace(path)
    return True


def sweep(folder: Path) -> None:
    """Remove temporary files of processes that no longer exist from `folder`."""
    for leftover in folder.glob(f"{TEMPORARY_PREFIX}*"):
        with suppress(OSError):  # removed by another process, or still being written
            handle = os.open(leftover, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                leftover.unlink()
            finally:
                os.close(handle)


@contextmanager
def _temporary_file(path: Path) -> Iterator[tuple[Path, int]]:
    """Yield a locked temporary file beside `path` and its handle; removed at the end."""
    while True:
        handle, name = tempfile.mkstemp(prefix=TEMPORARY_PREFIX, suffix=path.suffix, dir=path.parent)
        try:
            with suppress(OSError):  # without locks, nothing is swept either
                fcntl.flock(handle, fcntl.LOCK_EX)
            if Path(name).exists():  # otherwise it was swept before it was locked
                yield Path(name), handle
                return
        finally:
            Path(name).unlink(missing_ok=True)
            os.close(handle)
