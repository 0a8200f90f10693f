"""The folder of all corpora, and how a whole folder is put in the place of another: the old one or the new, never half.

A folder cannot replace another in one step, so the old one steps aside first; whoever opens or builds next finds it
there if the process was killed between the two renames, and puts it back. One builder at a time, by a lock.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from catalog.errors import CorpusError
from catalog.files import sync_folder

WAIT_S = 600.0  # a build of a whole site takes minutes; longer than this, something is stuck
LOCK = ".lock"
NEW, OLD = ".new-", ".old-"


def corpora_folder(root: Path) -> Path:
    """Return the folder that holds the corpora of a data root."""
    return root / "corpora"


@contextmanager
def locked(folder: Path, wait_s: float = WAIT_S) -> Iterator[None]:
    """Hold the lock on all corpora in `folder`; what killed builders left there is put right first.

    Raises CorpusError when another build still holds it after `wait_s` seconds.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=wait_s)
    except Timeout:
        raise CorpusError(f"another build holds {folder / LOCK} for more than {wait_s:g} s; stop it or wait") from None
    try:
        _tidy(folder)
        yield
    finally:
        lock.release()


@contextmanager
def replacing_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder beside `target`; when the block ends well it takes the place of `target`, else it is removed.

    Only for whoever holds the lock. The files in it are on disk before it takes its place.
    """
    new = Path(tempfile.mkdtemp(prefix=NEW, dir=target.parent))
    try:
        yield new
        for path in new.iterdir():
            handle = os.open(path, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        new.chmod(0o755)
        sync_folder(new)
        if target.exists():
            target.rename(_aside(target))
        new.rename(target)
        sync_folder(target.parent)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    shutil.rmtree(_aside(target), ignore_errors=True)


def recover(target: Path) -> None:
    """Put `target` back if a builder was killed while it stood aside; waits for a builder that is still at work on it."""
    if not target.exists() and _aside(target).exists():
        with locked(target.parent):
            pass


def _aside(target: Path) -> Path:
    return target.with_name(OLD + target.name)


def _tidy(folder: Path) -> None:
    for old in folder.glob(f"{OLD}*"):
        target = old.with_name(old.name.removeprefix(OLD))
        if target.exists():
            shutil.rmtree(old)
        else:
            old.rename(target)
    for new in folder.glob(f"{NEW}*"):
        shutil.rmtree(new)
