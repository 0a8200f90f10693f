"""Creates and removes run folders atomically, under unique names.

In: files by name, and the wanted name. Out: the folder. It is written under a temporary name and renamed, so
concurrent processes never get the same name. A lock on all runs is held meanwhile, so temporary folders found under
the lock are leftovers of killed processes.
"""

import errno
import json
import shlex
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from filelock import FileLock

from catalog.base.errors import TrainingError
from catalog.storage.files import sync_folder, write_many
from catalog.storage.reading import parse_json, read_bytes

TEMPORARY_PREFIX = ".tmp-"
RUN_FILE, FORMAT = "run.json", 7


def create_folder(wanted: Path, files: Mapping[str, bytes], *, numbered: bool = False) -> Path | None:
    """Create the folder `wanted` with these files; return it, or None if taken.

    With `numbered`, the first free name of WANTED, WANTED-2, WANTED-3 and so on is used.
    """
    wanted.parent.mkdir(parents=True, exist_ok=True)
    with _lock_runs(wanted.parent):
        making = Path(mkdtemp(prefix=TEMPORARY_PREFIX, dir=wanted.parent))
        try:
            making.chmod(0o755)
            write_many({making / name: data for name, data in files.items()})
            for number in count(1):
                path = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
                if _rename_if_free(making, path):
                    sync_folder(wanted.parent)
                    return path
                if not numbered:
                    return None
            raise AssertionError("there is always a next number")
        except OSError as error:
            why = error.strerror or str(error)
            raise TrainingError(
                f"{wanted}: {why}; free some space or fix the cause, then run the same command again: nothing was written"
            ) from None
        finally:
            shutil.rmtree(making, ignore_errors=True)  # no longer exists after the rename


def discard(path: Path) -> None:
    """Remove the folder of a run atomically."""
    with _lock_runs(path.parent):
        aside = Path(mkdtemp(prefix=TEMPORARY_PREFIX, dir=path.parent))
        path.rename(aside)
        shutil.rmtree(aside, ignore_errors=True)
        sync_folder(path.parent)


@contextmanager
def _lock_runs(folder: Path) -> Iterator[None]:
    """Hold the lock on all runs in `folder`; remove leftovers of killed processes."""
    with FileLock(folder / ".lock"):
        for leftover in folder.glob(f"{TEMPORARY_PREFIX}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        yield


def _rename_if_free(making: Path, path: Path) -> bool:
    """Rename `making` to `path` unless it exists; return whether it was renamed."""
    if path.exists() or path.is_symlink():
        return False
    try:
        making.rename(path)
    except OSError as error:  # without working locks (some network file systems), another process may be first
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            return False
        raise
    return True


def check_format(path: Path) -> None:
    """Raise TrainingError if the run in `path` has another format than FORMAT.

    The message has the command that trains it again.
    """
    file, remedy = path / RUN_FILE, "train it again"
    record = parse_json(
        read_bytes(file, fail=TrainingError, remedy=remedy), dict[str, Any], file, fail=TrainingError, remedy=remedy
    )
    form = record.get("format")
    if form == FORMAT:
        return
    if isinstance(form, int) and form > FORMAT:
        raise TrainingError(
            f"{file}: format: {form}, but this version reads {FORMAT}; use the version of vgpiano that wrote it"
        )
    anew = _command(path, record["asked"]) if isinstance(record.get("asked"), dict) else "train"
    raise TrainingError(
        f"{file}: format: {json.dumps(form)[:40]}, an older format (this version reads {FORMAT}); train the run again "
        f"with: {anew}"
    )


def _command(path: Path, request: Mapping[str, Any]) -> str:
    """Return the command that trains a run again under another name.

    Options that are missing in `request` are left out.
    """
    words = [
        "train",
        "--corpus",
        request.get("corpus", "NAME"),
        "--recipe",
        path / "recipe.json",
        "--name",
        f"{path.name}-2",
    ]
    for name in ("seed", "minutes", "epochs", "init", "keep"):
        if request.get(name) is not None:
            words += [f"--{name}", request[name]]
    if request.get("max_copy") is not None:
        words += ["--max-copy", request["max_copy"]]
    return shlex.join(map(str, words))


def files_below(path: Path, folder: str) -> list[str]:
    """Return the files of a subfolder of a run, named as in run.json."""
    return [f"{folder}/{file.name}" for file in (path / folder).glob("[!.]*")]


def text_of(path: Path, remedy: str) -> str:
    """Return the text of one of a run's files.

    Raises TrainingError if it is not a UTF-8 file.
    """
    data = read_bytes(path, fail=TrainingError, remedy=remedy)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise TrainingError(f"{path}: not UTF-8 ({error}); {remedy}") from None


def hash_mismatch(found: str, was: str | None) -> str:
    """Return the message for a file with the SHA-256 `found` instead of `was`."""
    return f"does not belong to this run (SHA-256 {found}, expected {was}); restore the original file"
