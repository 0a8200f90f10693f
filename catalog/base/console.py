"""Console behaviour of all commands: errors, exit codes, progress, clean text.

Errors become one line on standard error and an exit code. Text from the web is cleaned before it is
printed. Results are printed to standard output by each `cli.py`.
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
from dataclasses import dataclass
from enum import StrEnum
from types import FrameType, TracebackType
from typing import Any

from catalog.base.errors import VgpianoError
from catalog.base.streams import CleanStream, install_clean_streams, printable, underlying

_REMEDIES = {
    errno.ENOSPC: "free some space, then run this again: what was written so far is kept",
    errno.EDQUOT: "free some of your quota, then run this again: what was written so far is kept",
    errno.EFBIG: "allow larger files (see `ulimit -f`), then run this again: what was written so far is kept",
    errno.EROFS: "choose a writable folder, such as with --root",
    errno.EACCES: "allow reading and writing it, or choose another folder, such as with --root",
    errno.EPERM: "allow reading and writing it, or choose another folder, such as with --root",
    errno.ENOTDIR: "a file is where a folder is needed: move it away, or choose another folder, such as with --root",
    errno.EISDIR: "a folder is where a file is needed: move it away, then run this again",
    errno.EEXIST: "a file is where a folder is needed: move it away, or choose another folder, such as with --root",
}
EXIT_INTERRUPTED = 130  # exit code after Ctrl-C, as shells use it
PLAIN_INTERVAL_S = 10.0  # seconds between progress lines without a terminal; 0 gives one at each call only

Report = Callable[[int, int], None]  # (done, total); total is 0 if unknown


class Format(StrEnum):
    """Output format of table rows (see `catalog.base.output`)."""

    table = "table"
    csv = "csv"
    json = "json"


def clean(text: str) -> str:
    """Return `text` as one line without control or invisible characters.

    Bidirectional and other format characters are removed. Each run of white space becomes one
    space.
    """
    return " ".join(printable(text).split())


def one_line(text: object) -> str:
    """Return `text`, such as a path, as one printable line that keeps its spaces."""
    return " ".join(printable(str(text)).expandtabs(1).split("\n"))


def print_message(message: str) -> None:
    """Write one cleaned line to standard error.

    The line contains no characters that a terminal interprets as commands.
    """
    sys.stderr.write(clean(message) + "\n")
    sys.stderr.flush()


def set_stop_hint(advice: str) -> None:
    """Set the text that is printed after Ctrl-C: what is kept and how to resume."""
    _stop_hint[0] = advice


_stop_hint = ["finished work is kept and no partial file is left; run the same command to start again"]


def run(app: Any) -> None:
    """Run a Typer `app` as a console script.

    Exceptions of the `VgpianoError` tree and system errors become one line and an exit code. Ctrl-C
    becomes exit code 130. Everything printed on the way is cleaned.
    """
    install_clean_streams()
    interrupted = _watch_interrupt()
    try:
        code: Any = _run_app(app)
        sys.stdout.flush()
    except BaseException as error:  # noqa: BLE001 - programming errors are raised again
        code = _report_error(error, interrupted.is_set())
    else:
        if code == EXIT_INTERRUPTED:
            print_message(f"stopped: {_stop_hint[0]}")
    if isinstance(sys.stdout, CleanStream):
        sys.stdout.silence()
    if signal.getsignal(signal.SIGINT) not in (signal.SIG_IGN, None):
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # no message while the interpreter exits
    raise SystemExit(code)


def _report_error(error: BaseException, interrupted: bool) -> Any:
    """Print what ended a command as one line and return the exit code.

    Re-raises `error` if it is a programming error.
    """
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
    """Install a Ctrl-C handler and return the event that it sets.

    The event is needed because a library may convert the KeyboardInterrupt to another exception.
    """
    interrupted = threading.Event()

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        interrupted.set()
        raise KeyboardInterrupt

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, on_interrupt)
    return interrupted


def _run_app(app: Any) -> int:
    """Run `app` and return its exit code; usage errors are printed by Click."""
    try:
        code = app(standalone_mode=False)
    except RuntimeError as error:  # older versions of Typer raise it for Ctrl-C
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
    """Return a user, system or memory error as one line; None for other errors."""
    match error:
        case VgpianoError():
            return str(error)
        case OSError():
            return _system_error(error)
        case MemoryError():
            return "not enough memory; close other programs, or request less at a time"
        case RecursionError():
            return "the input is nested too deeply; restore the file that was changed last"
    return None


def _system_error(error: OSError) -> str:
    """Return the path, the cause and the remedy of a system error as one line."""
    where = f"{error.filename}: " if error.filename else ""
    number = error.errno or _find_errno(str(error))
    what = (error.strerror if error.errno else None) or (os.strerror(number) if number else "") or str(error)
    remedy = _REMEDIES.get(number, "no partial file is left: fix the cause, then run this again")
    return f"{where}{what or type(error).__name__}; {remedy}"


def _find_errno(text: str) -> int:
    """Return the errno that a library message contains (HDF5: errno = 28), or 0."""
    found = re.search(r"\berrno(?: =)? (\d{1,3})\b", text, re.IGNORECASE)
    return int(found[1]) if found else 0


class Progress(AbstractContextManager["Progress"]):
    """A progress bar on a terminal; elsewhere one plain line every ten seconds.

    Call it with (done, total), or pass it wherever a library function takes a `Report`. Work that
    ends within ten seconds prints no plain line. `label` may be changed while it runs. With
    `plain=False` nothing is printed without a terminal, for work that prints its own lines. After the
    first call, a plain line is also printed if no other comes for ten seconds.
    """

    def __init__(self, label: str, *, plain: bool = True) -> None:
        self.label, self.plain = label, plain
        self._bar: Any = None
        self._task: Any = None
        self._last = time.monotonic()
        self._done = self._total = 0
        self._printing = threading.Lock()
        self._watch: threading.Thread | None = None
        self._ended = threading.Event()

    def __call__(self, done: int, total: int) -> None:
        self._done, self._total = done, total
        if self._watch is None and self.plain and PLAIN_INTERVAL_S and not sys.stderr.isatty():
            self._watch = threading.Thread(target=self._print_regularly, daemon=True)
            self._watch.start()
        if sys.stderr.isatty():
            self._draw(done, total)
        elif self.plain and time.monotonic() - self._last >= PLAIN_INTERVAL_S:
            self._print()

    def _print_regularly(self) -> None:
        while not self._ended.wait(max(0.01, self._last + PLAIN_INTERVAL_S - time.monotonic())):
            self._print()

    def _print(self) -> None:
        """Print a plain line, unless another thread has just printed one."""
        with self._printing:
            if self._ended.is_set() or time.monotonic() - self._last < PLAIN_INTERVAL_S:
                return
            self._last = time.monotonic()
            counts = f": {self._done} of {self._total}" if self._total else f": {self._done}" if self._done else " …"
            print_message(f"{self.label}{counts}")

    def relabel(self, label: str) -> None:
        """Begin another stage of the work, which counts from 0 again."""
        if label == self.label:
            return
        if self._bar is not None:
            self._bar.reset(self._task)
        self.label, self._done, self._total = label, 0, 0

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
            # output printed meanwhile appears above the bar, and is cleaned too
            for name in ("stdout", "stderr"):
                setattr(sys, name, CleanStream(getattr(sys, name), required=name == "stdout"))
        self._bar.update(self._task, completed=done, total=total or None, description=clean(self.label))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._bar is not None:
            self._bar.stop()


@dataclass(frozen=True, slots=True)
class _Stage:
    """The report of one stage of a command; its label is shown when it is called."""

    progress: Progress
    label: str

    def __call__(self, done: int, total: int) -> None:
        self.progress.relabel(self.label)
        self.progress(done, total)


def stage(report: Report, label: str) -> Report:
    """Return the report of another stage of the work that `report` shows.

    A report that is not a `Progress` has no labels, and hears only of the first stage.
    """
    if isinstance(report, Progress | _Stage):
        return _Stage(report if isinstance(report, Progress) else report.progress, label)
    return lambda done, total: None
