"""An `Observer` that prints.

Messages and file names go to standard output, warnings and progress to standard error.
"""

from pathlib import Path

from catalog.base import console
from training.observer import Observer


def console_observer() -> Observer:
    """Return the observer of the commands."""
    return Observer(_print, _warn, _print_path, console.Progress)


def _print(line: str) -> None:
    print(line, flush=True)


def _warn(message: str) -> None:
    console.print_message(f"warning: {message}")


def _print_path(path: Path) -> None:
    print(console.one_line(path), flush=True)
