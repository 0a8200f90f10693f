"""Work on many items on an executor that is given to us: threads, processes, or the machines of a cluster.

An executor's worker hands its items on to a worker process of our own beside it, so an item that kills or hangs its
parser costs that item there too, and never the executor's worker. Chunks and results travel as pickles: whoever gives us
an executor trusts it, as it trusts us, with running code.
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

MAX_IN_FLIGHT = 64  # chunks under way: more workers than these would wait for our reading of files anyway
CHUNK_BYTES = 1 << 20  # with WINDOW it bounds what is held in memory, whatever the size of the catalog
CHECK_INTERVAL_S = 2.0  # without news for so long, an executor is asked whether it is still there
REMEDY = "every worker needs the same vgpiano as here: install it there, and start the workers again"
MAX_LOST = 3  # items that the executor may lose, each twice, before it has done a single one

Environment = tuple[tuple[str, str], ...]  # what decides the result of a task: (package, version)


class MonitoredExecutor(Executor):
    """An executor that can tell whether there is still somebody to do the work."""

    @abstractmethod
    def check(self) -> None:
        """Raise DatasetError where waiting any longer is in vain."""


def work_on(
    executor: Executor,
    task: str,
    items: Sequence[Any],
    *,
    load: Callable[[Any], Any] = lambda item: item,
    timeout_s: float = TIMEOUT_S,
) -> Iterator[tuple[int, Any]]:
    """Yield (index, result or Failure) for each of `items`, each index once, as `workers.work` does, but on `executor`.

    `load` makes of an item what is sent in its place; it is called only when the item's turn comes. A chunk that the
    executor loses, because a worker of its died, is sent again item by item; an item that it loses again, and all
    that a broken executor leaves, is done in workers of our own. So results never depend on the executor. Raises
    DatasetError where the executor takes no work, or its workers cannot do ours: they need the same vgpiano.
    """
    waiting, lost = deque(range(len(items))), deque[int]()  # to be sent in chunks; to be sent again, one by one
    remaining: list[int] = []  # to be done here
    in_flight: dict[Future[bytes], tuple[list[int], bool]] = {}  # indices, and whether they are sent again
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
                    raise DatasetError(f"the executor takes no work: {error}") from None
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
                raise DatasetError(f"the executor does no work: {_line(failures[-1])}")
    finally:
        for future in in_flight:
            future.cancel()
        _stop_idle()
    for position, result in work(task, [items[index] for index in remaining], timeout_s=timeout_s):
        yield remaining[position], result


def do_chunk(task: str, payload: bytes, timeout_s: float, expected: Environment) -> bytes:
    """Do a chunk of items where an executor runs it; return the pickled list of results, in the order of the items.

    Raises DatasetError where this is not the environment that is expected.
    """
    check_environment(expected)
    items = [pickle.loads(item) for item in pickle.loads(payload)]  # noqa: S301 - from whoever started us
    with _idle_worker(task, timeout_s) as pool:
        results = dict(work(task, items, workers=1, timeout_s=timeout_s, pool=pool))
    return pickle.dumps([results[index] for index in range(len(items))], pickle.HIGHEST_PROTOCOL)


@cache
def environment() -> Environment:
    """Return the versions of all that has a part in what a task gives back, this room's own code among them."""
    code = hashlib.sha256()
    for name, source in sorted(_sources(files("dataset"), "")):
        code.update(f"{name}\n".encode() + source)
    packages = tuple((name, version(name)) for name in ("vgpiano", "symusic", "numpy"))
    return (*packages, ("dataset", f"code {code.hexdigest()[:12]}"))


def _sources(folder: Traversable, place: str) -> Iterator[tuple[str, bytes]]:
    """Yield the place and the content of every module in `folder` and in the folders within it."""
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _sources(entry, f"{place}{entry.name}/")
        elif entry.name.endswith(".py"):
            yield place + entry.name, entry.read_bytes()


def check_environment(expected: Environment) -> None:
    """Raise DatasetError where this process would do the work in another way than the one that asks for it."""
    here = dict(environment())
    differences = [
        f"{name} {here.get(name)} instead of {wanted}" for name, wanted in expected if here.get(name) != wanted
    ]
    if differences:
        raise DatasetError(f"the worker on {platform.node()} has {', '.join(differences)}; {REMEDY}")


def _next_chunk(
    queue: deque[int], items: Sequence[Any], load: Callable[[Any], Any], max_items: int
) -> tuple[list[int], bytes]:
    """Take the next items off the queue, as many as a chunk may hold; return their indices and the chunk."""
    indices: list[int] = []
    chunk: list[bytes] = []
    size = 0
    while queue and len(chunk) < max_items and size < CHUNK_BYTES:
        indices.append(queue.popleft())
        chunk.append(pickle.dumps(load(items[indices[-1]]), pickle.HIGHEST_PROTOCOL))
        size += len(chunk[-1])
    return indices, pickle.dumps(chunk, pickle.HIGHEST_PROTOCOL)


def _failure(future: "Future[bytes]") -> BaseException | None:
    """Return why a chunk is lost, None where it is done. Raises DatasetError where it would get lost again and again."""
    if future.cancelled():
        return CancelledError("the executor dropped the work")
    error = future.exception()
    if isinstance(error, DatasetError):
        raise error
    if isinstance(error, ImportError | AttributeError):  # of our modules or of those they need
        raise DatasetError(f"a worker of the executor cannot load our code ({_line(error)}); {REMEDY}")
    return error


def _line(error: BaseException) -> str:
    return clean(f"{type(error).__name__}: {error}")[:200]


_idle: dict[tuple[str, float], list[Worker]] = {}  # worker processes of this process, between two chunks
os.register_at_fork(after_in_child=_idle.clear)  # a child's pipes to them would be ours


@contextmanager
def _idle_worker(task: str, timeout_s: float) -> Iterator[list[Worker]]:
    """Give a worker that has done an earlier chunk, if there is one, and keep what is left of the crew for the next."""
    idle = _idle.setdefault((task, timeout_s), [])
    pool = []
    with suppress(IndexError):  # several threads may take one
        pool.append(idle.pop())
    if pool and pool[0].process.poll() is not None:  # it has waited too long for work
        stop_workers(pool)
        pool.clear()
    try:
        yield pool
    finally:
        idle.extend(pool)


def _stop_idle() -> None:
    """End what chunks that ran in this very process have kept."""
    for idle in _idle.values():
        while idle:
            stop_workers([idle.pop()])
