"""Safe standard streams: no terminal control characters and no encoding errors.

`install_clean_streams` replaces standard output and standard error by a `CleanStream`, so all
output passes through it, including that of libraries. A closed stream is replaced by the null
device, so that no other file gets its number. If the reader of standard output is gone, the command
ends with exit code 141. Other write errors on standard output are reported. Errors on standard
error are ignored.
"""

import codecs
import errno
import io
import os
import sys
import unicodedata
from typing import TextIO

STDOUT_NAME = "standard output"
EXIT_BROKEN_PIPE = 141  # exit code after SIGPIPE, as shells use it
_INVISIBLE = (
    "Cc",
    "Cf",
    "Cs",
    "Co",
    "Cn",
)  # Unicode categories: control, format, surrogate, private use, unassigned
_ASCII = {"─": "-", "–": "-", "—": "-", "…": "...", "×": "x", "→": "->", "“": '"', "”": '"', "’": "'", "│": "|"}


def printable(text: str) -> str:
    """Return `text` without invisible characters.

    White space other than space, tab and line feed becomes a space.
    """
    return "\n".join(line if line.isprintable() else _printable(line) for line in text.split("\n"))


def _printable(line: str) -> str:
    kept = (c for c in line if c.isspace() or unicodedata.category(c) not in _INVISIBLE)
    return "".join(" " if c.isspace() and c != "\t" else c for c in kept)


class CleanStream(io.TextIOBase):
    """A text stream that writes the `printable` part of text to `stream`.

    It has no `buffer` attribute, so that nothing bypasses it.
    """

    def __init__(self, stream: TextIO, *, required: bool) -> None:
        """Wrap `stream`; write errors are ignored unless `required`."""
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
        """The encoding error handler of `stream`."""
        return self.stream.errors

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, text: str) -> int:
        """Write the `printable` part of `text`.

        Raises TypeError for bytes, by which libraries detect that this is a text stream.
        """
        if not isinstance(text, str):
            raise TypeError("expected str")
        self._check()
        try:
            if text:  # /dev/full fails even for "", which libraries write to test a stream
                self.stream.write(printable(text))
        except OSError as error:
            self._handle_failure(error)
        return len(text)

    def flush(self) -> None:
        """Flush `stream`."""
        self._check()
        try:
            self.stream.flush()
        except OSError as error:
            self._handle_failure(error)

    def isatty(self) -> bool:
        """Whether `stream` is a terminal."""
        return self.stream.isatty()

    def fileno(self) -> int:
        """The file descriptor of `stream`."""
        return self.stream.fileno()

    def _handle_failure(self, error: OSError) -> None:
        """Redirect further output to the null device, and raise if output is required."""
        _redirect_to_null(self.stream.fileno())
        if self._required:
            error.filename = STDOUT_NAME
            self._error = SystemExit(EXIT_BROKEN_PIPE) if error.errno == errno.EPIPE else error
            self._check()

    def _check(self) -> None:
        """Raise the error that ended this stream, on every call.

        A library may have swallowed it the first time.
        """
        if self._error is not None:
            raise self._error

    def silence(self) -> None:
        """Ignore errors from now on: the cause has been reported."""
        self._error, self._required = None, False


def install_clean_streams() -> None:
    """Replace standard output and standard error by a CleanStream, once."""
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
    """Return the stream that a CleanStream wraps.

    For code that draws on a terminal and cleans its own text.
    """
    return stream.stream if isinstance(stream, CleanStream) else stream


def _open_null() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - stays open for the life of the process


def _redirect_to_null(number: int) -> None:
    """Redirect file descriptor `number` to the null device."""
    null = os.open(os.devnull, os.O_RDWR)
    if null != number:
        os.dup2(null, number)
        os.close(null)


def _ascii_fallback(error: UnicodeError) -> tuple[str, int]:
    """Return the replacement of characters that an encoding cannot represent.

    Known punctuation becomes ASCII. Other characters are written as Python escapes, \\xe9.
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    unencodable = error.object[error.start : error.end]
    replaced = (_ASCII.get(c) or c.encode("ascii", "backslashreplace").decode() for c in unencodable)
    return "".join(replaced), error.end


_ERRORS = "vgpiano.spelled"
codecs.register_error(_ERRORS, _ascii_fallback)
