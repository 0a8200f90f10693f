"""`Observer`: callbacks for messages, warnings, written files and progress.

Library functions take an observer and never print. By default, warnings go to `logging` and the rest is dropped.
Commands pass the one of `training.commands.console_observer`.
"""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class ProgressBar(Protocol):
    """Progress of one task: call it with (done, total); `label` may change."""

    label: str

    def __call__(self, done: int, total: int) -> None:
        """Set the progress; `total` is 0 while it is unknown."""
        ...


class OpenProgress(Protocol):
    """Opens progress bars; `plain` bars are also shown without a terminal."""

    def __call__(self, label: str, *, plain: bool = True) -> AbstractContextManager[ProgressBar]:
        """Open the bar of one task, as a context manager."""
        ...


class SilentProgress(AbstractContextManager["SilentProgress"]):
    """A progress bar that shows nothing."""

    def __init__(self, label: str, *, plain: bool = True) -> None:
        self.label = label

    def __call__(self, done: int, total: int) -> None:
        """Show nothing."""

    def __exit__(self, *exception: object) -> None:
        """Close nothing."""


def _drop(value: object) -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True)
class Observer:
    """Callbacks for what a library function reports while it works."""

    message: Callable[[str], None] = _drop  # a line for a reader, such as the figures of an epoch
    warning: Callable[[str], None] = logging.getLogger("training").warning
    written: Callable[[Path], None] = _drop  # a file that was written
    progress: OpenProgress = SilentProgress
