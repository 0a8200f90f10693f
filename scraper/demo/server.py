"""A loopback web server that behaves like VGMusic's Apache.

It serves static files with ETag, Last-Modified and gzip, including Apache's "-gzip" ETags. It serves only the files
that were in its folder at the start, so a request cannot reach other files. It is used for the demo site and in tests,
and is not reachable from other machines.
"""

import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, unquote

from catalog.base.errors import ScrapeError

HOST = "127.0.0.1"
_TYPES = {".mid": "audio/midi", ".html": "text/html", ".txt": "text/plain"}
RequestHook = Callable[[str], None]  # called with the path of every request


@contextmanager
def serve_folder(folder: Path, port: int = 0, on_request: RequestHook | None = None) -> Iterator[str]:
    """Serve `folder` on loopback during the block and yield the base URL.

    `on_request` is called with the path of every request. Port 0 uses any free port. Raises ScrapeError if the port is
    in use.
    """
    handler = type(
        "Handler",
        (_Handler,),
        {"table": _index_files(folder), "on_request": staticmethod(on_request or (lambda path: None))},
    )
    try:
        server = _Server((HOST, port), handler)
    except OSError as error:
        raise ScrapeError(f"cannot serve on {HOST}:{port}: {error.strerror}; choose another --port") from error
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def is_port_free(port: int) -> bool:
    """Return whether a server could listen on `port` now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError):
            return False
    return True


def _index_files(folder: Path) -> dict[str, Path]:
    table = {}
    for path in sorted(folder.rglob("*")):
        names = path.relative_to(folder).parts
        if path.is_file() and not path.is_symlink() and not any(name.startswith(".") for name in names):
            table["/" + "/".join(names)] = path
            if path.name == "index.html":
                table["/" + "".join(f"{name}/" for name in names[:-1])] = path
    return table


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "Apache-like"
    disable_nagle_algorithm = True
    timeout = 30
    table: dict[str, Path]
    on_request: RequestHook

    def do_GET(self) -> None:
        self._respond(with_body=True)

    def do_HEAD(self) -> None:
        self._respond(with_body=False)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named so in the base class
        """Do not log requests."""

    def _respond(self, with_body: bool) -> None:
        path = unquote(self.path.partition("?")[0])
        type(self).on_request(path)
        file = self.table.get(path)
        if file is None:
            if path + "/" in self.table:
                self._send(301, b"", {"Location": quote(path + "/")}, with_body)
            else:
                self._send(404, b"<html><body>Not Found</body></html>\n", {"Content-Type": "text/html"}, with_body)
            return
        data, changed = file.read_bytes(), file.stat().st_mtime
        tag = f'"{len(data):x}-{int(changed * 1e6):x}"'
        headers = {"Last-Modified": formatdate(changed, usegmt=True), "ETag": tag}
        if self._is_unchanged(tag, changed):
            self._send(304, b"", headers, with_body)
            return
        headers["Content-Type"] = _TYPES.get(file.suffix.lower(), "application/octet-stream")
        if file.suffix == ".html" and "gzip" in self.headers.get("Accept-Encoding", ""):
            data = gzip.compress(data, mtime=0)
            headers |= {"Content-Encoding": "gzip", "ETag": tag[:-1] + '-gzip"'}
        self._send(200, data, headers, with_body)

    def _is_unchanged(self, tag: str, changed: float) -> bool:
        """Return whether the request's validators match, as Apache compares them.

        An ETag that ends in -gzip never matches, and an ETag takes precedence over the date.
        """
        given = self.headers.get("If-None-Match")
        if given is not None:
            return tag in [part.strip() for part in given.split(",")]
        try:
            return parsedate_to_datetime(self.headers.get("If-Modified-Since", "")).timestamp() >= int(changed)
        except (ValueError, TypeError):
            return False

    def _send(self, status: int, body: bytes, headers: dict[str, str], with_body: bool) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)
