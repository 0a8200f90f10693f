"""Tasks for worker processes in tests; some kill the worker.

They run in other processes, so they must be in an importable module.
"""

import os
import signal
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from dataset.notation.records import Credits
from dataset.notes.model import Notes
from dataset.parallel import executors
from dataset.parse import Parsed, ParseTask, parse

KILLER, SLEEPER, PARENT_KILLER = b"kills its worker", b"hangs its worker", b"kills its parent unless "


def act(item: str) -> str:
    """Do what the item says."""
    if item == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if item == "sleep":
        time.sleep(60)
    if item == "raise":
        raise ValueError("no such thing")
    if item.startswith("pid of "):
        Path(item.removeprefix("pid of ")).write_text(str(os.getpid()))
        time.sleep(0.5)
    return item.upper()


def parse_or_die(item: ParseTask) -> Parsed:
    """Parse a file, but let two kinds of content crash or hang the process."""
    data = b""
    with suppress(OSError):
        data = item.read()
    if KILLER in data:
        os.kill(os.getpid(), signal.SIGSEGV)
    if SLEEPER in data:
        signal.raise_signal(signal.SIGALRM)  # as when a worker's time is up
    return parse(item)


def parse_late(item: ParseTask) -> Parsed:
    """Parse a file, but delay about one in eight."""
    if item.sha256 < "2":
        time.sleep(0.1)
    return parse(item)


def parse_or_kill_parent(item: ParseTask) -> Parsed:
    """Parse a file, but let one kind of content kill the parent process.

    The content names the process to spare, that of the tests.
    """
    data = item.read()
    if data.startswith(PARENT_KILLER) and os.getppid() != int(data.removeprefix(PARENT_KILLER)):
        os.kill(os.getppid(), signal.SIGKILL)
    return parse(item)


def another_version() -> None:
    """Make this process report another version of NumPy."""
    executors.environment = lambda: (("numpy", "0.0.1"),)  # type: ignore[assignment]


def parse_carried_bytes(item: ParseTask) -> Parsed:
    """Parse a file like a machine that does not see our disk."""
    return parse(replace(item, path=Path("/nowhere")))


def score_or_die(item: tuple[Notes, str, Credits]) -> bytes:
    """Return a placeholder for a score, but let one title crash the process."""
    if item[1] == "1942":
        os.kill(os.getpid(), signal.SIGSEGV)
    return b"<score/>"
