"""Send requests to one site: delays, redirects, retries, limits on size and time.

Failed requests return a Response with a `problem`. FetchError means that the run has to stop. The content of the
bodies is checked by the caller; sockets are opened in `connection.py`.
"""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, metadata
from urllib.parse import urlsplit

import requests
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import HTTPError

from catalog.base.errors import FetchError, UsageError
from scraper.http import limits
from scraper.http.causes import PERMANENT, cause_of
from scraper.http.connection import ConnectionGuard, GuardedAdapter
from scraper.http.response import REDIRECTS, RequestRecord, Response, Verdict, wait_until
from scraper.http.site import Site, redirect_target

AGENT = "vgpiano"  # the product token for robots.txt
UrlCheck = Callable[[str], str | None]  # returns why an address may not be requested, or None

_TRANSIENT = (408, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524)
_CHALLENGES = (b"/cdn-cgi/challenge-platform/", b"cf-challenge", b"ddos-guard", b"g-recaptcha", b"h-captcha")


@dataclass(frozen=True, slots=True)
class _PendingRequest:
    url: str
    check_url: UrlCheck
    limit: int
    headers: Mapping[str, str]
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Patience:
    """Timeouts in seconds; the defaults are explained in `limits.py`."""

    connect: float = limits.CONNECT_S
    read: float = limits.READ_S
    whole: float = limits.WHOLE_S
    backoff: float = limits.BACKOFF_S


class _Session(requests.Session):
    """A session that ignores redirects.

    Otherwise requests would read the whole body of a redirect, however large.
    """

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


class Fetcher:
    """A session with one site over one connection, with a delay between requests.

    `delay` is the minimum time in seconds between the starts of two requests.
    """

    def __init__(self, site: Site, delay: float = limits.DELAY_S, contact: str = "", patience: Patience | None = None):
        """Raise UsageError for too short a delay or an invalid `contact`."""
        if not delay >= 0 or (not site.private and delay < limits.DELAY_FLOOR_S):
            raise UsageError(f"--delay {delay:g}: a public host needs at least {limits.DELAY_FLOOR_S} s")
        self.site = site
        self.delay = delay
        self.requests = 0  # number of requests sent
        self.agent = user_agent(contact)
        self.record: Callable[[RequestRecord], None] | None = None  # called after every request
        self._patience = patience or Patience()
        self._created = time.monotonic()
        self._last_start: float | None = None
        self._not_before = 0.0  # monotonic time set by Retry-After
        self._guard = ConnectionGuard(private=site.private)
        self._session = _Session()
        self._session.trust_env = False  # no proxy, no .netrc
        self._session.headers = CaseInsensitiveDict({"User-Agent": self.agent, "Accept": "*/*"})
        self._session.mount("https://", GuardedAdapter(self._guard))
        self._session.mount("http://", GuardedAdapter(self._guard))

    def __enter__(self) -> "Fetcher":
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()
        self._guard.close()

    def slow_down(self, delay: float) -> None:
        """Increase the delay to at least `delay` seconds."""
        self.delay = max(self.delay, delay)

    def get(
        self,
        url: str,
        check_url: UrlCheck,
        limit: int,
        headers: Mapping[str, str] | None = None,
        verdict: Verdict = lambda response: "ok",
    ) -> Response:
        """Request `url`, with redirects and retries, and return the response.

        `check_url` is called before each request and returns why an address may not be requested, or None. `limit` is
        the maximum size of the decompressed body in bytes. `verdict` returns the journal's outcome for a body. Raises
        FetchError if the run should stop: a long Retry-After, a challenge page, or a private address.
        """
        pending = _PendingRequest(url, check_url, limit, headers or {}, verdict)
        response = self._follow_redirects(pending, 1)
        for attempt in range(1, limits.TRIES):
            if not response.transient:
                break
            pause = random.uniform(0, min(self._patience.backoff * 2 ** (attempt - 1), limits.BACKOFF_CEILING_S))
            time.sleep(max(pause, _retry_after(response)))
            response = self._follow_redirects(pending, attempt + 1)
        self._not_before = time.monotonic() + _retry_after(response)
        return response

    def _follow_redirects(self, pending: _PendingRequest, attempt: int) -> Response:
        url, check_url = pending.url, pending.check_url
        problem = check_url(url)
        if problem is not None:
            return Response(url, problem="not_allowed", detail=problem)
        for _ in range(1 + limits.REDIRECTS):
            response = self._send_recorded(url, pending, attempt)
            if response.status not in REDIRECTS:
                return response
            url = redirect_target(url, response.headers.get("Location", ""))
            problem = check_url(url)
            if problem is not None:
                return Response(
                    response.url, response.status, problem="redirect_refused", detail=f"to {url[:200]}: {problem}"
                )
        return Response(url, response.status, problem="redirect_loop", detail=f"more than {limits.REDIRECTS} redirects")

    def _send_recorded(self, url: str, pending: _PendingRequest, attempt: int) -> Response:
        start, at, delay = self._wait_turn(), datetime.now(UTC), self.delay
        response = Response(url, problem="stopped")
        try:
            response = self._send(url, pending.limit, pending.headers)
        except FetchError as error:
            response = Response(url, problem="stopped", detail=str(error))
            raise
        finally:
            if self.record is not None:
                seconds = time.monotonic() - start
                self.record(
                    RequestRecord.of(
                        response, at, start - self._created, seconds, delay, pending.url, attempt, pending.verdict
                    )
                )
        return response

    def _send(self, url: str, limit: int, headers: Mapping[str, str]) -> Response:
        patience = self._patience
        with self._guard.deadline(patience.whole) as expired:
            try:
                with self._session.get(
                    url,
                    headers={"Accept-Encoding": "identity", **headers},
                    stream=True,
                    allow_redirects=False,
                    timeout=(patience.connect, patience.read),
                ) as http_response:
                    response = self._read_response(url, http_response, limit)
            except (requests.RequestException, HTTPError, OSError, ValueError) as error:
                timed_out = expired() or isinstance(error, requests.Timeout)
                problem, detail = cause_of(error, url, timed_out=timed_out)
                return Response(url, problem=problem, detail=detail, transient=problem not in PERMANENT)
        if expired():
            return Response(url, problem="timed_out", detail=f"incomplete after {patience.whole:g} s", transient=True)
        return response

    def _wait_turn(self) -> float:
        """Wait for the delay and for Retry-After, and return the start time."""
        earliest = self._not_before
        if self._last_start is not None:
            earliest = max(earliest, self._last_start + self.delay * random.uniform(1, 1 + limits.DELAY_JITTER))
        time.sleep(max(0.0, earliest - time.monotonic()))
        self._last_start = start = time.monotonic()
        self.requests += 1
        return start

    def _read_response(self, url: str, http_response: requests.Response, limit: int) -> Response:
        status, headers = http_response.status_code, http_response.headers
        if status in REDIRECTS or status == 304:
            return Response(url, status, headers)
        good = status == 200
        body = _body(http_response, limit if good else limits.ERROR_BYTES)
        if headers.get("cf-mitigated") == "challenge" or _is_challenge_page(headers, body):
            raise FetchError(
                f"{self.site.host} answered {url} with a challenge page: stopped; "
                "download the files in a browser, or contact the site's owners"
            )
        if status in (429, 503):
            self.slow_down(min(2 * self.delay, limits.DELAY_CEILING_S))
        size = len(body)
        if not good:
            return Response(
                url, status, headers, problem=f"http_{status}", transient=status in _TRANSIENT, received=size
            )
        if size > limit:
            detail = f"more than {limit:,} bytes"
            return Response(url, status, headers, problem="too_large", detail=detail, received=size)
        return Response(url, status, headers, body, received=size)


