"""The journal of requests, root/scrape/journal.jsonl: one JSON object a line.

A run writes a line at its start, one after each request (redirects and retries included), and one with totals at its
end. Lines are only appended. `audit.py` verifies them.
"""

import errno
import fcntl
import json
import os
import stat
import sys
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import pyarrow as pa

from catalog.base.console import clean
from catalog.base.errors import CatalogError, ScrapeError
from catalog.storage.files import naming
from catalog.storage.reading import Count, NotNegative, Sha256, parse_json
from scraper.http.fetch import Fetcher
from scraper.http.response import RequestRecord

Line = dict[str, Any]
FIELDS = {  # the fields of a line, in order; fields without a value are omitted
    "event": "begin, request or end",
    "run": "id of the run, twelve hexadecimal digits",
    "at": "time in UTC; of a request, its start",
    "what": "begin: what is scraped",
    "site": "begin: scheme and host of the site",
    "private": "begin: whether the site is on this machine or the local network, where no delay is required",
    "agent": "begin: the User-Agent header of every request",
    "pid": "begin: the process id",
    "n": "request: its number in the run, from 1",
    "clock": "request: its start in seconds since the session was created, by a monotonic clock",
    "url": "request: the address",
    "asked": "request: the address before redirects, if different",
    "try": "request: number of the attempt, from 1",
    "status": "request: the HTTP status",
    "bytes": "request: bytes of the decompressed body; end: of all bodies",
    "seconds": "request: its duration",
    "delay": "request: minimum seconds since the start of the previous request",
    "outcome": "request: ok, fetched, or a stable snake_case id of the problem; end: done, or the exception that ended the run",
    "error": "request: the problem as text",
    "retry_after": "request: seconds to wait, from Retry-After",
    "sha256": "request: SHA-256 of a received body, hexadecimal",
    "etag": "request: its ETag header",
    "last_modified": "request: its Last-Modified header",
    "requests": "end: number of requests",
}
"""The fields of a line and their meaning. The last line of a run also has its totals."""

COLUMNS = pa.schema(
    [
        *((name, pa.string()) for name in ("at", "run", "event", "what")),
        *((name, pa.int64()) for name in ("try", "status", "bytes")),
        *((name, pa.float64()) for name in ("seconds", "delay")),
        *((name, pa.string()) for name in ("outcome", "error")),
    ]
)


@dataclass(frozen=True, slots=True)
class _Event:
    """The fields of every line."""

    event: Literal["begin", "request", "end"]
    run: str
    at: str


@dataclass(frozen=True, slots=True)
class _Begin(_Event):
    """The first line of a run."""

    what: str
    site: str
    private: bool
    agent: str
    pid: Count


@dataclass(frozen=True, slots=True)
class _Request(_Event):
    """One request. The field `try` is omitted: it is a Python keyword."""

    n: Count
    clock: NotNegative
    url: str
    bytes: Count
    seconds: NotNegative
    delay: NotNegative
    outcome: str
    asked: str | None = None
    status: Count | None = None
    error: str | None = None
    retry_after: NotNegative | None = None
    sha256: Sha256 | None = None
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class _End(_Event):
    """The last line of a run; its totals are further fields."""

    outcome: str
    requests: Count
    bytes: Count


LINE_TYPES: dict[str, type[_Event]] = {"begin": _Begin, "request": _Request, "end": _End}
NOT_A_REGULAR_FILE = "{} is not a regular file; move it away to start a new journal, or replace a link by its file"
_TAIL_BYTES = 64 << 10  # longer than any line


class Journal:
    """The journal below the data root `root`; several processes may append to it.

    Each line is written with one system call, so a killed process loses none. Lines are not synced to disk: a power
    cut may lose those of the last seconds.
    """

    def __init__(self, root: Path) -> None:
        self.path = root / "scrape" / "journal.jsonl"

    def append(self, line: Line) -> None:
        """Append one line, after removing a partial last line left by a killed process."""
        data = (json.dumps(line, separators=(",", ":")) + "\n").encode()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with naming(self.path), os.fdopen(self._open(os.O_RDWR | os.O_APPEND | os.O_CREAT), "ab+", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            _repair_end(file.fileno())
            file.write(data)

    def _open(self, how: int) -> int:
        """Return a file descriptor. Raises CatalogError unless it is a regular file."""
        try:
            handle = os.open(self.path, how | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o644)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENXIO, errno.EISDIR):
                raise CatalogError(NOT_A_REGULAR_FILE.format(self.path)) from None
            raise
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise CatalogError(NOT_A_REGULAR_FILE.format(self.path))
        return handle

    def lines(self) -> Iterator[tuple[int, Line | None]]:
        """Yield (line number from 1, line), with None for an unreadable line.

        A partial last line is skipped.
        """
        try:
            handle = self._open(os.O_RDONLY)
        except FileNotFoundError:
            return
        with os.fdopen(handle, "rb") as file:
            for number, text in enumerate(file, start=1):
                line = _parse_line(text)
                if line is not None or text.endswith(b"\n"):
                    yield number, line

    def table(self, last: int | None = None) -> pa.Table:
        """Return all lines, or the `last` ones, as a table with the columns COLUMNS.

        `what` is the scraped section, or the address of a request.
        """
        lines = deque((line for _, line in self.lines() if line is not None), maxlen=last)
        rows = [{name: _column_value(line, name) for name in COLUMNS.names} for line in lines]
        return pa.Table.from_pylist(rows, schema=COLUMNS)

    def stored(self, names: set[str]) -> dict[str, Line]:
        """Return the last line about each SHA-256 of `names` that was received."""
        found = {}
        for _, line in self.lines() if names else ():
            if line is not None and line.get("sha256") in names:
                found[str(line["sha256"])] = line
        return found


