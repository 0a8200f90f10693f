"""What long work reports while it runs: messages, warnings, files that were written, and progress.

Library functions take an `Observer` and never print. By default warnings go to `logging` and the rest is dropped; commands
pass the one of `training.commands.console_observer`.
"""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class ProgressBar(Protocol):
    """Progress of one task: call it with (done, total); `label` may change on the way."""

    label: str

    def __call__(self, done: int, total: int) -> None:
        """Set how far the task is; `total` is 0 while it is unknown."""
        ...


class OpenProgress(Protocol):
    """Return a progress bar as a context manager; `plain` says whether it shows without a terminal, too."""

    def __call__(self, label: str, *, plain: bool = True) -> AbstractContextManager[ProgressBar]:
        """Open the bar of one task."""
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
    """Report nothing."""


@dataclass(frozen=True, slots=True)
class Observer:
    """Callbacks for what a library function reports while it works."""

    message: Callable[[str], None] = _drop  # a line for a reader, such as the figures of an epoch
    warning: Callable[[str], None] = logging.getLogger("training").warning
    written: Callable[[Path], None] = _drop  # a file that was written
    progress: OpenProgress = SilentProgress
