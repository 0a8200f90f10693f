"""Builds on a real Dask cluster of two local worker processes, with failures.

A build gives the bytes of the local one, whatever dies.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from catalog.base.errors import DatasetError
from dataset import cli
from dataset.build import build_corpus
from dataset.parallel.dask_cluster import connect_cluster
from dataset.parallel.workers import CHUNK
from dataset.plan import Plan
from tests.dataset.conftest import fill, tunes
from tests.dataset.tasks import KILLER, PARENT_KILLER, SLEEPER
from tests.dataset.test_executors import OR_DIE, OR_KILL_PARENT, contents

pytestmark = pytest.mark.road

if TYPE_CHECKING:  # the import takes half a second in each worker, and one of them needs it
    from distributed import LocalCluster

ALL = Plan(query="source == 'vgmusic'")
LATE = "tests.dataset.tasks:parse_late"


@pytest.fixture(scope="module")
def cluster() -> "Iterator[LocalCluster]":
    """A cluster of two worker processes.

    A chunk whose worker dies is given up at once, so that the tests need not kill it four times.
    """
    import dask
    from distributed import LocalCluster

    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0") as cluster,
    ):
        yield cluster


@pytest.fixture
def lonely() -> "Iterator[LocalCluster]":
    """A scheduler without workers, in this process."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=0, processes=False, dashboard_address=":0", protocol="tcp") as cluster:
        yield cluster


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog of several chunks, with two files that crash or hang their parser."""
    root = tmp_path_factory.mktemp("many")
    fill(root, {**tunes(CHUNK * 4), "Killer": KILLER, "Sleeper": SLEEPER})
    return root


def test_the_bytes_are_those_of_the_local_build_and_a_piece_that_kills_its_parser_costs_one_row(
    many: Path, cluster: "LocalCluster"
) -> None:
    here = build_corpus(many, ALL, "all", workers=2, task=OR_DIE)
    assert here.manifest.reasons == {"parser_crashed": 1, "parser_timed_out": 1}
    expected, workers = contents(here), _pids(cluster)
    with connect_cluster(cluster.scheduler_address) as executor:
        assert contents(build_corpus(many, ALL, "all", executor=executor, task=OR_DIE)) == expected
    assert _pids(cluster) == workers  # it cost the cluster nothing


def test_a_worker_killed_in_the_middle_of_a_build_changes_no_byte(many: Path, cluster: "LocalCluster") -> None:
    expected = contents(build_corpus(many, ALL, "all", workers=2))
    before = _pids(cluster)

    def kill(done: int, total: int) -> None:
        if done == CHUNK:
            os.kill(min(before), signal.SIGKILL)

    with connect_cluster(cluster.scheduler_address) as executor:
        assert contents(build_corpus(many, ALL, "all", executor=executor, task=LATE, report=kill)) == expected
    assert min(before) not in _pids(cluster)


def test_a_piece_that_kills_the_clusters_own_worker_does_not_end_the_build(root: Path, cluster: "LocalCluster") -> None:
    fill(root, {"Boss": PARENT_KILLER + str(os.getpid()).encode()}, game="b-game")
    before = _pids(cluster)
    with connect_cluster(cluster.scheduler_address) as executor:
        corpus = build_corpus(root, ALL, "all", executor=executor, task=OR_KILL_PARENT)
    assert corpus.manifest.reasons == {"not_midi": 1}  # the result where it kills nothing
    assert corpus.manifest.funnel.unique == 12
    assert _pids(cluster) != before


def test_the_command_builds_on_a_cluster(
    root: Path, cluster: "LocalCluster", monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for command, out in (("build --game a-game", "listed            12\n"), ("measure", "12 measured now\n")):
        line = ["dataset", *command.split(), "--root", str(root), "--cluster", cluster.scheduler_address]
        monkeypatch.setattr(sys, "argv", line)
        cli.app(standalone_mode=False)
        assert out in capsys.readouterr().out


def test_a_workers_address_is_not_the_schedulers(cluster: "LocalCluster") -> None:
    worker = next(iter(cluster.scheduler_info["workers"]))
    with pytest.raises(DatasetError, match="address of a Dask"), connect_cluster(worker):
        pass


def test_a_scheduler_without_workers_is_an_error_soon_and_so_are_workers_without_vgpiano(
    lonely: "LocalCluster", tmp_path: Path
) -> None:
    address = lonely.scheduler_address
    with pytest.raises(DatasetError, match=r"has had no workers for 1 s"), connect_cluster(address, patience_s=1):
        pass
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['dataset'] = None")
    line = [
        sys.executable,
        "-m",
        "distributed.cli.dask_worker",
        lonely.scheduler_address,
        "--no-nanny",
        "--no-dashboard",
    ]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    bare = subprocess.Popen(line, env=environment, cwd=tmp_path, stderr=subprocess.DEVNULL)
    try:
        why = r"cannot load our code .* every worker needs the same vgpiano"
        with pytest.raises(DatasetError, match=why), connect_cluster(address):
            pass
    finally:
        bare.terminate()
        bare.wait()


@pytest.mark.parametrize(
    "end, message, patience_s", [("scheduler", "connection to the scheduler", 5), ("workers", "no workers for", 0.5)]
)
def test_a_cluster_that_goes_in_the_middle_of_a_build_is_an_error_and_no_corpus(
    many: Path, lonely: "LocalCluster", end: str, message: str, patience_s: float
) -> None:
    """A scheduler that goes takes its workers first, so that with little patience they are missed before it is."""
    lonely.scale(1)
    lonely.wait_for_workers(1, timeout=60)

    def leave(done: int, total: int) -> None:
        if done == 1:
            lonely.close() if end == "scheduler" else lonely.scale(0)

    with (
        pytest.raises(DatasetError, match=message),
        connect_cluster(lonely.scheduler_address, patience_s=patience_s) as executor,
    ):
        build_corpus(many, ALL, "gone", executor=executor, task=LATE, report=leave)
    assert not (many / "corpora" / "gone").exists()


def test_a_connection_that_is_lost_while_work_is_sent_is_the_same_error(
    lonely: "LocalCluster", monkeypatch: pytest.MonkeyPatch
) -> None:
    lonely.scale(1)
    with connect_cluster(lonely.scheduler_address) as executor:
        send = executor._executor.submit

        def send_late(*call: object) -> object:
            executor._client.close()
            return send(*call)

        monkeypatch.setattr(executor._executor, "submit", send_late)
        with pytest.raises(DatasetError, match=r"the connection to the scheduler at .* is lost"):
            executor.submit(len, "")


def _pids(cluster: "LocalCluster") -> set[int]:
    return {worker.pid for worker in cluster.workers.values()}
