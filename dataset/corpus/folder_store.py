"""The folder of all corpora, and atomic replacement of a whole folder.

A non-empty folder cannot be replaced in one step, so the old one is first renamed to a backup. If the process is killed
between the two renames, the next reader or builder restores the backup. A lock allows one builder at a time. Below a
URL the lock is a lease, and `dataset.corpus.object_store` does the replacement.
"""

import os
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from glob import escape
from pathlib import Path

from filelock import FileLock, Timeout

from catalog.base.errors import CorpusError, LockedError
from catalog.storage.files import lock_abandoned, locked_folder, sync_folder
from catalog.storage.lease import hold_lease
from catalog.storage.lock import WriterLock
from catalog.storage.remote import AnyPath, RemotePath
from dataset.corpus.object_store import replacing_objects

LOCK_TIMEOUT_S = 600.0  # a build of a whole site takes minutes; a longer wait means that something is stuck
LEASE_POLL_S = 1.0  # interval between attempts to get the lease
LOCK = ".lock"
NO_LEASE = WriterLock()
NEW_PREFIX, OLD_PREFIX = ".new-", ".old-"
MAX_NAME_IN_PREFIX = (
    60  # characters of the target's name in that of its temporary folder; file names have a maximum length
)


def corpora_folder(root: AnyPath) -> AnyPath:
    """Return the folder of the corpora of a data root."""
    return root / "corpora"


@contextmanager
def locked(folder: AnyPath, wait_s: float = LOCK_TIMEOUT_S) -> Iterator[WriterLock]:
    """Hold the lock on all corpora in `folder`; first clean up killed builds.

    Raises CorpusError if another build still holds the lock after `wait_s` seconds.
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
        raise CorpusError(
            f"another build has held {folder / LOCK} for more than {wait_s:g} s; stop it or wait"
        ) from None
    try:
        _clean_up(folder)
        yield WriterLock()
    finally:
        lock.release()


@contextmanager
def _leased(folder: RemotePath, wait_s: float) -> Iterator[WriterLock]:
    deadline = time.monotonic() + wait_s
    with ExitStack() as stack:
        while True:
            try:
                lease = stack.enter_context(hold_lease(folder))
                break
            except LockedError as error:
                if time.monotonic() > deadline:
                    raise CorpusError(f"{error}; this build has waited {wait_s:g} s") from None
            time.sleep(LEASE_POLL_S * random.uniform(0.5, 1.5))
        yield WriterLock(check=lease.check)


@contextmanager
def replacing_folder(target: AnyPath, hold: WriterLock = NO_LEASE) -> Iterator[Path]:
    """Yield an empty folder that replaces `target` when the block succeeds.

    If the block fails, the folder is removed. Its files are flushed to disk before it replaces the target. If several
    processes replace one target, each replaces it as a whole. Below a URL the caller must hold the lock, `hold`.
    """
    if isinstance(target, RemotePath):
        with replacing_objects(target, hold) as new:
            yield new
        return
    with _temporary_folder(target) as new, _naming(target, new):
        yield new
        for path in new.iterdir():
            handle = os.open(path, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        new.chmod(0o755)
        sync_folder(new)
        with locked_folder(target.parent):
            if target.exists():
                shutil.rmtree(_backup_path(target), ignore_errors=True)
                target.rename(_backup_path(target))
            new.rename(target)
            sync_folder(target.parent)
            shutil.rmtree(_backup_path(target), ignore_errors=True)


@contextmanager
def _temporary_folder(target: Path) -> Iterator[Path]:
    """Yield a new folder beside `target`, locked while its writer lives.

    It is removed at the end, unless it has been renamed.
    """
    with ExitStack() as stack:
        while True:
            new = Path(tempfile.mkdtemp(prefix=_prefix(target), dir=target.parent))
            with suppress(FileNotFoundError):
                stack.enter_context(locked_folder(new))
            if new.exists():  # otherwise another process removed it as abandoned before it was locked
                break
        try:
            yield new
        finally:
            shutil.rmtree(new, ignore_errors=True)


@contextmanager
def _naming(target: Path, new: Path) -> Iterator[None]:
    """Let a system error in the block, such as a full disk, name `target`.

    It would name nothing, if it is Arrow's, or a file in the temporary folder `new`, which is removed.
    """
    try:
        yield
    except OSError as error:
        is_inside = error.filename is not None and str(error.filename).startswith(str(new))
        if error.errno is not None and (error.filename is None or is_inside):
            error.filename = str(target)
        raise


def _prefix(target: Path) -> str:
    return f"{NEW_PREFIX}{target.name[:MAX_NAME_IN_PREFIX]}-"


def remove_abandoned(target: Path) -> None:
    """Clean up after a killed `replacing_folder`, and restore `target`."""
    for new in target.parent.glob(f"{escape(_prefix(target))}????????"):
        with suppress(OSError), lock_abandoned(new):
            shutil.rmtree(new)
    with locked_folder(target.parent):
        _restore_backup(_backup_path(target))


def recover(target: AnyPath) -> None:
    """Restore `target` if a builder was killed between the renames.

    Waits for a builder that is still at work.
    """
    if isinstance(target, Path) and not target.exists() and _backup_path(target).exists():
        with locked(target.parent):
            pass


def _backup_path(target: Path) -> Path:
    return target.with_name(OLD_PREFIX + target.name)


def _clean_up(folder: Path) -> None:
    for backup in folder.glob(f"{OLD_PREFIX}*"):
        _restore_backup(backup)
    for new in folder.glob(f"{NEW_PREFIX}*"):
        shutil.rmtree(new)


def _restore_backup(backup: Path) -> None:
    """Restore a backup of a killed builder, or remove it if the target exists."""
    target = backup.with_name(backup.name.removeprefix(OLD_PREFIX))
    if target.exists():
        shutil.rmtree(backup, ignore_errors=True)
    elif backup.exists():
        backup.rename(target)
