"""A programmable loopback server, and generated pages and MIDI files."""

import hashlib
import struct
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from catalog.store import Catalog
from scraper.http.fetch import Fetcher, Patience
from scraper.vgmusic.crawl import Totals, crawl_section
from scraper.vgmusic.urls import SECTIONS, site

PIANO = SECTIONS["piano"]
FIXTURES = Path(__file__).parents[3] / "shared" / "vgmusic" / "fixtures"
HURRIED = Patience(connect=2, read=2, whole=4, backoff=0.02)
Fault = Callable[["Handler"], None]


def midi(number: int) -> bytes:
    """Return a MIDI file of one note, different for each number."""
    track = bytes([0x00, 0x90, number % 128, 1 + number // 128 % 127, 0x60, 0x80, number % 128, 0, 0, 0xFF, 0x2F, 0])
    return struct.pack(">4sIHHH", b"MThd", 6, 0, 1, 96) + struct.pack(">4sI", b"MTrk", len(track)) + track


def row(name: str, data: bytes, title: str = "", *, size: object = None, md5: str | None = None) -> str:
    """Return the row of a file in the layout since 2024.

    `size` and `md5` replace the values of `data`.
    """
    return (
        f'<tr>\n<td><a href="{name}">{escape(title or name)}</a>\n<td align="right">{size or len(data)} bytes\n'
        f'<td align="center">someone\n<td class="comments"><a href="/file/{md5 or hashlib.md5(data).hexdigest()}.html">Comments</a>\n'
        "</tr>"
    )


def page(*rows: str, game: str = "A Game") -> bytes:
    """Return a listing page of one game."""
    head = '<tr class="header"><th class="header">Song Title</th><th class="header">File Size</th></tr>'
    name = f'<tr class="gameheader"><td class="header" colspan="5">{escape(game)}</td></tr>'
    return "\n".join(["<html><body><table>", head, name, *rows, "</table></body></html>"]).encode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "Server"

    def do_GET(self) -> None:
        server = self.server
        server.log.append(Seen(time.monotonic(), self.path, dict(self.headers)))
        faults = server.faults[self.path]
        if faults:
            fault = faults[0] if server.for_ever else faults.pop(0)
            fault(self)
        elif self.path in server.files:
            data = server.files[self.path]
            self.reply(200, data, **{"Content-Type": "audio/midi" if self.path.endswith(".mid") else "text/html"})
        else:
            self.reply(404, b"gone")

    def reply(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


@dataclass(frozen=True)
class Seen:
    at: float
    path: str
    headers: dict[str, str]


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {"/robots.txt": b"User-agent: *\nDisallow: /new-files/upload/\n"}
        self.faults: dict[str, list[Fault]] = defaultdict(list)  # what to do instead, one a request, in order
        self.for_ever = False  # the first fault of a path is done at every request
        self.log: list[Seen] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that hangs up is what some tests are about

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def publish(self, names: dict[str, bytes], *extra_rows: str) -> None:
        """Serve and list only these files in the piano section."""
        self.files = {path: data for path, data in self.files.items() if not path.startswith(PIANO)}
        self.files |= {PIANO + name: data for name, data in names.items()}
        self.files[PIANO] = page(*(row(name, data) for name, data in names.items()), *extra_rows)

    def asked(self) -> list[str]:
        """Return the paths requested since the last call; files without their folder."""
        paths = [seen.path.removeprefix(PIANO) or "PAGE" for seen in self.log]
        self.log.clear()
        return paths


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@dataclass
class Scrape:
    """Runs against one server into one data root."""

    root: Path
    server: Server
    patience: Patience = HURRIED
    delay: float = 0.0
    fetchers: list[Fetcher] = field(default_factory=list)

    def __call__(self, limit: int | None = None) -> Totals:
        with Fetcher(site(self.server.base_url, True), self.delay, patience=self.patience) as fetcher:
            self.fetchers.append(fetcher)
            totals = crawl_section(self.root, fetcher, limit=limit)
        assert totals.listed == sum(
            (
                totals.held,
                totals.twins,
                totals.fetched,
                totals.missing,
                totals.quarantined,
                totals.unsafe,
                totals.not_asked,
            )
        )
        assert self.catalog.verify().ok
        return totals

    @property
    def catalog(self) -> Catalog:
        return Catalog(self.root)

    def states(self) -> dict[str, str]:
        """Return file name to state for every row of the catalog."""
        rows = self.catalog.pieces(columns=["url", "state"]).to_pylist()
        return {row["url"].rpartition("/")[2]: row["state"] for row in rows}

    def reasons(self) -> dict[str, str]:
        """Return file name to reason for every row that has one."""
        rows = self.catalog.pieces(columns=["url", "reason"]).to_pylist()
        return {row["url"].rpartition("/")[2]: row["reason"] for row in rows if row["reason"]}


@pytest.fixture
def scrape(tmp_path: Path, server: Server) -> Scrape:
    return Scrape(tmp_path / "data", server)


@pytest.fixture
def fixtures() -> Path:
    """Return the folder of small invented pages beside the checkout."""
    if not FIXTURES.is_dir():
        pytest.skip(f"the listing fixtures are not at {FIXTURES}")
    return FIXTURES
