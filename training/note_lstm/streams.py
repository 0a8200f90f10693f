"""Composes many pieces in several processes, each with a part of the streams.

In: what `sampler.compose_drafts` takes. Out: the same drafts. The processes are forked on Linux, where that is free, and
only while no training library is loaded, whose threads would not outlive it. Where one is, as after training, many pieces
are composed by new interpreters. Elsewhere, and in a process that may have no children,
such as a worker of `multiprocessing.Pool`, one process composes everything.
"""

import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import pairwise
from multiprocessing import connection, current_process, get_context
from typing import Any

from catalog.base.console import Report
from catalog.base.cores import cores
from catalog.base.errors import DatasetError, TrainingError
from dataset.notes.model import Notes
from dataset.parallel.workers import Failure, Worker, stop_workers, work
from training.critic.critic import Critic
from training.events.vocabulary import Vocabulary
from training.network.inference import NoteNetwork
from training.novelty.passages import Index
from training.sampling.config import SamplingConfig
from training.sampling.sample_record import Draft
from training.sampling.sampler import compose_drafts

LEAST_STREAMS = 4  # of each process
NEW_STREAMS = 64  # of each new interpreter at a time; fewer than twice as many pieces are composed without
REPORT_S = 0.05  # time between two reports of a process
UNSAFE = frozenset({"tensorflow", "jax", "torch"})  # modules whose threads a forked process lacks

_TASK = "training.note_lstm.streams:compose_part"
_TIMEOUT_S = 3600.0


def compose_in_parts(
    network: NoteNetwork,
    vocabulary: Vocabulary,
    config: SamplingConfig,
    prime: Notes | None,
    learned: Index | None,
    report: Report,
    critic: Critic | None = None,
) -> list[Draft]:
    """Return the pieces of `compose_drafts`, composed on all cores.

    Raises as that does, and TrainingError if a forked process is killed. No process outlives the call.
    """
    compose = partial(compose_drafts, network, vocabulary, config, prime, learned, critic=critic)
    parts = split_streams(config.count, config.per_plan)
    if len(parts) == 1:
        is_shared = UNSAFE & sys.modules.keys() and cores() > 1 and not current_process().daemon
        if is_shared and config.count >= 2 * NEW_STREAMS:
            return _compose_in_workers(compose, config, report)
        return compose(report)
    context: Any = get_context("fork")
    receivers, processes = [], []
    try:
        for part in parts:
            receiver, sender = context.Pipe(duplex=False)
            receivers.append(receiver)
            process = context.Process(target=_work, args=(sender, receivers, compose, part), daemon=True)
            process.start()
            sender.close()  # so that the end of the process ends the pipe
            processes.append(process)
        return _collected(receivers, report)
    finally:
        for process in processes:
            process.kill()
            process.join()


def compose_part(item: tuple[Callable[..., list[Draft]], range]) -> list[Draft]:
    """Return the drafts with these numbers, of `compose_drafts` with all other arguments: what a new interpreter does."""
    compose, numbers = item
    return compose(numbers=numbers)


def _compose_in_workers(compose: Callable[..., list[Draft]], config: SamplingConfig, report: Report) -> list[Draft]:
    """Return the drafts of `compose`, composed by new interpreters, as many at a time as there are cores.

    What none of them could compose is composed here, which raises the error if there is one.
    """
    edges = [*range(0, config.count, NEW_STREAMS // config.per_plan * config.per_plan or config.per_plan), config.count]
    items = [(compose, range(*part)) for part in pairwise(edges)]
    drafts: list[list[Draft]] = [[] for _ in items]
    pool: list[Worker] = []
    try:
        with suppress(DatasetError):  # they do not start
            for first in range(0, len(items), cores()):
                now = items[first : first + cores()]
                for number, result in work(_TASK, now, timeout_s=_TIMEOUT_S, pool=pool):
                    if not isinstance(result, Failure):
                        drafts[first + number] = result
                        report(sum(map(len, drafts)), config.count)
    finally:
        stop_workers(pool)
    for held, (_, numbers) in zip(drafts, items, strict=True):
        if not held:
            held += compose(numbers=numbers)
            report(sum(map(len, drafts)), config.count)
    return [draft for held in drafts for draft in held]


def split_streams(count: int, per_plan: int = 1) -> list[range]:
    """Return the numbers of the streams that each forked process composes; those of one plan stay together."""
    if sys.platform != "linux" or UNSAFE & sys.modules.keys() or current_process().daemon:
        return [range(count)]
    plans = -(-count // per_plan)
    processes = max(1, min(cores(), count // LEAST_STREAMS, plans))
    edges = [min(count, plans * number // processes * per_plan) for number in range(processes + 1)]
    return [range(start, end) for start, end in pairwise(edges)]


def _work(sender: Any, receivers: list[Any], compose: Callable[..., list[Draft]], part: range) -> None:
    """Compose the streams `part`; send progress as (done, total), then the drafts or the error.

    The parent's `receivers` are closed here, so that nobody reads the pipe once the parent is killed.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends this process
    for receiver in receivers:
        receiver.close()
    last = 0.0

    def report(done: int, total: int) -> None:
        nonlocal last
        if (now := time.monotonic()) - last >= REPORT_S:
            last = now
            sender.send((done, total))

    with suppress(ConnectionError):  # the parent was killed
        try:
            sender.send(compose(report, part))
        except Exception as error:  # noqa: BLE001 - raised by the parent
            sender.send(error)


def _collected(receivers: "list[connection.Connection]", report: Report) -> list[Draft]:
    """Return the drafts of all processes, in order; report the progress of all together."""
    drafts: list[list[Draft]] = [[] for _ in receivers]
    progress = [(0, 0)] * len(receivers)
    live = dict(enumerate(receivers))
    while live:
        ready = connection.wait([*live.values()])
        for number in [number for number, receiver in live.items() if receiver in ready]:
            try:
                message = live[number].recv()
            except EOFError:
                raise TrainingError(
                    "a process that composes was ended from outside, perhaps for lack of memory; ask for fewer pieces"
                ) from None
            if isinstance(message, Exception):
                raise message
            if isinstance(message, list):
                drafts[number], progress[number] = message, (progress[number][1],) * 2
                del live[number]
            else:
                progress[number] = message
            if all(total for _, total in progress):
                report(sum(done for done, _ in progress), sum(total for _, total in progress))
    return [draft for part in drafts for draft in part]
