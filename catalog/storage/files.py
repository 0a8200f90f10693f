"""The data root and the one way in which anything below it is written.

`kill -9` at any byte leaves the old file or the new one, never half: a temporary file in the same folder, flush, fsync,
`os.replace`, and the folder's own entry made durable. A temporary file that a killed process left is removed by the next write
into its folder. Below a URL (`catalog.storage.remote`) a write is one request that takes
effect whole or not at all, and durable when it is answered. Nothing here knows what the files mean.
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
TEMPORARY_PREFIX = ".tmp-"  # how the names of files begin that are being written
THREADS = 16  # files made durable at a time: a file system commits what waits together
BATCH_PREFIX = f"{TEMPORARY_PREFIX}many-"  # temporary files of `write_many`, too many at a time to hold a lock on each
_SINGLE_TEMPORARY = re.compile(rf"{re.escape(TEMPORARY_PREFIX)}[^-]*")


def data_root(option: str | Path | None = None) -> AnyPath:
    """Return the data root, a folder or a URL: `option` where given, else $VGPIANO_ROOT, else ./data (it need not exist yet).

    A folder is absolute, with ~ in full, so that every library that is handed a path below it means the same file. Raises
    UsageError for a URL that nothing installed can read.
    """
    root = parse_location(option or os.environ.get(ROOT_VARIABLE) or DEFAULT_ROOT)
    return root if isinstance(root, RemotePath) else root.absolute()


def local_root(option: str | AnyPath | None = None) -> Path:
    """Return the data root for what needs a folder on this machine. Raises UsageError, with the way out, for a URL."""
    root = option if isinstance(option, RemotePath) else data_root(option)
    if isinstance(root, RemotePath):
        raise UsageError(
            f"{root}: this needs a folder (it keeps a journal there): use --root FOLDER, then copy its midi/ and after "
            "that its catalog/ there, such as with `aws s3 sync`"
        )
    return root


def working_root(root: AnyPath) -> Path:
    """Return where runs go: `root` itself, or ./data where the root is a URL, for checkpoints need a folder on this machine."""
    return (DEFAULT_ROOT if isinstance(root, RemotePath) else root).absolute()


@contextmanager
def with_filename(path: Path) -> Iterator[None]:
    """Let an error of the system in the block name `path`, where it names no file or a temporary one beside it."""
    try:
        yield
    except OSError as error:
        if error.filename is None or Path(os.fsdecode(error.filename)).name.startswith(TEMPORARY_PREFIX):
            error.filename = str(path)
        raise


@contextmanager
def atomic_path(path: AnyPath) -> Iterator[Path]:
    """Yield a temporary path in the same folder; when the block ends well it takes the place of `path`, else it is removed.

    For writers that want a path (Parquet, Keras). The folder is made if it is not there. Below a URL the temporary file is
    on this machine.
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
    """Let `write` fill a temporary file and return the name under which it then stands in `folder`: whole, or not at all."""
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
    """Yield a new temporary file in `folder` (made if absent), locked while its writer lives; it is removed unless it took a name.

    What writers that were killed left there is removed first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(folder)
    while True:
        handle, name = tempfile.mkstemp(prefix=TEMPORARY_PREFIX, suffix=suffix, dir=folder)
        with suppress(OSError):  # a file system without locks: nothing is taken for abandoned there either
            fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            break
        os.close(handle)  # another process took it for abandoned before it was locked
    try:
        yield Path(name)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    finally:
        os.close(handle)


def _commit(temporary: Path, path: Path) -> None:
    """Make a temporary file durable and let it take the place of `path`."""
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    temporary.chmod(0o644)
    temporary.replace(path)


def _remove_abandoned(folder: Path) -> None:
    """Remove the temporary files of `atomic_path` in `folder` whose writers were killed: nobody holds a lock on them any more."""
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
    """Hold the lock of a temporary file or folder that no writer holds. Raises OSError where one does, or it is gone."""
    handle = os.open(path, (os.O_RDONLY if path.is_dir() else os.O_RDWR) | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


@contextmanager
def locked_folder(path: Path) -> Iterator[None]:
    """Hold the lock of a folder itself, for which no file is made; waits for whoever holds it. No lock where there are none."""
    handle = os.open(path, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def write_bytes(path: AnyPath, data: bytes) -> None:
    """Write `data` to `path` so that a crash leaves the old content or the new, never half."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_many(files: Mapping[Path, bytes] | Mapping[RemotePath, bytes] | Mapping[AnyPath, bytes]) -> None:
    """Write every one of `files` as `write_bytes` would, many at a time; durable on return, and never half.

    A crash leaves some of them written. The content of each is on disk before any takes its name.
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
    for folder in folders | {folder.parent for folder in folders}:
        sync_folder(folder)


def _write_temporary(path: Path, data: bytes) -> Path:
    """Return a durable temporary file with `data` in the folder of `path`; none is left where that fails."""
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
    """Make the entries of `folder` durable (a rename is only on disk once its folder is); below a URL they are."""
    if isinstance(folder, RemotePath):
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_leftovers(folder: AnyPath) -> None:
    """Remove temporary files that a killed writer left in `folder`, not those of other writers. Only for whoever holds its lock."""
    if isinstance(folder, RemotePath):
        for remote in folder.glob(f"{TEMPORARY_PREFIX}*"):
            remote.unlink(missing_ok=True)
        return
    for leftover in folder.glob(f"{BATCH_PREFIX}*"):
        leftover.unlink(missing_ok=True)
    _remove_abandoned(folder)
