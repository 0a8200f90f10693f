"""Process many items on a given executor: threads, processes, or a cluster.

A worker of the executor passes its items on to one of our own worker processes beside it, so an item that crashes or
hangs its parser costs only that item and never the executor's worker. Chunks and results travel as pickles: the
executor and its workers must be trusted.
"""

import hashlib
import os
import pickle
import platform
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from contextlib import contextmanager, suppress
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from catalog.base.console import clean
from catalog.base.errors import DatasetError
from dataset.parallel.workers import CHUNK, TIMEOUT_S, Worker, stop_workers, work

MAX_IN_FLIGHT = 64  # chunks in flight: more workers would only wait for us to read files
CHUNK_BYTES = 1 << 20  # together with MAX_IN_FLIGHT limits memory, whatever the size of the catalog
CHECK_INTERVAL_S = 2.0  # after this time without a result the executor is checked
REMEDY = "every worker needs the same vgpiano as here: install it there and restart the workers"
MAX_LOST = 3  # items that the executor may lose, each twice, before its first result

Environment = tuple[tuple[str, str], ...]  # what determines the result of a task: (package, version)


class MonitoredExecutor(Executor):
    """An executor that can check whether its workers are available."""

    @abstractmethod
    def check(self) -> None:
        """Raise DatasetError if waiting any longer is useless."""


def work_on(
    executor: Executor,
    task: str,
    items: Sequence[Any],
    *,
    load: Callable[[Any], Any] = lambda item: item,
    timeout_s: float = TIMEOUT_S,
) -> Iterator[tuple[int, Any]]:
    """Yield (index, result or Failure) for each of `items`, like `workers.work`.

    Each index comes once. `load` turns an item into what is sent; it is called when the item's turn comes. A chunk that
    the executor loses, because one of its workers died, is sent again item by item. Items that are lost again, and
    everything that a broken executor leaves, are processed in local workers, so the results do not depend on the
    executor. Raises DatasetError if the executor accepts no work, or if its workers do not have the same vgpiano.
    """
    waiting, lost = deque(range(len(items))), deque[int]()  # to send in chunks; to send again, one by one
    remaining: list[int] = []  # to process locally
    in_flight: dict[Future[bytes], tuple[list[int], bool]] = {}  # indices, and whether they were sent before
    done_any = False
    try:
        while waiting or lost or in_flight:
            while (waiting or lost) and len(in_flight) < MAX_IN_FLIGHT:
                again = bool(lost)
                indices, payload = _next_chunk(lost if again else waiting, items, load, 1 if again else CHUNK)
                try:
                    future = executor.submit(do_chunk, task, payload, timeout_s, environment())
                except BrokenExecutor:
                    remaining += [*indices, *lost, *waiting]
                    lost.clear()
                    waiting.clear()
                except RuntimeError as error:
                    raise DatasetError(f"the executor accepts no work: {error}") from None
                else:
                    in_flight[future] = indices, again
            finished, _ = wait(in_flight, CHECK_INTERVAL_S, FIRST_COMPLETED)
            failures = [failure for future in finished if (failure := _failure(future)) is not None]
            if isinstance(executor, MonitoredExecutor) and (failures or not finished):
                executor.check()
            for future in finished:
                indices, again = in_flight.pop(future)
                if _failure(future) is None:
                    yield from zip(indices, pickle.loads(future.result()), strict=True)  # noqa: S301 - see above
                    done_any = True
                else:
                    (remaining if again else lost).extend(indices)
            if failures and not done_any and len(remaining) >= MAX_LOST:
                raise DatasetError(f"the executor returns no results: {_line(failures[-1])}")
    finally:
        for future in in_flight:
            future.cancel()
        _stop_idle()
    for position, result in work(task, [items[index] for index in remaining], timeout_s=timeout_s):
        yield remaining[position], result


def do_chunk(task: str, payload: bytes, timeout_s: float, expected: Environment) -> bytes:
    """Process a chunk of items on the executor; return the pickled results, in order.

    Raises DatasetError if the environment is not the expected one.
    """
    check_environment(expected)
    items = [pickle.loads(item) for item in pickle.loads(payload)]  # noqa: S301 - from our parent
    with _idle_worker(task, timeout_s) as pool:
        results = dict(work(task, items, workers=1, timeout_s=timeout_s, pool=pool))
    return pickle.dumps([results[index] for index in range(len(items))], pickle.HIGHEST_PROTOCOL)


@cache
def environment() -> Environment:
    """Return the versions of everything that affects a result, our own code included."""
    code = hashlib.sha256()
    for name, source in sorted(_sources(files("dataset"), "")):
        code.update(f"{name}\n".encode() + source)
    packages = tuple((name, version(name)) for name in ("vgpiano", "numpy"))
    return (*packages, ("dataset", f"code {code.hexdigest()[:12]}"))


def _sources(folder: Traversable, place: str) -> Iterator[tuple[str, bytes]]:
    """Yield the path and content of every module in `folder` and its subfolders."""
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _sources(entry, f"{place}{entry.name}/")
        elif entry.name.endswith(".py"):
            yield place + entry.name, entry.read_bytes()


def check_environment(expected: Environment) -> None:
    """Raise DatasetError if this process differs from the expected environment."""
    here = dict(environment())
    differences = [
        f"{name} {here.get(name)} instead of {wanted}" for name, wanted in expected if here.get(name) != wanted
    ]
    if differences:
        raise DatasetError(f"the worker on {platform.node()} has {', '.join(differences)}; {REMEDY}")


def _next_chunk(
    queue: deque[int], items: Sequence[Any], load: Callable[[Any], Any], max_items: int
) -> tuple[list[int], bytes]:
    """Take the next chunk off the queue; return its indices and its pickle."""
    indices: list[int] = []
    chunk: list[bytes] = []
    size = 0
    while queue and len(chunk) < max_items and size < CHUNK_BYTES:
        indices.append(queue.popleft())
        chunk.append(pickle.dumps(load(items[indices[-1]]), pickle.HIGHEST_PROTOCOL))
        size += len(chunk[-1])
    return indices, pickle.dumps(chunk, pickle.HIGHEST_PROTOCOL)


def _failure(future: "Future[bytes]") -> BaseException | None:
    """Return why a chunk was lost, or None.

    Raises DatasetError if a retry would fail too.
    """
    if future.cancelled():
        return CancelledError("the executor dropped the work")
    error = future.exception()
    if isinstance(error, DatasetError):
        raise error
    if isinstance(error, ImportError | AttributeError):  # of our modules or their dependencies
        raise DatasetError(f"a worker of the executor cannot load our code ({_line(error)}); {REMEDY}")
    return error


def _line(error: BaseException) -> str:
    return clean(f"{type(error).__name__}: {error}")[:200]


_idle: dict[tuple[str, float], list[Worker]] = {}  # idle worker processes of this process
os.register_at_fork(after_in_child=_idle.clear)  # a child process must not use our pipes


@contextmanager
def _idle_worker(task: str, timeout_s: float) -> Iterator[list[Worker]]:
    """Yield a pool with an idle worker of an earlier chunk, if any; keep the rest."""
    idle = _idle.setdefault((task, timeout_s), [])
    pool = []
    with suppress(IndexError):  # another thread may have taken the last one
        pool.append(idle.pop())
    if pool and pool[0].process.poll() is not None:  # it ended after waiting too long
        stop_workers(pool)
        pool.clear()
    try:
        yield pool
    finally:
        idle.extend(pool)


def _stop_idle() -> None:
    """Stop the workers kept from chunks that ran in this process."""
    for idle in _idle.values():
        while idle:
            stop_workers([idle.pop()])
