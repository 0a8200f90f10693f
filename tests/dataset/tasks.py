"""What the workers of the tests do: some of it kills them. They run in processes of their own, so they live in a module."""

import os
import signal
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from dataset.notes.model import Notes
from dataset.parallel import executors
from dataset.parse import Parsed, ParseTask, parse

KILLER, SLEEPER, BOSS = b"kills its worker", b"hangs its worker", b"kills its boss unless "


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


def parse_or_die(source: ParseTask) -> Parsed:
    """Parse a file as the real task does, but let two kinds of bytes end the process as a crash and a hang would."""
    data = b""
    with suppress(OSError):
        data = source.read()
    if KILLER in data:
        os.kill(os.getpid(), signal.SIGSEGV)
    if SLEEPER in data:
        signal.raise_signal(signal.SIGALRM)  # what ends a worker whose time is up
    return parse(source)


def parse_late(source: ParseTask) -> Parsed:
    """Parse a file as the real task does, but about one in eight a good deal later than the others."""
    if source.sha256 < "2":
        time.sleep(0.1)
    return parse(source)


def parse_or_kill_the_boss(source: ParseTask) -> Parsed:
    """Parse a file as the real task does, but let one kind of bytes end the process that this one works for.

    They name the process that is spared, which is that of the tests.
    """
    data = source.read()
    if data.startswith(BOSS) and os.getppid() != int(data.removeprefix(BOSS)):
        os.kill(os.getppid(), signal.SIGKILL)
    return parse(source)


def another_version() -> None:
    """Make this process one that has another symusic."""
    executors.environment = lambda: (("symusic", "0.0.1"),)  # type: ignore[assignment]


def parse_what_came_along(source: ParseTask) -> Parsed:
    """Parse a file as a machine does that does not see our disk."""
    return parse(replace(source, path=Path("/nowhere")))


def score_or_die(item: tuple[Notes, str]) -> bytes:
    """Write a score that is none, but let one title end the process."""
    if item[1] == "1942":
        os.kill(os.getpid(), signal.SIGSEGV)
    return b"<score/>"
