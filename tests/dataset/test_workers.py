"""Worker processes that crash, hang or get killed: one result per item."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from catalog.base.errors import DatasetError
from dataset.parallel.workers import CRASHED, FAILED, TIMED_OUT, Failure, Worker, stop_workers, work

ACT = "tests.dataset.tasks:act"


@pytest.mark.parametrize("workers", [1, 3])
def test_an_item_that_crashes_hangs_or_raises_costs_itself_only(workers: int) -> None:
    items = [f"item {number}" for number in range(100)]
    items[3], items[40], items[41], items[99] = "die", "sleep", "raise", "die"
    results = list(work(ACT, items, workers=workers, timeout_s=0.5))
    assert sorted(index for index, _ in results) == list(range(100))
    failed = {index: result.reason for index, result in results if isinstance(result, Failure)}
    assert failed == {3: CRASHED, 40: TIMED_OUT, 41: FAILED, 99: CRASHED}
    assert all(result == items[index].upper() for index, result in results if index not in failed)


def test_a_worker_killed_from_outside_changes_nothing(tmp_path: Path) -> None:
    note = tmp_path / "pid"

    def kill() -> None:
        while not note.exists() or not note.read_text():
            time.sleep(0.01)
        os.kill(int(note.read_text()), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    items = ["a", f"pid of {note}", *"bcdefgh"]
    results = dict(work(ACT, items, workers=1))
    killer.join()
    assert results == {index: item.upper() for index, item in enumerate(items)}


def test_no_items_is_no_work() -> None:
    assert list(work(ACT, [])) == []


def test_workers_that_cannot_start_are_an_error_not_a_loop(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DatasetError, match="do not start"):
        list(work("tests.dataset.no_such_module:act", ["a"], workers=1))
    assert "no_such_module" in capfd.readouterr().err


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts child processes by /proc")
def test_no_worker_outlives_a_consumer_that_stops_early() -> None:
    before = _children()
    results = work(ACT, ["a"] * 200, workers=2)
    next(results)
    assert len(_children() - before) >= 1
    results.close()  # type: ignore[attr-defined]
    assert _children() == before


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts child processes by /proc")
def test_a_crew_that_is_kept_works_again_and_is_gone_when_dismissed() -> None:
    before, pool = _children(), list[Worker]()
    assert dict(work(ACT, ["a", "die", "b"], workers=1, pool=pool))[2] == "B"
    kept = [worker.process.pid for worker in pool]
    assert dict(work(ACT, ["c"], workers=1, pool=pool)) == {0: "C"}
    assert [worker.process.pid for worker in pool] == kept
    assert len(kept) == 1
    stop_workers(pool)
    assert _children() == before


def test_a_kept_worker_that_died_meanwhile_costs_nothing() -> None:
    pool = list[Worker]()
    list(work(ACT, ["a"], workers=1, pool=pool))
    pool[0].process.kill()
    pool[0].process.wait()
    assert dict(work(ACT, ["b", "c"], workers=1, pool=pool)) == {0: "B", 1: "C"}
    stop_workers(pool)


def _children() -> set[str]:
    return set(Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split())
