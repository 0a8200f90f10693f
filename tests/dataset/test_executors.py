"""Builds on given threads and processes give the bytes of the local build."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from catalog.base.errors import DatasetError
from catalog.store import Catalog
from dataset.build import build_corpus
from dataset.corpus.corpus import Corpus
from dataset.parallel.executors import MAX_IN_FLIGHT, work_on
from dataset.parallel.workers import CHUNK, CRASHED, FAILED, TIMED_OUT, Failure
from dataset.plan import Plan
from tests.dataset.conftest import fill, tunes
from tests.dataset.tasks import KILLER, PARENT_KILLER, SLEEPER, another_version

ACT = "tests.dataset.tasks:act"
OR_DIE = "tests.dataset.tasks:parse_or_die"
OR_KILL_PARENT = "tests.dataset.tasks:parse_or_kill_parent"
ALL = Plan(query="source == 'vgmusic'")


def threads() -> Executor:
    return ThreadPoolExecutor(2)


def processes() -> Executor:
    return ProcessPoolExecutor(2, mp_context=get_context("spawn"))


def contents(corpus: Corpus) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in corpus.path.iterdir()}


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog of more than one chunk.

    Two files crash or hang their parser, one is missing, and one is not MIDI.
    """
    root = tmp_path_factory.mktemp("many")
    fill(root, {**tunes(CHUNK * 2 + 8), "Killer": KILLER, "Sleeper": SLEEPER, "No music": b"<html>"})
    Catalog(root).blob_path(Catalog(root).pieces("title == 'Tune 7'")["sha256"][0].as_py()).unlink()
    return root


@pytest.fixture(scope="module")
def expected(many: Path) -> dict[str, bytes]:
    """The local build of that catalog."""
    here = build_corpus(many, ALL, "all", workers=2, task=OR_DIE)
    assert here.manifest.reasons == {"blob_missing": 1, "not_midi": 1, "parser_crashed": 1, "parser_timed_out": 1}
    return contents(here)


@pytest.mark.parametrize("executor", [threads, processes])
def test_a_corpus_has_the_same_bytes_on_any_executor_though_pieces_kill_and_hang(
    many: Path, expected: dict[str, bytes], executor: Callable[[], Executor]
) -> None:
    with executor() as there:
        assert contents(build_corpus(many, ALL, "all", executor=there, task=OR_DIE)) == expected


def test_a_pool_that_loses_a_process_changes_nothing(many: Path, expected: dict[str, bytes]) -> None:
    def kill(done: int, total: int) -> None:
        if done == 1:
            os.kill(multiprocessing.active_children()[0].pid or 0, signal.SIGKILL)

    with processes() as pool:
        assert contents(build_corpus(many, ALL, "all", executor=pool, task=OR_DIE, report=kill)) == expected
        with pytest.raises(RuntimeError):
            pool.submit(os.getpid)  # it broke indeed


def test_a_piece_that_kills_the_pools_own_process_does_not_end_the_build(root: Path) -> None:
    fill(root, {"Boss": PARENT_KILLER + str(os.getpid()).encode()}, game="b-game")
    with processes() as pool:
        corpus = build_corpus(root, ALL, "all", executor=pool, task=OR_KILL_PARENT)
    assert corpus.manifest.reasons == {"not_midi": 1}  # the result where it kills nothing
    assert corpus.manifest.funnel.unique == 12


def test_the_bytes_of_the_pieces_come_along_for_workers_that_do_not_see_our_disk(root: Path) -> None:
    with threads() as executor:
        corpus = build_corpus(root, ALL, "all", executor=executor, task="tests.dataset.tasks:parse_carried_bytes")
    assert corpus.manifest.funnel.unique == 12


def test_each_item_has_one_result_and_failures_say_why() -> None:
    items = [f"item {number}" for number in range(100)]
    items[3], items[40], items[41], items[99] = "die", "sleep", "raise", "die"
    with threads() as executor:
        results = list(work_on(executor, ACT, items, timeout_s=0.5))
    assert sorted(index for index, _ in results) == list(range(100))
    failed = {index: result.reason for index, result in results if isinstance(result, Failure)}
    assert failed == {3: CRASHED, 40: TIMED_OUT, 41: FAILED, 99: CRASHED}
    assert all(result == items[index].upper() for index, result in results if index not in failed)


class Slow(Executor):
    """An executor that defers work until a result is awaited, and counts the backlog."""

    def __init__(self, inner: Executor) -> None:
        self.inner, self.held, self.most = inner, 0, 0

    def submit(self, fn, /, *args, **kwargs) -> Future:  # type: ignore[no-untyped-def, type-arg]
        self.held += 1
        self.most = max(self.most, self.held)
        future = self.inner.submit(fn, *args, **kwargs)
        future.add_done_callback(lambda _: self._done())
        return future

    def _done(self) -> None:
        self.held -= 1


def test_no_more_than_a_window_is_read_ahead_whatever_the_size_of_the_catalog() -> None:
    loaded: list[int] = []

    def load(item: int) -> str:
        loaded.append(item)
        return str(item)

    with threads() as inner:
        executor = Slow(inner)
        items = range(CHUNK * (MAX_IN_FLIGHT + 40))
        results = work_on(executor, ACT, items, load=load)
        next(results)
        assert len(loaded) <= CHUNK * MAX_IN_FLIGHT
        assert sum(1 for _ in results) == len(items) - 1
    assert executor.most <= MAX_IN_FLIGHT


def test_large_items_travel_in_small_chunks() -> None:
    sizes: list[int] = []

    class Weighing(ThreadPoolExecutor):
        def submit(self, fn, /, *args, **kwargs) -> Future:  # type: ignore[no-untyped-def, type-arg]
            sizes.append(len(args[1]))
            return super().submit(fn, *args, **kwargs)

    with Weighing(1) as executor:
        assert len(list(work_on(executor, ACT, ["a" * 700_000] * 6))) == 6
    assert len(sizes) == 3
    assert max(sizes) < 2_000_000


def test_workers_with_other_versions_are_an_error_that_says_which() -> None:
    pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=another_version)
    with pool, pytest.raises(DatasetError, match=r"numpy 0\.0\.1 instead of .* every worker needs the same vgpiano"):
        list(work_on(pool, ACT, ["a"]))


def test_an_executor_that_takes_or_does_no_work_is_an_error_not_a_corpus_of_failures() -> None:
    executor = threads()
    executor.shutdown()
    with pytest.raises(DatasetError, match="accepts no work"):
        list(work_on(executor, ACT, ["a"]))

    class Lazy(Executor):
        def submit(self, fn, /, *args, **kwargs) -> Future:  # type: ignore[no-untyped-def, type-arg]
            future: Future[bytes] = Future()
            future.set_exception(OSError("no disk left"))
            return future

    with pytest.raises(DatasetError, match="returns no results: OSError: no disk left"):
        list(work_on(Lazy(), ACT, list("abcdef")))


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts child processes by /proc")
def test_no_worker_outlives_the_work_nor_a_consumer_that_stops_early() -> None:
    before = _children()
    with threads() as executor:
        assert len(list(work_on(executor, ACT, ["a"] * 200))) == 200
        assert _children() == before
        results = work_on(executor, ACT, ["a"] * 200)
        next(results)
        results.close()  # type: ignore[attr-defined]


def _children() -> set[str]:
    return {
        child
        for thread in threading.enumerate()
        for child in Path(f"/proc/{os.getpid()}/task/{thread.native_id}/children").read_text().split()
    }
