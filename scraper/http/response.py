"""The response of a server, its Retry-After, and the record of a request. No I/O."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from catalog.base.console import clean

Verdict = Callable[["Response"], str]  # returns the outcome for a body, as a stable snake_case id

REDIRECTS = (301, 302, 303, 307, 308)
BUSY = (413, 429, 503)  # statuses with which Retry-After is respected


@dataclass(frozen=True, slots=True)
class Response:
    """The result of a request for `url`: a body, or a `problem` with its `detail`.

    `problem` is a stable snake_case id. `transient` problems, such as a server error or a lost connection, may be
    retried.
    """

    url: str
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    problem: str | None = None
    detail: str = ""
    transient: bool = False
    received: int = 0  # bytes of the decompressed body, even if it was discarded

    @property
    def reason(self) -> str | None:
        """The problem and its detail in one string; None on success."""
        return f"{self.problem}: {self.detail}" if self.problem and self.detail else self.problem


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request for the journal; redirects and retries are separate requests.

    `at` is in UTC. `clock` is the start of the request in seconds since the fetcher was created, `seconds` its
    duration; both use a monotonic clock. `delay` is the delay in force at the start, `retry_after` the wait that the
    response asks for, in seconds.
    """

    at: datetime
    clock: float
    seconds: float
    delay: float
    url: str
    requested_url: str  # the address before redirects
    attempt: int
    status: int
    bytes: int
    outcome: str
    detail: str = ""
    retry_after: float = 0.0
    sha256: str | None = None  # these three only of a successful response
    etag: str | None = None
    last_modified: str | None = None

    @classmethod
    def of(
        cls,
        response: Response,
        at: datetime,
        clock: float,
        seconds: float,
        delay: float,
        requested_url: str,
        attempt: int,
        verdict: Verdict,
    ) -> "RequestRecord":
        """Return the record of the request that got `response`.

        `verdict` returns the outcome for the body of a successful response.
        """
        taken = response.status == 200 and response.problem is None
        return cls(
            at=at,
            clock=clock,
            seconds=seconds,
            delay=delay,
            url=response.url,
            requested_url=requested_url,
            attempt=attempt,
            status=response.status,
            bytes=response.received,
            outcome=_outcome(response, verdict),
            detail=response.detail,
            retry_after=wait_until(response)[1],
            sha256=hashlib.sha256(response.body).hexdigest() if taken else None,
            etag=header(response.headers, "ETag") if taken else None,
            last_modified=header(response.headers, "Last-Modified") if taken else None,
        )


def header(headers: Mapping[str, str], name: str) -> str | None:
    """Return the header `name` with control characters removed, or None."""
    return clean(headers.get(name, ""))[:300] or None


def wait_until(response: Response) -> tuple[datetime, float]:
    """Return when the next request may be sent, and in how many seconds (0: now)."""
    now = datetime.now(UTC)
    value = response.headers.get("Retry-After", "").strip()
    if response.status not in BUSY or not value:
        return now, 0.0
    try:
        then = (
            now + timedelta(seconds=min(int(value[:20]), 10**9)) if value.isdecimal() else parsedate_to_datetime(value)
        )
        seconds = (then.replace(tzinfo=then.tzinfo or UTC) - now).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return now, 0.0
    return then, max(0.0, seconds)


def _outcome(response: Response, verdict: Verdict) -> str:
    if response.problem is not None:
        return response.problem
    if response.status == 304:
        return "not_modified"
    return "redirect" if response.status in REDIRECTS else verdict(response)
