"""Process many items in worker processes that may crash or hang.

Such an item costs only itself. The same holds for an item that hangs. A worker is a new interpreter, not a fork, so a
calling script needs no `__main__` guard. Results come in any order, with their index. A worker without work ends by
itself, so a pool that is kept between two calls need not be stopped.
"""

import importlib
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Pipe, wait
from typing import Any

from catalog.base.console import clean
from catalog.base.cores import cores
from catalog.base.errors import DatasetError, VgpianoError
from catalog.base.shield import block_sigint

CRASHED, TIMED_OUT, FAILED = "parser_crashed", "parser_timed_out", "parser_failed"
TIMEOUT_S = 5.0  # the slowest real file takes 0.02 s
CHUNK = 32  # items sent to a worker at a time: enough to keep it busy, few enough to balance the load
MAX_START_FAILURES = 3
ONE_THREAD = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}  # workers share the cores already
KEPT_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": str(2**25),
    "MALLOC_TRIM_THRESHOLD_": str(2**28),
}  # bytes, read by glibc: freed arrays are not returned to the system, which would take up to half the time of mixing sound
MAX_DETAIL = 300  # characters of an error message
IDLE_S = 60.0  # a worker ends after this time without work


@dataclass(frozen=True, slots=True)
class Failure:
    """The result of an item that failed.

    `reason` is parser_crashed, parser_timed_out or parser_failed.
    """

    reason: str
    detail: str


@dataclass(slots=True, eq=False)
class Worker:
    """A worker process and the items it is processing."""

    process: subprocess.Popen[bytes]
    pipe: Connection
    chunk: list[int] = field(default_factory=list)  # indices of the items in progress
    ready: bool = False


def work(
    task: str,
    items: Sequence[Any],
    *,
    workers: int | None = None,
    timeout_s: float = TIMEOUT_S,
    pool: list[Worker] | None = None,
) -> Iterator[tuple[int, Any]]:
    """Yield (index, result or Failure) for each of `items`, in order of completion.

    Each index comes once. `task` names a function of one argument as "package.module:function"; items and results must
    pickle. An item gets `timeout_s` seconds. When a worker dies, its items are retried, each on its own; an item whose
    worker dies again is a Failure. So a worker killed from outside costs no item. Workers end with the call, unless
    `pool` is given: a list of workers of earlier calls with the same task and timeout, in which live workers stay for
    later calls. Raises DatasetError if workers cannot start.
    """
    keep, pool = pool is not None, [] if pool is None else pool
    waiting = deque(_chunks(len(items), workers or cores()))
    suspects: set[int] = set()  # items whose worker died
    start_failures = 0
    try:
        while waiting or any(worker.chunk for worker in pool):
            busy = sum(bool(worker.chunk) for worker in pool)
            while len(pool) < min(workers or cores(), busy + len(waiting)):
                pool.append(_start(task, timeout_s))
            for worker in pool:
                if worker.ready and not worker.chunk and waiting:
                    worker.chunk = waiting.popleft()
                    with suppress(OSError):  # it has died: the next recv reports it
                        worker.pipe.send([items[index] for index in worker.chunk])
            for pipe in wait([worker.pipe for worker in pool]):
                worker = next(each for each in pool if each.pipe is pipe)
                try:
                    results = worker.pipe.recv()
                except (EOFError, OSError):
                    pool.remove(worker)
                    code = _close(worker)
                    if len(worker.chunk) == 1 and worker.chunk[0] in suspects:
                        yield worker.chunk[0], _failure(code, timeout_s)
                    else:
                        suspects.update(worker.chunk)
                        waiting.extend([index] for index in worker.chunk)
                    if not worker.ready:
                        start_failures += 1
                        if start_failures >= MAX_START_FAILURES:
                            raise DatasetError(
                                f"worker processes do not start (exit code {code}); free some memory, or use --workers 1"
                            ) from None
                    continue
                yield from zip(worker.chunk, results, strict=True)
                worker.chunk, worker.ready = [], True
    finally:
        unfinished = [worker for worker in pool if not keep or worker.chunk or not worker.ready]
        stop_workers(unfinished)
        pool[:] = [worker for worker in pool if worker not in unfinished]


def stop_workers(pool: Iterable[Worker]) -> None:
    """Stop the workers immediately."""
    for worker in pool:
        worker.process.kill()
        _close(worker)


def _chunks(count: int, workers: int) -> list[list[int]]:
    size = max(1, min(CHUNK, -(-count // workers)))
    return [list(range(start, min(start + size, count))) for start in range(0, count, size)]


def _start(task: str, timeout_s: float) -> Worker:
    parent_end, child_end = Pipe()
    command = [sys.executable, "-c", f"from dataset.parallel.workers import serve; serve({child_end.fileno()})"]
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)  # noqa: PTH109
    environment = {**os.environ, **ONE_THREAD, **KEPT_MEMORY, "PYTHONPATH": path}
    try:
        with block_sigint():
            process = subprocess.Popen(  # noqa: S603
                command, pass_fds=[child_end.fileno()], env=environment, stdin=subprocess.DEVNULL
            )
    finally:
        child_end.close()
    with suppress(OSError):
        parent_end.send((task, timeout_s))
    return Worker(process, parent_end)


def _close(worker: Worker) -> int:
    worker.pipe.close()
    return worker.process.wait()


def _failure(code: int, timeout_s: float) -> Failure:
    if code == -signal.SIGALRM:
        return Failure(TIMED_OUT, f"no result after {timeout_s:g} s")
    name = signal.Signals(-code).name if -code in {s.value for s in signal.Signals} else f"exit code {code}"
    return Failure(CRASHED, f"the worker process ended by {name}")


def serve(handle: int) -> None:
    """Run a worker: receive chunks of items and send back lists of results."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is handled by the parent
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends the process even inside native code
    pipe = Connection(handle)
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        task, timeout_s = pipe.recv()
        module, _, function = task.partition(":")
        do = getattr(importlib.import_module(module), function)
        pipe.send([])
        while pipe.poll(IDLE_S):
            pipe.send([_result(do, item, timeout_s) for item in pipe.recv()])


def _result(do: Callable[[Any], Any], item: Any, timeout_s: float) -> Any:
    signal.setitimer(signal.ITIMER_REAL, timeout_s)
    try:
        return do(item)
    except Exception as error:  # noqa: BLE001 - an error of any kind costs only its item
        detail = str(error) if isinstance(error, VgpianoError) else f"{type(error).__name__}: {error}"
        return Failure(FAILED, clean(detail)[:MAX_DETAIL])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
