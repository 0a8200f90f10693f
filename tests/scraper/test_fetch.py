"""Single requests: delays, refusals, and responses of faulty servers."""

import gzip
import os
import socket
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import pytest

from catalog.base.errors import FetchError, UsageError
from scraper.http.fetch import Fetcher, Patience, Response, user_agent
from scraper.http.site import Site
from scraper.vgmusic.urls import VGMUSIC, site
from tests.scraper.conftest import HURRIED, Handler, Server

X = "/x.mid"


def get(
    server: Server,
    path: str = X,
    limit: int = 10_000,
    *,
    delay: float = 0,
    patience: Patience = HURRIED,
    accept: str = "identity",
) -> Response:
    with Fetcher(site(server.base_url, True), delay, patience=patience) as fetcher:
        return fetcher.get(server.base_url + path, fetcher.site.problem, limit, {"Accept-Encoding": accept})


def test_a_body_comes_with_its_headers_and_our_honest_name(server: Server) -> None:
    server.files[X] = b"MThd"
    answer = get(server)
    assert (answer.status, answer.body, answer.problem) == (200, b"MThd", None)
    assert answer.headers["content-type"] == "audio/midi"
    [seen] = server.log
    assert seen.headers["User-Agent"].startswith("vgpiano/")
    assert seen.headers["Accept-Encoding"] == "identity"
    assert "Cookie" not in seen.headers


def test_a_contact_goes_with_the_name() -> None:
    assert "me@example.org" in user_agent("me@example.org")
    with pytest.raises(UsageError, match="--contact"):
        user_agent("me\r\nX-Evil: 1")


def test_requests_start_at_least_the_delay_apart_even_after_redirects(server: Server) -> None:
    server.files["/y.mid"] = b"y"
    server.faults[X] = [lambda handler: handler.reply(302, Location="/y.mid")] * 2
    with Fetcher(site(server.base_url, True), 0.3, patience=HURRIED) as fetcher:
        for _ in range(2):
            assert fetcher.get(server.base_url + X, fetcher.site.problem, 100).body == b"y"
    starts = [seen.at for seen in server.log]
    assert len(starts) == 4
    assert all(later - earlier > 0.2 for earlier, later in pairwise(starts))


def test_a_public_host_is_never_asked_faster_than_the_floor() -> None:
    with pytest.raises(UsageError, match="at least"):
        Fetcher(site(VGMUSIC), 0.1)
    with pytest.raises(UsageError):
        Fetcher(site(VGMUSIC), float("nan"))
    Fetcher(site(VGMUSIC), 0.5)


def test_a_proxy_in_the_environment_is_not_used(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    server.files[X] = b"x"
    assert get(server).body == b"x"


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429, 408])
def test_server_errors_are_tried_again(server: Server, status: int) -> None:
    server.files[X] = b"x"
    server.faults[X] = [lambda handler: handler.reply(status)] * 3
    assert get(server).body == b"x"
    assert len(server.log) == 4


def test_after_four_tries_it_is_a_problem_of_the_moment(server: Server) -> None:
    server.faults[X] = [lambda handler: handler.reply(500)] * 9
    answer = get(server)
    assert (answer.problem, answer.transient, len(server.log)) == ("http_500", True, 4)


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_plain_no_is_taken_for_an_answer(server: Server, status: int) -> None:
    server.faults[X] = [lambda handler: handler.reply(status)]
    answer = get(server)
    assert (answer.problem, answer.transient, len(server.log)) == (f"http_{status}", False, 1)


@pytest.mark.parametrize("as_date", [False, True])
def test_retry_after_is_waited_for_in_both_forms(server: Server, as_date: bool) -> None:
    then = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True) if as_date else "1"
    server.files[X] = b"x"
    server.faults[X] = [lambda handler: handler.reply(503, Retry_After=then)]
    assert get(server).body == b"x"
    assert server.log[1].at - server.log[0].at > 0.9


@pytest.mark.parametrize(
    "then",
    ["3600", format_datetime(datetime.now(UTC) + timedelta(hours=2), usegmt=True)],
    ids=["seconds", "date"],  # a date in the name would differ between the processes that collect the tests
)
def test_asked_to_come_back_much_later_it_says_when_and_stops(server: Server, then: str) -> None:
    server.faults[X] = [lambda handler: handler.reply(429, Retry_After=then)]
    with pytest.raises(FetchError, match="asks for a pause until"):
        get(server)
    assert len(server.log) == 1


def test_being_told_to_slow_down_doubles_the_delay(server: Server) -> None:
    server.files[X] = b"x"
    server.faults[X] = [lambda handler: handler.reply(429)]
    with Fetcher(site(server.base_url, True), 0.1, patience=HURRIED) as fetcher:
        fetcher.get(server.base_url + X, fetcher.site.problem, 100)
        assert fetcher.delay == pytest.approx(0.2)


