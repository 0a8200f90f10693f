"""Standard output and standard error of every command: nothing reaches them that a terminal would obey or that they cannot encode.

Whatever prints, ours or a library, prints through `CleanStream`, which `install_clean_streams` puts in their place. A stream that was closed is
replaced by the null device, so that no file of ours gets its number. Where nobody reads standard output any more, the command ends
as others do (exit code 141); where it cannot be written, that is an error with its name. Standard error never ends a command.
"""

import codecs
import errno
import io
import os
import sys
import unicodedata
from typing import TextIO

STDOUT_NAME = "standard output"
EXIT_BROKEN_PIPE = 141  # the exit code of what SIGPIPE ends, as a shell has it
_INVISIBLE = (
    "Cc",
    "Cf",
    "Cs",
    "Co",
    "Cn",
)  # controls, bidi and other format characters, half characters, nothing assigned
_ASCII = {"─": "-", "–": "-", "—": "-", "…": "...", "×": "x", "→": "->", "“": '"', "”": '"', "’": "'", "│": "|"}


def printable(text: str) -> str:
    """Return `text` without invisible characters, white space but space, tab and line feed made a space."""
    return "\n".join(line if line.isprintable() else _printable(line) for line in text.split("\n"))


def _printable(line: str) -> str:
    kept = (c for c in line if c.isspace() or unicodedata.category(c) not in _INVISIBLE)
    return "".join(" " if c.isspace() and c != "\t" else c for c in kept)


class CleanStream(io.TextIOBase):
    """A text stream that writes to `stream` what `printable` leaves. It has no `buffer`, so that nothing goes past it."""

    def __init__(self, stream: TextIO, *, required: bool) -> None:
        """Where `required` is False a write that fails is passed over."""
        self.stream = stream
        self._required = required
        self._error: BaseException | None = None
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ERRORS)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of `stream`."""
        return self.stream.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        """What `stream` does with a character that its encoding lacks."""
        return self.stream.errors

    def writable(self) -> bool:
        """Whether it can be written to: always."""
        return True

    def write(self, text: str) -> int:
        """Write what `printable` leaves of `text`. Raises TypeError for bytes, by which libraries find out that it takes text."""
        if not isinstance(text, str):
            raise TypeError("a text is expected")
        self._check()
        try:
            if text:  # /dev/full refuses even nothing, with which libraries try what a stream takes
                self.stream.write(printable(text))
        except OSError as error:
            self._handle_failure(error)
        return len(text)

    def flush(self) -> None:
        """Hand on what waits in `stream`."""
        self._check()
        try:
            self.stream.flush()
        except OSError as error:
            self._handle_failure(error)

    def isatty(self) -> bool:
        """Whether `stream` is a terminal."""
        return self.stream.isatty()

    def fileno(self) -> int:
        """The number of `stream`."""
        return self.stream.fileno()

    def _handle_failure(self, error: OSError) -> None:
        """Write nothing more, and end the command where it owes somebody what it prints."""
        _redirect_to_null(self.stream.fileno())
        if self._required:
            error.filename = STDOUT_NAME
            self._error = SystemExit(EXIT_BROKEN_PIPE) if error.errno == errno.EPIPE else error
            self._check()

    def _check(self) -> None:
        """Raise what ended this stream, time and again: a library may have taken it for something else."""
        if self._error is not None:
            raise self._error

    def silence(self) -> None:
        """Be quiet from now on: the command has said what ended it."""
        self._error, self._required = None, False


def install_clean_streams() -> None:
    """Put a CleanStream in the place of standard output and of standard error, once."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            _redirect_to_null(number)
    if not isinstance(sys.stdout, CleanStream):
        sys.stdout = CleanStream(sys.stdout or _open_null(), required=True)
    if not isinstance(sys.stderr, CleanStream):
        sys.stderr = CleanStream(sys.stderr or _open_null(), required=False)


def underlying(stream: TextIO) -> TextIO:
    """Return the stream below a CleanStream, for what must draw on a terminal and cleans its own text."""
    return stream.stream if isinstance(stream, CleanStream) else stream


def _open_null() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - open for as long as the process is


def _redirect_to_null(number: int) -> None:
    """Let file `number` be the null device."""
    null = os.open(os.devnull, os.O_RDWR)
    if null != number:
        os.dup2(null, number)
        os.close(null)


def _ascii_fallback(error: UnicodeError) -> tuple[str, int]:
    """Return what stands for characters that an encoding lacks: signs of ours in ASCII, others as Python writes them, \\xe9."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    unencodable = error.object[error.start : error.end]
    replaced = (_ASCII.get(c) or c.encode("ascii", "backslashreplace").decode() for c in unencodable)
    return "".join(replaced), error.end


_ERRORS = "vgpiano.spelled"
codecs.register_error(_ERRORS, _ascii_fallback)
