"""The data root, and atomic and durable writes below it.

A process killed at any moment leaves the old file or the new one. A write goes to a temporary file
in the same folder, then fsync, `os.replace`, and fsync of the folder. The next write into a folder
removes temporary files of killed processes. Below a URL (`catalog.storage.remote`) a write is one
atomic request. The module knows nothing of the meaning of the files.
"""

import fcntl
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from catalog.base.errors import UsageError
from catalog.storage.remote import AnyPath, RemotePath, parse_location

ROOT_VARIABLE = "VGPIANO_ROOT"
DEFAULT_ROOT = Path("data")
TEMPORARY_PREFIX = ".tmp-"  # name prefix of files that are being written
THREADS = 16  # files synced in parallel: file systems commit them together
BATCH_PREFIX = f"{TEMPORARY_PREFIX}many-"  # temporary files of `write_many`, which are too many to lock each
_SINGLE_TEMPORARY = re.compile(rf"{re.escape(TEMPORARY_PREFIX)}[^-]*")


def data_root(option: str | Path | None = None) -> AnyPath:
    """Return the data root: `option`, else $VGPIANO_ROOT, else ./data.

    It is a folder or a URL, and need not exist. A folder is returned absolute and with ~ expanded,
    so that every library resolves paths below it alike. Raises UsageError for a URL that no
    installed library can read.
    """
    root = parse_location(option or os.environ.get(ROOT_VARIABLE) or DEFAULT_ROOT)
    return root if isinstance(root, RemotePath) else root.absolute()


def local_root(option: str | AnyPath | None = None) -> Path:
    """Return the data root for work that needs a local folder.

    Raises UsageError that suggests an alternative if the root is a URL.
    """
    root = option if isinstance(option, RemotePath) else data_root(option)
    if isinstance(root, RemotePath):
        raise UsageError(
            f"{root}: this needs a folder (it keeps a journal there): use --root FOLDER, then copy its midi/ and after "
            "that its catalog/ there, such as with `aws s3 sync`"
        )
    return root


def working_root(root: AnyPath) -> Path:
    """Return the folder for runs: `root`, or ./data if `root` is a URL.

    Checkpoints need a local folder.
    """
    return (DEFAULT_ROOT if isinstance(root, RemotePath) else root).absolute()


@contextmanager
def with_filename(path: Path) -> Iterator[None]:
    """Set the file name of system errors in the block to `path`.

    Only if the error has no file name, or that of a temporary file.
    """
    try:
        yield
    except OSError as error:
        if error.filename is None or Path(os.fsdecode(error.filename)).name.startswith(TEMPORARY_PREFIX):
            error.filename = str(path)
        raise


@contextmanager
def atomic_path(path: AnyPath) -> Iterator[Path]:
    """Yield a temporary path that replaces `path` when the block succeeds.

    If the block fails, the temporary file is removed. For libraries that write to a path (Parquet,
    Keras). A missing folder is created. Below a URL the temporary file is local.
    """
    if isinstance(path, RemotePath):
        with tempfile.TemporaryDirectory(prefix="vgpiano-") as folder:
            temporary = Path(folder) / path.name
            yield temporary
            path.write_bytes(temporary.read_bytes())
        return
    with with_filename(path), _temporary(path.parent, path.suffix) as temporary:
        yield temporary
        _commit(temporary, path)
    sync_folder(path.parent)


def write_named(folder: AnyPath, write: Callable[[Path], str], *, suffix: str = "") -> None:
    """Write a file atomically under the name that `write` returns.

    `write` fills a temporary file and returns the name of the file in `folder`.
    """
    with (
        tempfile.TemporaryDirectory(prefix="vgpiano-")
        if isinstance(folder, RemotePath)
        else nullcontext(folder) as place,
        _temporary(Path(place), suffix) as temporary,
    ):
        name = write(temporary)
        if isinstance(folder, RemotePath):
            (folder / name).write_bytes(temporary.read_bytes())
            return
        _commit(temporary, folder / name)
    sync_folder(folder)


