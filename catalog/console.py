"""How every command of ours speaks: errors in one line with an exit code, progress, and text from the web made harmless.

The functions print nothing themselves but through rich's console on standard error; results go to standard output in each `cli.py`.
"""

import errno
import sys
import time
import unicodedata
from collections.abc import Callable
from contextlib import AbstractContextManager
from enum import StrEnum
from types import TracebackType
from typing import Any

from catalog.errors import VgpianoError

_REMEDIES = {
    errno.ENOSPC: "free some space, then run this again: what was written so far is kept",
    errno.EDQUOT: "free some of your quota, then run this again: what was written so far is kept",
    errno.EROFS: "choose a folder that can be written, such as with --root",
    errno.EACCES: "make it yours to read and write, or choose another folder, such as with --root",
    errno.EPERM: "make it yours to read and write, or choose another folder, such as with --root",
    errno.ENOTDIR: "a file stands where a folder is needed: move it away, or choose another folder, such as with --root",
    errno.EEXIST: "a file stands where a folder is needed: move it away, or choose another folder, such as with --root",
}
PLAIN_EVERY_S = 10.0  # how often a run without a terminal says how far it is

Report = Callable[[int, int], None]  # (done, total); total 0 where it is not known


class Format(StrEnum):
    """How rows are printed (`catalog.output`)."""

    table = "table"
    csv = "csv"
    json = "json"


def clean(text: str) -> str:
    """Return `text` without control, bidi and other invisible format characters, white space folded to single spaces."""
    kept = (
        " " if c.isspace() else c
        for c in text
        if c.isspace() or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn")
    )
    return " ".join("".join(kept).split())


def complain(message: str) -> None:
    """Write one line to standard error, with nothing in it that a terminal could take as a command."""
    sys.stderr.write(clean(message) + "\n")
    sys.stderr.flush()


def run(app: Any) -> None:
    """Run a typer `app` as a console script: our errors become one line and an exit code, Ctrl-C becomes 130."""
    try:
        app()
    except VgpianoError as error:
        complain(f"error: {error}")
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        complain("stopped")
        raise SystemExit(130) from None
    except OSError as error:
        complain(f"error: {_trouble(error)}")
        raise SystemExit(1) from None
    except MemoryError:
        complain("error: there is not enough memory for this; close other programs, or ask for less at a time")
        raise SystemExit(1) from None
    except RecursionError:
        complain(
            "error: what was read is nested too deeply; look for the file that was changed last, and bring it back"
        )
        raise SystemExit(1) from None


def _trouble(error: OSError) -> str:
    """Return what the system refused, where, and what to do about it."""
    where = f"{error.filename}: " if error.filename else ""
    what = error.strerror or str(error) or type(error).__name__
    return f"{where}{what}; {_REMEDIES.get(error.errno or 0, 'nothing half-written is left: run this again when that is mended')}"


class Progress(AbstractContextManager["Progress"]):
    """A bar on a terminal, a plain line every ten seconds elsewhere, nothing at all for work that ends at once.

    Call it with (done, total); pass it wherever a library function takes a `Report`. `label` may change on the way; with
    `plain` False nothing is said where there is no terminal, for work that has lines of its own.
    """

    def __init__(self, label: str, *, plain: bool = True) -> None:
        self.label, self.plain = label, plain
        self._bar: Any = None
        self._task: Any = None
        self._last = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        if sys.stderr.isatty():
            self._draw(done, total)
        elif self.plain and time.monotonic() - self._last >= PLAIN_EVERY_S:
            self._last = time.monotonic()
            complain(f"{self.label}: {done} of {total}" if total else f"{self.label}: {done}")

    def _draw(self, done: int, total: int) -> None:
        if self._bar is None:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as RichProgress

            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._bar = RichProgress(
                *columns, console=Console(stderr=True), transient=True, redirect_stdout=sys.stdout.isatty()
            )
            self._task = self._bar.add_task(self.label, total=total or None)
            self._bar.start()
        self._bar.update(self._task, completed=done, total=total or None, description=self.label)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
