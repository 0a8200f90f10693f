"""Sockets restricted to public addresses, with a time limit for each response.

The host name is resolved once, and the connection is made to the addresses that passed the check. Redirects, retries
and delays are handled in `fetch.py`.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse, parse_headers
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Retry
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NameResolutionError, NewConnectionError
from urllib3.util.connection import create_connection

from catalog.base.errors import FetchError
from scraper.http import limits
from scraper.http.site import is_public_address


class ConnectionGuard:
    """Opens the connections of one session and cuts off responses that take too long."""

    def __init__(self, private: bool) -> None:
        self._private = private  # whether private addresses are allowed
        self._connection: HTTPConnection | None = None
        self._lock = threading.Lock()
        self._expires_at: float | None = None
        self._expired = False
        self._closed = threading.Event()
        self._watchdog = threading.Thread(target=self._enforce_deadline, name="scrape-clock", daemon=True)

    def close(self) -> None:
        """Stop the watchdog thread."""
        self._closed.set()

    def dial(self, connection: HTTPConnection) -> socket.socket:
        """Return a socket connected to the host. Raises FetchError for a private address."""
        self._connection = connection
        host = connection.host.strip("[]")
        try:
            address_infos = socket.getaddrinfo(host, connection.port, type=socket.SOCK_STREAM)
        except UnicodeError:
            none = socket.gaierror(socket.EAI_NONAME, "not a valid host name")
            raise NameResolutionError(host, connection, none) from none
        except socket.gaierror as error:
            raise NameResolutionError(host, connection, error) from error
        addresses = list(dict.fromkeys(str(response[4][0]) for response in address_infos))
        refused = [address for address in addresses if not is_public_address(address)]
        if refused and not self._private:
            raise FetchError(f"{host} has the private address {refused[0]}: request refused; see --allow-private-hosts")
        failure: OSError = OSError("no address")
        for address in addresses:
            try:
                return create_connection(
                    (address, connection.port), connection.timeout, socket_options=connection.socket_options
                )
            except OSError as error:
                failure = error
        raise NewConnectionError(connection, f"no connection: {failure}") from failure

    @contextmanager
    def deadline(self, seconds: float) -> Iterator[Callable[[], bool]]:
        """Shut the connection if the block takes longer than `seconds`.

        Yields a function that returns whether this has happened. A read timeout restarts with every byte, so it cannot
        stop a server that sends one byte at a time.
        """
        if not self._watchdog.is_alive():
            self._watchdog.start()
        with self._lock:
            self._expired, self._expires_at = False, time.monotonic() + seconds
        try:
            yield lambda: self._expired
        finally:
            with self._lock:
                self._expires_at = None

    def _enforce_deadline(self) -> None:
        while not self._closed.wait(limits.DEADLINE_CHECK_S):
            with self._lock:
                sock = self._connection.sock if self._connection is not None else None
                if self._expires_at is not None and time.monotonic() > self._expires_at:
                    self._expired = True
                    if sock is not None:
                        with suppress(OSError):
                            sock.shutdown(socket.SHUT_RDWR)


class FinalResponse(HTTPResponse):
    """The response after any interim ones (1xx, such as 103 Early Hints).

    http.client itself skips status 100 only.
    """

    def _read_status(self) -> tuple[str, int, str]:
        for _ in range(limits.INTERIM_RESPONSES):
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if not 100 <= status < 200 or status == HTTPStatus.SWITCHING_PROTOCOLS:
                return version, status, reason
            parse_headers(self.fp)
        raise HTTPException(f"more than {limits.INTERIM_RESPONSES} interim responses (1xx)")


class GuardedAdapter(HTTPAdapter):
    """A transport adapter whose sockets come from a ConnectionGuard.

    It does not retry or follow redirects.
    """

    def __init__(self, guard: ConnectionGuard) -> None:
        self._guard = guard
        super().__init__(pool_connections=2, pool_maxsize=1, max_retries=Retry(0, read=False))

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Use connections opened by the guard (called by requests)."""
        super().init_poolmanager(*args, **kwargs)
        guard = self._guard

        class GuardedHTTP(HTTPConnection):
            response_class = FinalResponse

            def _new_conn(self) -> socket.socket:
                return guard.dial(self)

        class GuardedHTTPS(HTTPSConnection):
            response_class = FinalResponse

            def _new_conn(self) -> socket.socket:
                return guard.dial(self)

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = GuardedHTTP

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = GuardedHTTPS

        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}