class RunLog:
    """Writes the journal lines of one run; `totals` are added to its last line."""

    def __init__(self, journal: Journal) -> None:
        self.totals: Counter[str] = Counter()
        self._journal = journal
        self._run = uuid4().hex[:12]
        self._requests = 0
        self._bytes = 0

    def begin(self, fetcher: Fetcher, what: str) -> None:
        """Write the first line: the site, the User-Agent and what is scraped."""
        site = fetcher.site
        self._write("begin", what=what, site=site.origin, private=site.private, agent=fetcher.agent, pid=os.getpid())

    def __call__(self, record: RequestRecord) -> None:
        """Write one request."""
        self._requests += 1
        self._bytes += record.bytes
        facts = {
            "n": self._requests,
            "clock": round(record.clock, 4),
            "url": record.url,
            "asked": record.requested_url if record.requested_url != record.url else None,
            "try": record.attempt,
            "status": record.status or None,
            "bytes": record.bytes,
            "seconds": round(record.seconds, 4),
            "delay": record.delay,
            "outcome": record.outcome,
            "error": clean(record.detail) or None,
            "retry_after": record.retry_after or None,
            "sha256": record.sha256,
            "etag": record.etag,
            "last_modified": record.last_modified,
        }
        self._write("request", record.at, **{name: value for name, value in facts.items() if value is not None})

    def end(self, outcome: str) -> None:
        """Write the last line: the outcome and the totals."""
        self._write("end", None, outcome=outcome, requests=self._requests, bytes=self._bytes, **self.totals)

    def _write(self, event: str, at: datetime | None = None, **facts: Any) -> None:
        time = (at or datetime.now(UTC)).isoformat(timespec="milliseconds")
        self._journal.append({"event": event, "run": self._run, "at": time, **facts})


@contextmanager
def journal_run(root: Path, fetcher: Fetcher, what: str) -> Iterator[Counter[str]]:
    """Record every request of `fetcher` in the block as one run of the journal.

    Yields a counter for the totals of the run. A nested block of the same fetcher belongs to the outer run, and its
    totals are added to that run.
    """
    if isinstance(fetcher.record, RunLog):
        yield fetcher.record.totals
        return
    log = RunLog(Journal(root))
    log.begin(fetcher, what)
    fetcher.record = log
    try:
        yield log.totals
    finally:
        fetcher.record = None
        error = sys.exc_info()[1]
        kind = KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else type(error)
        log.end("done" if error is None else kind.__name__)


def _column_value(line: Line, name: str) -> object:
    """Return the value of column `name`, or None if missing or of another type."""
    value = line.get("url", line.get("what")) if name == "what" else line.get(name)
    kind = COLUMNS.field(name).type
    fits = isinstance(value, str) if pa.types.is_string(kind) else isinstance(value, int | float) and abs(value) < 2**63
    return None if not fits else value if pa.types.is_string(kind) else kind.to_pandas_dtype()(value).item()


def _repair_end(handle: int) -> None:
    """Make the file end in a complete line. The lock must be held."""
    size = os.fstat(handle).st_size
    if size == 0 or os.pread(handle, 1, size - 1) == b"\n":
        return
    start = max(0, size - _TAIL_BYTES)
    tail = os.pread(handle, size - start, start)
    last = tail[tail.rfind(b"\n") + 1 :]
    if _is_complete_line(last):
        os.write(handle, b"\n")
    else:
        os.ftruncate(handle, size - len(last))


def _is_complete_line(text: bytes) -> bool:
    """Return whether `text` is a complete JSON object, of any version."""
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _parse_line(text: bytes) -> Line | None:
    """Return the parsed line, or None if a field is missing or of another type."""
    try:
        event = parse_json(text, _Event, "", fail=ScrapeError, remedy="").event
        parse_json(text, LINE_TYPES[event], "", fail=ScrapeError, remedy="")
        line: Line = json.loads(text)
    except (ScrapeError, ValueError, RecursionError):
        return None
    return line
