"""Verify the journal: the delays and the totals of every run.

Delays and totals are recomputed from the request lines. The audit checks the time between requests, that requests
never overlap, that Retry-After was respected, and that the totals and the catalog account for every request. Nothing
is written.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from catalog.schema import FETCHED
from catalog.store import Catalog
from scraper.http import limits
from scraper.http.journal import Journal, Line

TOLERANCE_S = 0.005  # for rounded times in the journal
_FAILED_CHECKS = ("not_midi", "size_mismatch", "md5_mismatch")


@dataclass(frozen=True, slots=True)
class Audit:
    """The result of an audit; each problem is one sentence with run and line number.

    `unended` runs were killed or are still in progress. `shortest_s` is the shortest time in seconds between the
    starts of two requests to a public host.
    """

    runs: int
    unended: int
    requests: int
    bytes: int
    shortest_s: float | None
    problems: tuple[str, ...]

    @property
    def line(self) -> str:
        """The audit as one line."""
        shortest = (
            ""
            if self.shortest_s is None
            else f"; at least {self.shortest_s:.3f} s between two requests to a public host"
        )
        runs = f"{self.runs} run{'' if self.runs == 1 else 's'} ({self.unended} without an end)"
        return f"{self.requests} requests in {runs}, {self.bytes:,} bytes{shortest}: {len(self.problems)} problems"


@dataclass(slots=True)
class _JournalRun:
    name: str
    begin: Line | None = None
    end: Line | None = None
    requests: list[tuple[int, Line]] = field(default_factory=list)

    @property
    def private(self) -> bool:
        return self.begin is not None and self.begin.get("private") is True


def audit_journal(root: Path) -> Audit:
    """Audit the journal below `root` against the catalog. Raises CatalogError."""
    runs: dict[str, _JournalRun] = {}
    problems = []
    for number, line in Journal(root).lines():
        if line is None:
            problems.append(f"line {number}: not a valid journal line")
        else:
            _add_line(runs, number, line)
    names = set(Catalog(root).pieces(columns=["sha256"])["sha256"].to_pylist())
    for run in runs.values():
        problems += [
            f"run {run.name}: {problem}"
            for problem in (*_delay_problems(run), *_total_problems(run), *_missing_blobs(run, names))
        ]
    public = [gap for run in runs.values() if not run.private for _, gap in _gaps(run)]
    return Audit(
        runs=len(runs),
        unended=sum(run.end is None for run in runs.values()),
        requests=sum(len(run.requests) for run in runs.values()),
        bytes=sum(line["bytes"] for run in runs.values() for _, line in run.requests),
        shortest_s=min(public, default=None),
        problems=tuple(problems),
    )


def _add_line(runs: dict[str, _JournalRun], number: int, line: Line) -> None:
    """Add `line` to its run."""
    run = runs.setdefault(line["run"], _JournalRun(line["run"]))
    if line["event"] == "begin":
        run.begin = line
    elif line["event"] == "end":
        run.end = line
    else:
        run.requests.append((number, line))


def _gaps(run: _JournalRun) -> Iterator[tuple[int, float]]:
    """Yield (line number, seconds since the previous start) from request 2 on."""
    for (_, before), (number, line) in pairwise(run.requests):
        yield number, line["clock"] - before["clock"]


def _delay_problems(run: _JournalRun) -> Iterator[str]:
    for number, line in run.requests:
        if not run.private and line["delay"] < limits.DELAY_FLOOR_S:
            yield f"line {number}: a delay of {line['delay']:g} s for a public host"
    for (_, before), (number, line) in pairwise(run.requests):
        gap, ended = line["clock"] - before["clock"], before["clock"] + before["seconds"]
        if gap < line["delay"] - TOLERANCE_S:
            yield f"line {number}: sent {gap:.3f} s after the previous request, with a delay of {line['delay']:g} s"
        if line["clock"] < ended - TOLERANCE_S:
            yield f"line {number}: sent while the previous request was in progress"
        elif line["clock"] < ended + _number(before.get("retry_after")) - TOLERANCE_S:
            yield f"line {number}: sent before Retry-After ({before['retry_after']:g} s) had passed"


def _total_problems(run: _JournalRun) -> Iterator[str]:
    if run.begin is None:
        yield "the first line is missing"
    for place, (number, line) in enumerate(run.requests, start=1):
        if line["n"] != place:
            yield f"line {number}: numbered as request {line['n']}, but request {place} was expected"
            break
    if run.end is None:
        return
    last: dict[str, str] = {str(line.get("asked", line.get("url"))): str(line["outcome"]) for _, line in run.requests}
    outcomes = Counter(last.values())
    found = {
        "requests": len(run.requests),
        "bytes": sum(line["bytes"] for _, line in run.requests),
        "fetched": outcomes[FETCHED],
        "quarantined": sum(outcomes[problem] for problem in _FAILED_CHECKS),
    }
    for what, count in found.items():
        reported = run.end.get(what, count)  # a run that ended with an error has totals only for requests and bytes
        if reported != count:
            yield f"the last line reports {reported} {what}, the request lines {count}"


def _missing_blobs(run: _JournalRun, names: set[str | None]) -> Iterator[str]:
    for number, line in run.requests if run.end is not None and run.end.get("outcome") == "done" else ():
        if line.get("outcome") == FETCHED and line.get("sha256") not in names:
            yield f"line {number}: the file fetched from {line.get('url')} is not in the catalog"


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
