"""The workers of a Dask cluster as an executor for `dataset.parallel.executors`.

In: the address of a scheduler. This is the only module that imports `distributed` (the extra `scale`). Anyone who can
reach a cluster can run code on it, and it can run code here.
"""

import asyncio
import logging
import re
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from catalog.base.console import clean
from catalog.base.errors import DatasetError, UsageError
from dataset.parallel.executors import REMEDY, MonitoredExecutor, check_environment, environment

if TYPE_CHECKING:
    from distributed import Client

ADDRESS = re.compile(r"(?:(?:tcp|tls|ws|wss)://)?(?:[^\s/:@\[\]]+|\[[0-9A-Fa-f:.]+\]):(\d{1,5})")
PATIENCE_S = 20.0  # wait for the first worker, and for a new one after the last is lost
HANDSHAKE_S = 8.0  # wait for the answer of a running scheduler


class Cluster(MonitoredExecutor):
    """An executor on the workers of a client's cluster."""

    def __init__(self, client: "Client", address: str, patience_s: float) -> None:
        self._client, self._executor = client, client.get_executor()
        self._address, self._patience_s = address, patience_s
        self._last_seen = time.monotonic()  # when a worker was last connected

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Schedule a call on any worker."""
        self._check_connection()
        try:
            future: Future[Any] = self._executor.submit(fn, *args, **kwargs)
        except Exception:
            self._check_connection()  # it may be lost at any moment
            raise
        return future

    def check(self) -> None:
        """Raise DatasetError if the scheduler or, for too long, all workers are lost."""
        self._check_connection()
        try:
            has_workers = bool(self._client.scheduler_info()["workers"])
        except (OSError, TimeoutError):
            return  # the client is reconnecting; it gives up by itself
        now = time.monotonic()
        if has_workers or self._client.status == "connecting":  # without a scheduler, nothing is known of workers
            self._last_seen = now
        elif now - self._last_seen > self._patience_s:
            raise DatasetError(_no_workers(self._address, self._patience_s))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Accept no more work; wait for work in progress, or cancel it."""
        self._executor.shutdown(wait=wait and not cancel_futures)

    def _check_connection(self) -> None:
        if self._client.status not in ("running", "connecting"):
            raise DatasetError(
                f"the connection to the scheduler at {self._address} is lost; run this again when it is back"
            )


@contextmanager
def connect_cluster(address: str, *, patience_s: float = PATIENCE_S) -> Iterator[Cluster]:
    """Yield an executor on the Dask cluster with its scheduler at `address`.

    An address is such as tcp://10.0.0.1:8786. Nothing is waited for longer than `patience_s` seconds. Raises UsageError
    for an invalid address; DatasetError if Dask is not installed, no scheduler answers, there are no workers, or the
    workers or the scheduler do not have the same vgpiano.
    """
    match = ADDRESS.fullmatch(address)
    if not match or not 0 < int(match[1]) < 65536:
        raise UsageError(f"{address!r} is not the address of a Dask scheduler: give one such as tcp://10.0.0.1:8786")
    try:
        from distributed import Client
    except ImportError:
        raise DatasetError("a cluster needs Dask, which is not installed: pip install distributed") from None
    with _quiet():
        _check_scheduler(address, min(HANDSHAKE_S, patience_s))
        try:
            client = Client(address, timeout=patience_s, set_as_default=False)
        except (OSError, TimeoutError) as error:  # it answered a moment ago, and does not within the limit now
            raise _no_scheduler(address, error) from None
        with client:
            _check_workers(client, address, patience_s)
            yield Cluster(client, address, patience_s)


def _check_scheduler(address: str, patience_s: float) -> None:
    """Raise DatasetError unless a scheduler answers at `address`.

    A client would wait forever for another kind of server.
    """
    from distributed.comm import connect
    from distributed.security import Security

    async def request_identity() -> str:
        connection = await connect(address, patience_s, **Security().get_connection_args("client"))
        try:
            await connection.write({"op": "identity", "reply": True})
            return str((await connection.read())["type"])
        finally:
            connection.abort()

    try:
        with ThreadPoolExecutor(1) as thread:  # this thread may already run an event loop, as in a notebook
            kind = thread.submit(lambda: asyncio.run(asyncio.wait_for(request_identity(), patience_s + 1))).result()
    except Exception as error:  # noqa: BLE001 - an unknown server may cause any error
        raise _no_scheduler(address, error) from None
    if kind != "Scheduler":
        raise DatasetError(f"{address} is the address of a Dask {kind.lower()}; give that of the scheduler")


def _no_scheduler(address: str, error: BaseException) -> DatasetError:
    return DatasetError(f"no Dask scheduler answers at {address} ({_line(_root_cause(error))}); is it running?")


def _check_workers(client: "Client", address: str, patience_s: float) -> None:
    """Raise DatasetError unless workers and scheduler can do our work."""
    try:
        client.wait_for_workers(1, timeout=patience_s)
    except TimeoutError:
        raise DatasetError(_no_workers(address, patience_s)) from None
    answers = client.run(check_environment, environment(), on_error="return")
    try:
        client.run_on_scheduler(check_environment, environment())
    except Exception as error:  # noqa: BLE001 - any error means that the scheduler cannot load our code
        answers[f"the scheduler at {address}"] = error
    for where, problem in answers.items():
        if isinstance(problem, DatasetError):
            raise problem
        if problem is not None:
            raise DatasetError(f"{where} cannot load our code ({_line(problem)}); {REMEDY}")


def _no_workers(address: str, patience_s: float) -> str:
    return (
        f"the scheduler at {address} has had no workers for {patience_s:g} s: start some with `dask worker {address}`"
    )


def _root_cause(error: BaseException) -> BaseException:
    """Return the first cause of `error`, apart from timeouts."""
    cause = error.__cause__
    return error if cause is None or isinstance(cause, TimeoutError | asyncio.CancelledError) else _root_cause(cause)


def _line(error: BaseException) -> str:
    return clean(str(error) or type(error).__name__)[:200]


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence Dask's own messages; what matters is reported in our own errors."""
    names = [name for name in logging.root.manager.loggerDict if name.split(".")[0] == "distributed"]
    before = {log: log.level for log in map(logging.getLogger, names)}  # Dask sets the level of several loggers
    for log in before:
        log.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"distributed\.")
            yield
    finally:
        for log, level in before.items():
            log.setLevel(level)
