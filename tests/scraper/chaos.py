"""A server with faults that tests switch on for chosen requests and paths.

Each fault is a switch in `tests.scraper.switches`.
"""

import hashlib
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import unquote

from tests.scraper.conftest import Handler, Seen, Server

CHANGED = "Wed, 07 Apr 2021 10:01:11 GMT"

Switch = Callable[["ChaosHandler"], None]


class ChaosHandler(Handler):
    """Responds like Apache, unless a switch is on for this request."""

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
        """Return the correct bytes of the requested file."""
        return self.server.files.get(unquote(self.path))

    def headers_of(self, data: bytes) -> dict[str, str]:
        kind = "audio/midi" if unquote(self.path).endswith(".mid") else "text/html"
        tag = hashlib.md5(data, usedforsecurity=False).hexdigest()[:12]
        return {"Content-Type": kind, "ETag": f'"{tag}"', "Last-Modified": CHANGED}

    def head(self, status: int, **headers: str) -> None:
        """Send headers without a length.

        The body ends where the connection is closed, unless a length or coding is given.
        """
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
    """Serves files like Server; `throw` and `choose` select requests with faults."""

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
        """Switch off all faults."""
        self.choose = None
        self.thrown.clear()


@contextmanager
def chaos() -> Iterator[Chaos]:
    """Serve a Chaos on loopback during the block."""
    with Chaos() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def good(handler: ChaosHandler) -> None:
    """Send the response of Apache."""
    data = handler.data
    if data is None:
        handler.reply(404, b"<html>Not Found</html>", Content_Type="text/html")
        return
    headers = handler.headers_of(data)
    if headers["ETag"] in handler.headers.get("If-None-Match", ""):
        handler.head(304, ETag=headers["ETag"])
    else:
        handler.reply(200, data, **headers)
