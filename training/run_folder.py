"""How the folder of a run comes into being and goes: whole or not at all, under a name that no other process gets.

In: files by name, and the name that is wanted. Out: the folder. It is made beside its place and put there by one rename; names are claimed
by that rename, not computed beforehand. A lock on all runs is held meanwhile, so what a killed process left is known to be litter.
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

MAKING = ".tmp-"
RUN_FILE, FORMAT = "run.json", 3


def claimed(wanted: Path, files: Mapping[str, bytes], *, numbered: bool = False) -> Path | None:
    """Make the folder `wanted` with these files by name, durable; return it, or None where something of that name is there.

    With `numbered`, the first of WANTED, WANTED-2, WANTED-3 … that is free is made.
    """
    wanted.parent.mkdir(parents=True, exist_ok=True)
    with _alone(wanted.parent):
        making = Path(mkdtemp(prefix=MAKING, dir=wanted.parent))
        try:
            making.chmod(0o755)
            write_many({making / name: data for name, data in files.items()})
            for number in count(1):
                path = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
                if _put(making, path):
                    sync_folder(wanted.parent)
                    return path
                if not numbered:
                    return None
            raise AssertionError("there is always a next number")
        except OSError as error:
            why = error.strerror or str(error)
            raise TrainingError(
                f"{wanted}: {why}; free some space or mend what it says, then run the same command again: nothing is left of the run"
            ) from None
        finally:
            shutil.rmtree(making, ignore_errors=True)  # it is gone where it took its name


def discard(path: Path) -> None:
    """Remove the folder of a run; a kill leaves the whole of it or litter that the next one removes."""
    with _alone(path.parent):
        aside = Path(mkdtemp(prefix=MAKING, dir=path.parent))
        path.rename(aside)
        shutil.rmtree(aside, ignore_errors=True)
        sync_folder(path.parent)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the lock on all runs in `folder`, with what killed processes left there removed."""
    with FileLock(folder / ".lock"):
        for leftover in folder.glob(f"{MAKING}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        yield


def _put(making: Path, path: Path) -> bool:
    """Rename `making` to `path` unless something is there; return whether that was done."""
    if path.exists() or path.is_symlink():
        return False
    try:
        making.rename(path)
    except OSError as error:  # where locks do not hold, as on some network file systems, another process may be first
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            return False
        raise
    return True


def refuse_older(path: Path) -> None:
    """Raise TrainingError, with the command that trains it anew, where the run in folder `path` is of another form than FORMAT."""
    file, remedy = path / RUN_FILE, "train it again"
    held = parse_json(
        read_bytes(file, fail=TrainingError, remedy=remedy), dict[str, Any], file, fail=TrainingError, remedy=remedy
    )
    form = held.get("format")
    if form == FORMAT:
        return
    if isinstance(form, int) and form > FORMAT:
        raise TrainingError(
            f"{file}: format: {form}, and this version reads {FORMAT}; use the version of vgpiano that wrote it"
        )
    anew = _command(path, held["asked"]) if isinstance(held.get("asked"), dict) else "train"
    raise TrainingError(
        f"{file}: format: {json.dumps(form)[:40]}, an older form (this version reads {FORMAT}); train the run anew with: {anew}"
    )


def _command(path: Path, asked: Mapping[str, Any]) -> str:
    """Return the command that trains a run anew under another name, as far as its `asked` says."""
    words = [
        "train",
        "--corpus",
        asked.get("corpus", "NAME"),
        "--recipe",
        path / "recipe.json",
        "--name",
        f"{path.name}-2",
    ]
    for name in ("seed", "minutes", "epochs", "init", "keep"):
        if asked.get(name) is not None:
            words += [f"--{name}", asked[name]]
    if asked.get("max_copy") is not None:
        words += ["--max-copy", asked["max_copy"]]
    return shlex.join(map(str, words))


def files_below(path: Path, folder: str) -> list[str]:
    """Return the files of a folder in that of a run as run.json names them."""
    return [f"{folder}/{file.name}" for file in (path / folder).glob("[!.]*")]


def text_of(path: Path, remedy: str) -> str:
    """Return the text of one of a run's files. Raises TrainingError where it is not UTF-8, or no file."""
    data = read_bytes(path, fail=TrainingError, remedy=remedy)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise TrainingError(f"{path}: not UTF-8 ({error}); {remedy}") from None


def misfit(found: str, was: str | None) -> str:
    """Return what to say of a file with the SHA-256 `found` in a run that was made with another."""
    return (
        f"does not fit this run (it has {found}, the run was made with {was}); put back the file that it was made with"
    )
