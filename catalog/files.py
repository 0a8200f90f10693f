"""The data root and the one way in which anything below it is written.

`kill -9` at any byte leaves the old file or the new one, never half: a temporary file in the same folder, flush, fsync,
`os.replace`, and the folder's own entry made durable. Nothing here knows what the files mean.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

ROOT_VARIABLE = "VGPIANO_ROOT"
THREADS = 16  # files made durable at a time: a file system commits what waits together


def data_root(option: Path | None = None) -> Path:
    """Return the data root: `option` where given, else $VGPIANO_ROOT, else ./data (it need not exist yet)."""
    return option or Path(os.environ.get(ROOT_VARIABLE) or "data")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder; when the block ends well it takes the place of `path`, else it is removed.

    For writers that want a path (Parquet, Keras). The folder is made if it is not there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".tmp-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path` so that a crash leaves the old content or the new, never half."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_many(files: Mapping[Path, bytes]) -> None:
    """Write every one of `files` as `write_bytes` would, many at a time; durable on return, and never half.

    A crash leaves some of them written. The content of each is on disk before any takes its name.
    """
    folders = {path.parent for path in files}
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    jobs: list[Future[Path]] = []
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            jobs += (pool.submit(_write_beside, path, data) for path, data in files.items())
        for temporary, path in zip([job.result() for job in jobs], files, strict=True):
            temporary.replace(path)
    except BaseException:
        for job in jobs:
            if job.exception() is None:
                job.result().unlink(missing_ok=True)
        raise
    for folder in folders | {folder.parent for folder in folders}:
        sync_folder(folder)


def _write_beside(path: Path, data: bytes) -> Path:
    """Return a durable temporary file with `data` in the folder of `path`; none is left where that fails."""
    handle, name = tempfile.mkstemp(prefix=".tmp-", suffix=path.suffix, dir=path.parent)
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


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8 to `path`, atomically."""
    write_bytes(path, text.encode())


def sync_folder(folder: Path) -> None:
    """Make the entries of `folder` durable (a rename is only on disk once its folder is)."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_leftovers(folder: Path) -> None:
    """Remove temporary files that a killed writer left in `folder`. Only for whoever holds the folder's lock."""
    for leftover in folder.glob(".tmp-*"):
        leftover.unlink(missing_ok=True)
