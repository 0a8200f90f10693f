"""What the workers of the tests do: some of it kills them. They run in processes of their own, so they live in a module."""

import os
import signal
import time
from pathlib import Path

from dataset.parse import Parsed, Source, parse

KILLER, SLEEPER = b"kills its worker", b"hangs its worker"


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


def parse_or_die(source: Source) -> Parsed:
    """Parse a file as the real task does, but let two kinds of bytes end the process as a crash and a hang would."""
    data = source.read()
    if KILLER in data:
        os.kill(os.getpid(), signal.SIGSEGV)
    if SLEEPER in data:
        signal.raise_signal(signal.SIGALRM)  # what ends a worker whose time is up
    return parse(source)


def parse_late(source: Source) -> Parsed:
    """Parse a file as the real task does, but about one in eight a good deal later than the others."""
    if source.sha256 < "2":
        time.sleep(0.1)
    return parse(source)
