"""Kill a command at a given step of its work on disk, to test every step.

A step is a file opened for writing, or a name created, moved or removed, below a folder. The whole
process group is killed, as when a machine loses power. The command itself is not modified.
"""

import atexit
import os
import signal
import sys
from pathlib import Path
from subprocess import CompletedProcess

from tests import forked

FOLDER, LAST, COUNT = "KILLING_FOLDER", "KILLING_LAST", "KILLING_COUNT"
NAMES = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate")


def stepped(folder: Path, last: int | None, name: str, *words: object, count: Path) -> "CompletedProcess[str]":
    """Run a command and kill it after `last` steps below `folder`; never if None.

    The number of steps is written to the file `count`.
    """
    variables = {FOLDER: str(folder), LAST: str(-1 if last is None else last), COUNT: str(count)}
    return forked.command(name, *words, env={**os.environ, **variables}, first=f"{__name__}:arm")


def arm() -> None:
    """Count the steps of this process, and kill it and its workers at the given one."""
    os.setsid()
    folder, last, count = os.environ.pop(FOLDER), int(os.environ.pop(LAST)), os.environ.pop(COUNT)
    me, steps = os.getpid(), 0

    def step(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal steps
        if event not in NAMES and not (event == "open" and _writes(arguments)):
            return
        places = [os.fsdecode(place) for place in arguments if isinstance(place, str | bytes | os.PathLike)]
        is_ours = any(place.startswith(folder) or (event in NAMES and not place.startswith("/")) for place in places)
        if not is_ours or os.getpid() != me:
            return
        if steps == last:
            os.killpg(0, signal.SIGKILL)
        steps += 1

    sys.addaudithook(step)
    atexit.register(lambda: Path(count).write_text(str(steps)))


def _writes(arguments: tuple[object, ...]) -> bool:
    flags = arguments[2] if len(arguments) > 2 else 0
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR))


def litter(folder: Path) -> list[str]:
    """Return hidden names and empty files below `folder`, except locks.

    A command must not leave any.
    """
    found = []
    for path in folder.rglob("*"):
        is_empty = path.is_file() and path.stat().st_size == 0
        if not path.name.endswith(".lock") and (path.name.startswith(".") or is_empty):
            found.append(path.relative_to(folder).as_posix())
    return sorted(found)