@pytest.mark.parametrize(
    "location",
    [
        "http://evil.invalid/x.mid",
        "https://127.0.0.1/x.mid",
        "http://127.0.0.1:1/x.mid",
        "file:///etc/passwd",
        "/x.mid?y=1",
    ],
)
def test_a_redirect_elsewhere_is_refused(server: Server, location: str) -> None:
    server.faults[X] = [lambda handler: handler.reply(302, Location=location)]
    answer = get(server)
    assert (answer.problem, answer.transient) == ("redirect_refused", False)
    assert location in answer.detail
    assert len(server.log) == 1


def test_a_redirect_loop_ends(server: Server) -> None:
    server.for_ever = True
    server.faults[X] = [lambda handler: handler.reply(301, Location=X)]
    assert get(server).problem == "redirect_loop"
    assert len(server.log) == 6


def test_what_the_judge_refuses_is_not_asked(server: Server) -> None:
    with Fetcher(site(server.base_url, True), 0) as fetcher:
        assert fetcher.get(server.base_url + X, lambda url: "because", 10).reason == "not_allowed: because"
    assert server.log == []


def test_more_bytes_than_the_limit_are_not_taken(server: Server) -> None:
    server.files[X] = b"x" * 10_001
    assert get(server).problem == "too_large"


def endless(handler: Handler) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(100_000):
        handler.wfile.write(b"x" * 10_000)


def test_an_endless_body_ends_at_the_limit(server: Server) -> None:
    server.faults[X] = [endless]
    start = time.monotonic()
    assert get(server, limit=100_000).problem == "too_large"
    assert time.monotonic() - start < 2


def test_a_bomb_stops_at_the_limit_of_what_it_unpacks_to(server: Server) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    server.faults[X] = [lambda handler: handler.reply(200, bomb, Content_Encoding="gzip")]
    assert get(server, limit=100_000, accept="gzip").problem == "too_large"


def test_a_gzipped_page_is_unpacked(server: Server) -> None:
    server.faults[X] = [lambda handler: handler.reply(200, gzip.compress(b"page" * 50_000), Content_Encoding="gzip")]
    assert get(server, limit=200_000, accept="gzip").body == b"page" * 50_000


def drip_headers(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(200):
        handler.wfile.write(b"X-%d: y\r\n" % number)
        time.sleep(0.1)


def drip_body(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    for _ in range(200):
        handler.wfile.write(b"x")
        time.sleep(0.1)


@pytest.mark.parametrize("drip", [drip_headers, drip_body])
def test_a_byte_now_and_then_does_not_hold_us(server: Server, drip: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scraper.http.limits.TRIES", 1)
    server.faults[X] = [drip]  # type: ignore[list-item]
    start = time.monotonic()
    answer = get(server, patience=Patience(connect=2, read=2, whole=0.7, backoff=0))
    assert (answer.problem, answer.transient) == ("timed_out", True)
    assert time.monotonic() - start < 3


def silent(handler: Handler) -> None:
    time.sleep(3)


def test_silence_times_out(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scraper.http.limits.TRIES", 1)
    server.faults[X] = [silent]
    assert get(server, patience=Patience(read=0.3, backoff=0)).problem == "timed_out"


def cut_short(handler: Handler) -> None:
    handler.reply(200, b"MThd", Content_Length="100")
    handler.close_connection = True


def reset(handler: Handler) -> None:
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    os.close(handler.connection.detach())


def header_bomb(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n")
    handler.close_connection = True


def gibberish(handler: Handler) -> None:
    handler.wfile.write(b"\x00\xff" * 100 + b"\r\n\r\n")
    handler.close_connection = True


@pytest.mark.parametrize("fault", [cut_short, reset, header_bomb, gibberish])
def test_a_broken_answer_is_asked_for_again(server: Server, fault: object) -> None:
    server.files[X] = b"x"
    server.faults[X] = [fault, fault]  # type: ignore[list-item]
    assert get(server).body == b"x"
    assert len(server.log) == 3


def test_a_challenge_page_stops_the_run(server: Server) -> None:
    body = b"<html><title>Just a moment</title><script src=/cdn-cgi/challenge-platform/x.js></script></html>"
    server.faults[X] = [lambda handler: handler.reply(403, body, Content_Type="text/html")]
    with pytest.raises(FetchError, match="challenge"):
        get(server)


def test_a_name_that_leads_to_a_private_address_is_not_dialled(server: Server) -> None:
    # a site believed to be public whose name resolves to loopback: the check is on what is dialled
    rebound = Site(scheme="http", host="localhost", port=server.server_address[1], private=False)
    with Fetcher(rebound, 0.5) as fetcher, pytest.raises(FetchError, match="private address"):
        fetcher.get(rebound.origin + X, rebound.problem, 100)
    assert server.log == []


def test_nobody_there_is_a_network_error() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with Fetcher(site(f"http://127.0.0.1:{port}", True), 0, patience=HURRIED) as fetcher:
        answer = fetcher.get(f"http://127.0.0.1:{port}/", fetcher.site.problem, 10)
    assert (answer.problem, answer.transient) == ("network_error", True)
