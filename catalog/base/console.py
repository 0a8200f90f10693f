"""How every command of ours speaks: errors in one line with an exit code, progress, and text from the web made harmless.

The functions print nothing themselves but through rich's console on standard error; results go to standard output in each `cli.py`.
"""

import errno
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from enum import StrEnum
from types import FrameType, TracebackType
from typing import Any

from catalog.base.errors import VgpianoError
from catalog.base.streams import CleanStream, install_clean_streams, printable, underlying

_REMEDIES = {
    errno.ENOSPC: "free some space, then run this again: what was written so far is kept",
    errno.EDQUOT: "free some of your quota, then run this again: what was written so far is kept",
    errno.EFBIG: "allow larger files (see `ulimit -f`), then run this again: what was written so far is kept",
    errno.EROFS: "choose a folder that can be written, such as with --root",
    errno.EACCES: "make it yours to read and write, or choose another folder, such as with --root",
    errno.EPERM: "make it yours to read and write, or choose another folder, such as with --root",
    errno.ENOTDIR: "a file stands where a folder is needed: move it away, or choose another folder, such as with --root",
    errno.EISDIR: "a folder stands where a file is needed: move it away, then run this again",
    errno.EEXIST: "a file stands where a folder is needed: move it away, or choose another folder, such as with --root",
}
EXIT_INTERRUPTED = 130  # the exit code of what Ctrl-C ended, as a shell has it
PLAIN_INTERVAL_S = 10.0  # how often a run without a terminal says how far it is

Report = Callable[[int, int], None]  # (done, total); total 0 where it is not known


class Format(StrEnum):
    """How rows are printed (`catalog.base.output`)."""

    table = "table"
    csv = "csv"
    json = "json"


def clean(text: str) -> str:
    """Return `text` without control, bidi and other invisible format characters, white space folded to single spaces."""
    return " ".join(printable(text).split())


def one_line(text: object) -> str:
    """Return `text`, such as a path, as one line of printable characters, with every space that it has."""
    return " ".join(printable(str(text)).expandtabs(1).split("\n"))


def print_message(message: str) -> None:
    """Write one line to standard error, with nothing in it that a terminal could take as a command."""
    sys.stderr.write(clean(message) + "\n")
    sys.stderr.flush()


def set_stop_hint(advice: str) -> None:
    """Let Ctrl-C from now on say `advice`: what is kept, and how to go on."""
    _stop_hint[0] = advice


_stop_hint = ["what was finished is kept, and nothing half-written is left; the same command begins again"]


def run(app: Any) -> None:
    """Run a typer `app` as a console script: our errors become one line and an exit code, Ctrl-C becomes 130.

    What it prints is cleaned on its way out, whoever prints it.
    """
    install_clean_streams()
    interrupted = _watch_interrupt()
    try:
        code: Any = _run_app(app)
        sys.stdout.flush()
    except BaseException as error:  # noqa: BLE001 - a mistake of ours is raised again
        code = _report_error(error, interrupted.is_set())
    else:
        if code == EXIT_INTERRUPTED:
            print_message(f"stopped: {_stop_hint[0]}")
    if isinstance(sys.stdout, CleanStream):
        sys.stdout.silence()
    if signal.getsignal(signal.SIGINT) not in (signal.SIG_IGN, None):
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # the end of the interpreter has nothing to tell
    raise SystemExit(code)


def _report_error(error: BaseException, interrupted: bool) -> Any:
    """Say what ended a command, in one line, and return its exit code. Raises `error` again where it is a mistake of ours."""
    if isinstance(error, SystemExit):
        try:
            sys.stdout.flush()
        except OSError as late:
            return _report_error(late, interrupted)
        except SystemExit as late:
            return late.code
        return EXIT_INTERRUPTED if interrupted else error.code
    if interrupted or isinstance(error, KeyboardInterrupt):
        print_message(f"stopped: {_stop_hint[0]}")
        return EXIT_INTERRUPTED
    problem = _error_line(error)
    if problem is None:
        raise error
    print_message(f"error: {problem}")
    return getattr(error, "exit_code", 1)


def _watch_interrupt() -> threading.Event:
    """Return what is set once Ctrl-C is pressed: a library may turn the exception that it raises into another."""
    interrupted = threading.Event()

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        interrupted.set()
        raise KeyboardInterrupt

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, on_interrupt)
    return interrupted


def _run_app(app: Any) -> int:
    """Run `app` and return its exit code; wrong usage is said as the library for command lines says it."""
    try:
        code = app(standalone_mode=False)
    except RuntimeError as error:  # Ctrl-C becomes one of these in older versions of typer
        if isinstance(error.__cause__, KeyboardInterrupt):
            return EXIT_INTERRUPTED
        raise
    except Exception as error:
        if not hasattr(error, "show") or not hasattr(error, "exit_code"):
            raise
        error.show()
        return int(error.exit_code)
    return code if isinstance(code, int) else 0


def _error_line(error: BaseException) -> str | None:
    """Return an error of the user's, of the system's or of memory as one line; None for any other, a mistake of ours."""
    match error:
        case VgpianoError():
            return str(error)
        case OSError():
            return _system_error(error)
        case MemoryError():
            return "there is not enough memory for this; close other programs, or ask for less at a time"
        case RecursionError():
            return "what was read is nested too deeply; look for the file that was changed last, and bring it back"
    return None


def _system_error(error: OSError) -> str:
    """Return what the system refused, where, and what to do about it."""
    where = f"{error.filename}: " if error.filename else ""
    number = error.errno or _find_errno(str(error))
    what = (error.strerror if error.errno else None) or (os.strerror(number) if number else "") or str(error)
    remedy = _REMEDIES.get(number, "nothing half-written is left: run this again when that is mended")
    return f"{where}{what or type(error).__name__}; {remedy}"


def _find_errno(text: str) -> int:
    """Return the number of the system's error that a library tells of in words (HDF5: errno = 28), 0 where it does not."""
    found = re.search(r"\berrno(?: =)? (\d{1,3})\b", text, re.IGNORECASE)
    return int(found[1]) if found else 0


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
        elif self.plain and time.monotonic() - self._last >= PLAIN_INTERVAL_S:
            self._last = time.monotonic()
            print_message(f"{self.label}: {done} of {total}" if total else f"{self.label}: {done}")

    def _draw(self, done: int, total: int) -> None:
        if self._bar is None:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as RichProgress

            description = TextColumn("{task.description}", markup=False)
            terminal = Console(file=underlying(sys.stderr))
            self._bar = RichProgress(
                *(description, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()),
                console=terminal,
                transient=True,
                redirect_stdout=sys.stdout.isatty(),
            )
            self._task = self._bar.add_task(clean(self.label), total=total or None)
            self._bar.start()
            # what is printed meanwhile goes above the bar, and on its way there is cleaned too
            for name in ("stdout", "stderr"):
                setattr(sys, name, CleanStream(getattr(sys, name), required=name == "stdout"))
        self._bar.update(self._task, completed=done, total=total or None, description=clean(self.label))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
