"""A server that misbehaves on order, and the real command run against it in a process of its own.

Every fault is one switch, thrown for one path and chosen requests for it. The command is `scraper.cli.main` itself with only its
patience shortened (the constants of limits.py that are waits), in a process that can be killed and whose memory is measured.
"""

import gzip
import hashlib
import multiprocessing
import os
import random
import socket
import struct
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import unquote

from tests.scraper.conftest import Handler, Seen, Server

HURRY = {"CONNECT_S": 2.0, "READ_S": 1.0, "WHOLE_S": 1.0, "BACKOFF_S": 0.01}  # in place of those of limits.py
MEGABYTE = 1 << 20
CHANGED = "Wed, 07 Apr 2021 10:01:11 GMT"

Switch = Callable[["ChaosHandler"], None]


class ChaosHandler(Handler):
    """Answers as Apache does, unless a switch is thrown for this request."""

    server: "Chaos"

    def do_GET(self) -> None:  # noqa: N802 - the base class's name
        server, path = self.server, unquote(self.path)
        with server.guard:
            server.log.append(Seen(time.monotonic(), self.path, dict(self.headers)))
            server.counts[path] += 1
            number = server.counts[path]
        if server.watch is not None:
            server.watch(path)
        switch = server.choose(path, number) if server.choose is not None else None
        with suppress(OSError):
            (switch or good)(self)

    @property
    def data(self) -> bytes | None:
        """The right bytes of what is asked for."""
        return self.server.files.get(unquote(self.path))

    def headers_of(self, data: bytes) -> dict[str, str]:
        kind = "audio/midi" if unquote(self.path).endswith(".mid") else "text/html"
        tag = hashlib.md5(data, usedforsecurity=False).hexdigest()[:12]
        return {"Content-Type": kind, "ETag": f'"{tag}"', "Last-Modified": CHANGED}

    def head(self, status: int, **headers: str) -> None:
        """Send a head with no length: what follows ends where the line is cut, unless a length or a coding is given."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def hang_up(self, reset: bool = False) -> None:
        self.close_connection = True
        with suppress(OSError):
            if reset:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
            else:
                self.connection.shutdown(socket.SHUT_RDWR)


class Chaos(Server):
    """Holds files as Server does; `throw` and `choose` say which requests are answered wrongly."""

    def __init__(self) -> None:
        super().__init__()
        self.RequestHandlerClass = ChaosHandler
        self.guard = threading.Lock()
        self.counts: Counter[str] = Counter()
        self.choose: Callable[[str, int], Switch | None] | None = None
        self.watch: Callable[[str], None] | None = None
        self.thrown: dict[str, tuple[Switch, int]] = {}

    def throw(self, path: str, switch: Switch, times: int = 1_000_000) -> None:
        """Answer the next `times` requests for `path` with `switch`."""
        self.thrown[path] = (switch, times)
        self.counts[path] = 0

        def choose(path: str, number: int) -> Switch | None:
            switch, times = self.thrown.get(path, (good, 0))
            return switch if number <= times else None

        self.choose = choose

    def well_behaved(self) -> None:
        """Undo every switch."""
        self.choose = None
        self.thrown.clear()


@contextmanager
def chaos() -> Iterator[Chaos]:
    """A Chaos on loopback while the block runs."""
    with Chaos() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


# The switches. Those with a value are made by a call: status(404), retry_after("1").


def good(handler: ChaosHandler) -> None:
    data = handler.data
    if data is None:
        handler.reply(404, b"<html>Not Found</html>", Content_Type="text/html")
        return
    headers = handler.headers_of(data)
    if headers["ETag"] in handler.headers.get("If-None-Match", ""):
        handler.head(304, ETag=headers["ETag"])
    else:
        handler.reply(200, data, **headers)


def status(code: int, **headers: str) -> Switch:
    return lambda handler: handler.reply(code, b"<html>no</html>", Content_Type="text/html", **headers)


def retry_after(value: str, code: int = 429) -> Switch:
    return status(code, Retry_After=value)


def retry_after_date(seconds: float, code: int = 503) -> Switch:
    def switch(handler: ChaosHandler) -> None:
        then = datetime.now(UTC) + timedelta(seconds=seconds)
        handler.reply(code, Retry_After=format_datetime(then, usegmt=True))

    return switch


def redirect(location: str, code: int = 302) -> Switch:
    return lambda handler: handler.reply(code, b"", Location=location)


def redirect_to_self(handler: ChaosHandler) -> None:
    handler.reply(301, b"", Location=handler.path)


def redirect_with_endless_body(handler: ChaosHandler) -> None:
    handler.head(302, Location="/elsewhere")
    while True:
        handler.wfile.write(b"x" * 100_000)


def redirect_with_bomb(handler: ChaosHandler) -> None:
    handler.reply(302, _bomb(), Location="/elsewhere", Content_Encoding="gzip")


def error_with_endless_body(handler: ChaosHandler) -> None:
    handler.head(404, Content_Type="text/html")
    while True:
        handler.wfile.write(b"x" * 100_000)


def body(data: bytes, kind: str = "audio/midi") -> Switch:
    return lambda handler: handler.reply(200, data, Content_Type=kind)


HTML = body(b"<!DOCTYPE html><html><title>File not found</title></html>", "text/html")
CHALLENGE_PAGE = b"<html><title>Just a moment</title><script src=/cdn-cgi/challenge-platform/x.js></script></html>"


def challenge(handler: ChaosHandler) -> None:
    handler.reply(403, CHALLENGE_PAGE, Content_Type="text/html")


def mitigated(handler: ChaosHandler) -> None:
    handler.reply(503, b"", cf_mitigated="challenge")


def reset_mid_body(handler: ChaosHandler) -> None:
    data = handler.data or b"x" * 100
    handler.head(200, Content_Length=str(len(data)), **_names(handler.headers_of(data)))
    handler.wfile.write(data[: len(data) // 2])
    handler.wfile.flush()
    handler.hang_up(reset=True)


def reset_at_once(handler: ChaosHandler) -> None:
    handler.hang_up(reset=True)


def truncated(handler: ChaosHandler) -> None:
    """Half a body whose length is told."""
    longer_claimed(handler, share=0.5)


def truncated_unsaid(handler: ChaosHandler) -> None:
    """Half a body whose end is where the line is cut: nothing in HTTP tells that it is half."""
    data = handler.data or b""
    handler.head(200, Connection="close", **_names(handler.headers_of(data)))
    handler.wfile.write(data[: len(data) // 2])
    handler.hang_up()


def truncated_chunks(handler: ChaosHandler) -> None:
    data = handler.data or b""
    handler.head(200, Transfer_Encoding="chunked", **_names(handler.headers_of(data)))
    half = data[: len(data) // 2]
    handler.wfile.write(b"%x\r\n%s\r\n" % (len(half), half))
    handler.hang_up()


def longer_claimed(handler: ChaosHandler, share: float = 1.0) -> None:
    """A length that is more than what comes."""
    data = handler.data or b""
    claimed = len(data) + (1000 if share == 1.0 else 0)
    handler.head(200, Content_Length=str(claimed), **_names(handler.headers_of(data)))
    handler.wfile.write(data[: int(len(data) * share)])
    handler.hang_up()


def shorter_claimed(handler: ChaosHandler) -> None:
    """A length that is less than what comes: the rest stays in the line."""
    data = handler.data or b""
    handler.head(200, Content_Length=str(len(data) // 2), **_names(handler.headers_of(data)))
    handler.wfile.write(data)


def lengths_that_disagree(handler: ChaosHandler) -> None:
    data = handler.data or b""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: %d\r\n\r\n%s" % (len(data), data))
    handler.hang_up()


def wrong_bytes(handler: ChaosHandler) -> None:
    """As many bytes as listed, the last of them changed."""
    data = handler.data or b"MThd"
    handler.reply(200, data[:-1] + bytes([data[-1] ^ 1]), **_names(handler.headers_of(data)))


def one_byte_more(handler: ChaosHandler) -> None:
    data = handler.data or b"MThd"
    handler.reply(200, data + b"\0", **_names(handler.headers_of(data)))


def gzip_bomb(handler: ChaosHandler) -> None:
    handler.reply(200, _bomb(), Content_Encoding="gzip", Content_Type="text/html")


def gzip_bomb_in_gzip(handler: ChaosHandler) -> None:
    handler.reply(200, gzip.compress(_bomb()), Content_Encoding="gzip, gzip", Content_Type="text/html")


def gzip_garbage(handler: ChaosHandler) -> None:
    handler.reply(200, b"\x1f\x8b\x08garbage", Content_Encoding="gzip", Content_Type="text/html")


def drip(handler: ChaosHandler) -> None:
    """A byte now and then: each within the read time-out."""
    data = handler.data or b""
    handler.head(200, Content_Length=str(len(data)), **_names(handler.headers_of(data)))
    for at in range(len(data)):
        handler.wfile.write(data[at : at + 1])
        time.sleep(0.3)


def drip_head(handler: ChaosHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(90):
        handler.wfile.write(b"X-%d: y\r\n" % number)
        time.sleep(0.3)


def silence(handler: ChaosHandler) -> None:
    time.sleep(2)
    handler.hang_up()


def endless_body(handler: ChaosHandler) -> None:
    handler.head(200, Content_Type="audio/midi")
    with suppress(OSError):
        while True:
            handler.wfile.write(b"MThd" * 10_000)
    handler.hang_up()


def endless_chunks(handler: ChaosHandler) -> None:
    handler.head(200, Content_Type="audio/midi", Transfer_Encoding="chunked")
    while True:
        handler.wfile.write(b"1000;x=%s\r\n%s\r\n" % (b"y" * 1000, b"M" * 0x1000))


def endless_head(handler: ChaosHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        handler.wfile.write(b"X-Header: y\r\n" * 100)


def endless_header_line(handler: ChaosHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Header: ")
    while True:
        handler.wfile.write(b"y" * 10_000)


def endless_continue(handler: ChaosHandler) -> None:
    while True:
        handler.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")


def gibberish(handler: ChaosHandler) -> None:
    handler.wfile.write(b"\x00\xff" * 100 + b"\r\n\r\n")
    handler.hang_up()


def changing_to(new: bytes) -> Switch:
    """The page is written over while it is sent: the old half, then the new one, under the old length."""

    def switch(handler: ChaosHandler) -> None:
        old = handler.data or b""
        half = len(old) // 2
        handler.reply(200, old[:half] + new[half : len(old)].ljust(len(old) - half), **_names(handler.headers_of(old)))

    return switch


def _names(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("-", "_"): value for name, value in headers.items()}


def _bomb(size: int = 200 * MEGABYTE) -> bytes:
    if not _BOMBS:
        _BOMBS.append(gzip.compress(bytes(size), 1))
    return _BOMBS[0]


_BOMBS: list[bytes] = []


# The command in its own process.


@dataclass(frozen=True)
class Done:
    """What a finished run said, its exit code (negative: the signal), and the most memory it held, in MB."""

    code: int
    out: str
    err: str
    peak_mb: float


@dataclass
class Run:
    """`scrape vgmusic` at work against `server` into `root`, with its working folder, home and temporary folder in `box`."""

    server: Chaos
    box: Path
    arguments: tuple[str, ...] = ()
    hurry: dict[str, float] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        return self.box / "data"

    def start(self) -> "Run":
        self.box.mkdir(parents=True, exist_ok=True)
        self._notes = Path(tempfile.mkdtemp(prefix="run-", dir=self.box.parent))
        line = ["vgmusic", "--base-url", self.server.base_url, "--allow-private-hosts", "--root", str(self.root)]
        line += ["--delay", "0", *self.arguments]
        target = (line, str(self.box), str(self._notes), HURRY | self.hurry)
        self.process = _PROCESSES.Process(target=_command, args=target, daemon=True)
        self.process.start()
        return self

    def wait(self) -> Done:
        self.process.join()
        texts = {name: self._notes / name for name in ("out", "err", "peak")}
        out, err, peak = (path.read_text() if path.exists() else "" for path in texts.values())
        code = self.process.exitcode
        self.process.close()
        return Done(-999 if code is None else code, out, err, int(peak or 0) / 1024)


def scrape(server: Chaos, box: Path, *arguments: str, **hurry: float) -> Done:
    """Run the command to its end."""
    return Run(server, box, arguments, hurry).start().wait()


def tree(folder: Path) -> set[str]:
    """The paths of all files below `folder`, relative."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()}


_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(
    ["tests.scraper.chaos", "scraper.crawl", "scraper.cli", "requests", "pyarrow.dataset"]
)


def _command(line: list[str], box: str, notes: str, waits: dict[str, float]) -> None:
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(f"{notes}/{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
    for name in [name for name in os.environ if name.startswith("VGPIANO_")]:
        del os.environ[name]
    os.environ |= {"HOME": box, "TMPDIR": box}
    tempfile.tempdir = None
    os.chdir(box)
    random.seed()
    from catalog import console
    from scraper import cli, fetch, limits

    for name, value in waits.items():
        setattr(limits, name, value)
    fetch.Patience.__init__.__defaults__ = (limits.CONNECT_S, limits.READ_S, limits.WHOLE_S, limits.BACKOFF_S)  # type: ignore[misc]
    sys.argv = ["scrape", *line]
    try:
        console.run(cli.app)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        peak = next(part for part in Path("/proc/self/status").read_text().splitlines() if part.startswith("VmHWM"))
        Path(notes, "peak").write_text(peak.split()[1])
