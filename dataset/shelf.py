"""The folder of all corpora, and how a whole folder is put in the place of another: the old one or the new, never half.

A folder cannot replace another in one step, so the old one steps aside first; whoever opens or builds next finds it
there if the process was killed between the two renames, and puts it back. One builder at a time, by a lock. Below a URL
the lock is a lease, and `dataset.objects` does the replacing.
"""

import os
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from catalog.errors import CorpusError, LockedError
from catalog.files import sync_folder
from catalog.lease import leased
from catalog.lock import Hold
from catalog.remote import AnyPath, RemotePath
from dataset.objects import replacing_objects

WAIT_S = 600.0  # a build of a whole site takes minutes; longer than this, something is stuck
LOOK_AGAIN_S = 1.0  # at the lease of another builder
LOCK = ".lock"
NO_LEASE = Hold()
NEW, OLD = ".new-", ".old-"


def corpora_folder(root: AnyPath) -> AnyPath:
    """Return the folder that holds the corpora of a data root."""
    return root / "corpora"


@contextmanager
def locked(folder: AnyPath, wait_s: float = WAIT_S) -> Iterator[Hold]:
    """Hold the lock on all corpora in `folder`; what killed builders left there is put right first.

    Raises CorpusError when another build still holds it after `wait_s` seconds.
    """
    if isinstance(folder, RemotePath):
        with _leased(folder, wait_s) as hold:
            yield hold
        return
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=wait_s)
    except Timeout:
        raise CorpusError(f"another build holds {folder / LOCK} for more than {wait_s:g} s; stop it or wait") from None
    try:
        _tidy(folder)
        yield Hold()
    finally:
        lock.release()


@contextmanager
def _leased(folder: RemotePath, wait_s: float) -> Iterator[Hold]:
    until = time.monotonic() + wait_s
    with ExitStack() as stack:
        while True:
            try:
                lease = stack.enter_context(leased(folder))
                break
            except LockedError as error:
                if time.monotonic() > until:
                    raise CorpusError(f"{error}; this build has waited {wait_s:g} s") from None
            time.sleep(LOOK_AGAIN_S * random.uniform(0.5, 1.5))
        yield Hold(check=lease.check)


@contextmanager
def replacing_folder(target: AnyPath, hold: Hold = NO_LEASE) -> Iterator[Path]:
    """Yield an empty folder beside `target`; when the block ends well it takes the place of `target`, else it is removed.

    Only for whoever holds the lock, which `hold` is. The files in it are on disk before it takes its place.
    """
    if isinstance(target, RemotePath):
        with replacing_objects(target, hold) as new:
            yield new
        return
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


def recover(target: AnyPath) -> None:
    """Put `target` back if a builder was killed while it stood aside; waits for a builder that is still at work on it."""
    if isinstance(target, Path) and not target.exists() and _aside(target).exists():
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
