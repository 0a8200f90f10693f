"""Causes of failed requests: certificates, names, refusals, unused proxies."""

import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from scraper.http.causes import CERTIFICATE, NETWORK, UNKNOWN_HOST
from scraper.http.fetch import Fetcher, Response
from scraper.http.site import Site
from scraper.vgmusic.urls import site
from tests import forked
from tests.scraper.conftest import HURRIED, Server


def ask(url: str) -> tuple[Response, int]:
    """Return the response to a request, and the number of requests."""
    with Fetcher(site(url, True), 0, patience=HURRIED) as fetcher:
        return fetcher.get(url + "/x.mid", fetcher.site.problem, 1000), fetcher.requests


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[Server]:
    """Serve on loopback with a self-signed certificate for another name."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    line = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    line += ["-subj", "/CN=example.org", "-keyout", key, "-out", certificate]
    try:
        subprocess.run(line, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("no openssl to make a certificate with")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with Server() as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_bad_certificate_is_said_and_not_tried_again(secure: Server, tmp_path: Path) -> None:
    address = f"https://127.0.0.1:{secure.server_address[1]}"
    answer, requests = ask(address)
    assert (answer.reason, requests) == (f"{CERTIFICATE}: certificate verify failed: self-signed certificate", 1)
    assert not answer.transient
    words = ("--base-url", address, "--allow-private-hosts", "--delay", "0", "--root", str(tmp_path / "data"))
    done = forked.command("scrape", "vgmusic", *words)
    assert done.returncode == 1
    assert "certificate verify failed: self-signed certificate" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "x" * 64 + ".org"])
def test_a_name_that_is_none_is_said_and_not_tried_again(host: str) -> None:
    try:
        socket.getaddrinfo("no-such-host.invalid", 80)
    except socket.gaierror as error:
        if host.endswith("invalid") and error.errno == socket.EAI_AGAIN:
            pytest.skip("no resolver here says that the name does not exist")
    named = Site(scheme="http", host=host, port=80, private=True)
    with Fetcher(named, 0, patience=HURRIED) as fetcher:
        answer, requests = fetcher.get(f"http://{host}/x.mid", lambda url: None, 1000), fetcher.requests
    assert (answer.problem, requests, answer.transient) == (UNKNOWN_HOST, 1, False)
    assert "object at 0x" not in answer.detail
    assert "pool" not in answer.detail.lower()


def test_a_name_that_cannot_be_looked_up_now_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*words: object, **more: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", unreachable)
    answer, requests = ask("http://localhost:1")
    assert answer.reason == f"{NETWORK}: localhost: Temporary failure in name resolution"
    assert (requests, answer.transient) == (4, True)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY", "NO_PROXY", None])
def test_a_proxy_that_is_set_and_not_used_is_said(variable: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    if variable is not None:
        monkeypatch.setenv(variable, "http://user:secret@proxy.example:3128")
    if variable == "NO_PROXY":
        monkeypatch.setenv(variable, "127.0.0.1")
        monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    answer, requests = ask(f"http://127.0.0.1:{free_port()}")
    assert requests == 4
    said = f"{NETWORK}: Connection refused"
    if variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        said += f" ({variable.upper()} set, but not used: requests go to the site directly)"
    assert answer.reason == said


def early_hints(handler: object) -> None:
    handler.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </s.css>; rel=preload\r\n\r\n")  # type: ignore[attr-defined]
    handler.wfile.write(b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")  # type: ignore[attr-defined]
    handler.reply(200, b"MThd", X_Final="yes")  # type: ignore[attr-defined]


def test_early_hints_are_no_answer(server: Server) -> None:
    server.faults["/x.mid"] = [early_hints]
    answer, requests = ask(server.base_url)
    assert (answer.status, answer.body, requests) == (200, b"MThd", 1)
    assert answer.headers["X-Final"] == "yes"
    assert "Link" not in answer.headers


def test_hints_without_end_are_a_network_error(server: Server) -> None:
    server.for_ever = True
    server.faults["/x.mid"] = [lambda handler: handler.wfile.write(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000)]
    answer, requests = ask(server.base_url)
    assert (answer.problem, requests) == (NETWORK, 4)
    assert "more than 20 interim responses" in answer.detail