def user_agent(contact: str = "") -> str:
    """Return the User-Agent header: name/version (+project URL; contact).

    Raises UsageError if `contact` does not fit into the header.
    """
    if not contact.isascii() or not contact.isprintable() or len(contact) > 200 or set(contact) & set("()"):
        raise UsageError(f"--contact {contact!r}: must be ASCII without brackets, such as an email address")
    try:
        project = metadata("vgpiano")
        version = project["Version"]
        home = [line.partition(",")[2].strip() for line in project.get_all("Project-URL") or []][:1]
    except PackageNotFoundError:
        version, home = "0", []
    notes = "; ".join([f"+{url}" for url in home] + [contact] * bool(contact))
    return f"{AGENT}/{version}" + (f" ({notes})" if notes else "")


def _body(http_response: requests.Response, limit: int) -> bytes:
    """Return the body, cut slightly above `limit` bytes whatever its Content-Length."""
    parts, size = [], 0
    while size <= limit:
        part = http_response.raw.read1(limits.CHUNK_BYTES, decode_content=True)
        if not part:
            break
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def _is_challenge_page(headers: Mapping[str, str], body: bytes) -> bool:
    is_page = "html" in headers.get("Content-Type", "").lower()
    return is_page and len(body) <= limits.ERROR_BYTES and any(mark in body.lower() for mark in _CHALLENGES)


def _retry_after(response: Response) -> float:
    """Return the seconds to wait. Raises FetchError if that is longer than the limit."""
    then, seconds = wait_until(response)
    if seconds > limits.RETRY_AFTER_CEILING_S:
        raise FetchError(
            f"{urlsplit(response.url).hostname} asks for a pause until {then:%Y-%m-%d %H:%M %Z}: run this again then"
        )
    return seconds