@contextmanager
def _temporary(folder: Path, suffix: str) -> Iterator[Path]:
    """Yield a new temporary file in `folder`, locked until the block ends.

    A missing folder is created. Temporary files of killed writers are removed first. The file
    itself is removed if the block fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(folder)
    while True:
        handle, name = tempfile.mkstemp(prefix=TEMPORARY_PREFIX, suffix=suffix, dir=folder)
        with suppress(OSError):  # a file system without locks, where no file counts as abandoned
            fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            break
        os.close(handle)  # another process removed it as abandoned before it was locked
    try:
        yield Path(name)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    finally:
        os.close(handle)


def _commit(temporary: Path, path: Path) -> None:
    """Make a temporary file durable and move it to `path`."""
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    temporary.chmod(0o644)
    temporary.replace(path)


def _remove_abandoned(folder: Path) -> None:
    """Remove temporary files in `folder` on which no living writer holds a lock."""
    names: list[str] = []
    with suppress(OSError), os.scandir(folder) as entries:
        names += (
            each.name
            for each in entries
            if _SINGLE_TEMPORARY.fullmatch(each.name) and each.is_file(follow_symlinks=False)
        )
    for name in names:
        with suppress(OSError), lock_abandoned(folder / name):
            (folder / name).unlink()


@contextmanager
def lock_abandoned(path: Path) -> Iterator[None]:
    """Lock a temporary file or folder that no writer holds.

    Raises OSError if a writer holds it, or if it does not exist.
    """
    handle = os.open(path, (os.O_RDONLY if path.is_dir() else os.O_RDWR) | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


@contextmanager
def locked_folder(path: Path) -> Iterator[None]:
    """Hold a lock on a folder itself; waits for other holders.

    No lock file is created. On file systems without locks nothing is locked.
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def write_bytes(path: AnyPath, data: bytes) -> None:
    """Write `data` to `path` atomically: a crash leaves the old content or the new."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_many(files: Mapping[Path, bytes] | Mapping[RemotePath, bytes] | Mapping[AnyPath, bytes]) -> None:
    """Write all `files` as `write_bytes` does, in parallel; durable on return.

    The content of all files is on disk before any is moved to its name. A crash can leave some of
    the files written, but none partially.
    """
    local = {path: data for path, data in files.items() if isinstance(path, Path)}
    remote = [(path, data) for path, data in files.items() if isinstance(path, RemotePath)]
    if remote:
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda file: file[0].write_bytes(file[1]), remote))
    folders = {path.parent for path in local}
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    jobs: list[Future[Path]] = []
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            jobs += (pool.submit(_write_temporary, path, data) for path, data in local.items())
        for temporary, path in zip([job.result() for job in jobs], local, strict=True):
            temporary.replace(path)
    except BaseException:
        for job in jobs:
            if job.exception() is None:
                job.result().unlink(missing_ok=True)
        raise
    with ThreadPoolExecutor(THREADS) as pool:  # small files are in many folders, and one by one these took most time
        list(pool.map(sync_folder, folders | {folder.parent for folder in folders}))


def _write_temporary(path: Path, data: bytes) -> Path:
    """Return a durable temporary file with `data` in the folder of `path`.

    The file is removed if writing fails.
    """
    with with_filename(path):
        handle, name = tempfile.mkstemp(prefix=BATCH_PREFIX, suffix=path.suffix, dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fchmod(file.fileno(), 0o644)
                os.fsync(file.fileno())
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return Path(name)


def write_text(path: AnyPath, text: str) -> None:
    """Write `text` as UTF-8 to `path`, atomically."""
    write_bytes(path, text.encode())


def sync_folder(folder: AnyPath) -> None:
    """Make the entries of `folder` durable, such as after a rename.

    Does nothing below a URL, where they are durable already.
    """
    if isinstance(folder, RemotePath):
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_leftovers(folder: AnyPath) -> None:
    """Remove temporary files of killed writers from `folder`.

    Files of living writers are kept. The caller must hold the lock of the folder.
    """
    if isinstance(folder, RemotePath):
        for remote in folder.glob(f"{TEMPORARY_PREFIX}*"):
            remote.unlink(missing_ok=True)
        return
    for leftover in folder.glob(f"{BATCH_PREFIX}*"):
        leftover.unlink(missing_ok=True)
    _remove_abandoned(folder)
