"""Many pieces are composed in several processes: the same pieces, one progress, and no process that is left over.

The processes are forked from a Python without TensorFlow, so each test runs in one that is started for it. Beside
TensorFlow, many pieces are composed by new interpreters.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from catalog.base.errors import TrainingError
from tests.running import children, have_ended
from tests.training.songs import song
from tests.training.test_sampler import VOCABULARY, weights
from training.network.inference import NoteNetwork
from training.note_lstm.streams import compose_in_parts, split_streams
from training.sampling.config import SamplingConfig
from training.sampling.sample_record import Draft
from training.sampling.sampler import compose_drafts

TOP = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2, reason="Linux and two cores are needed"
)


def network() -> NoteNetwork:
    return NoteNetwork(weights())


def content(drafts: list[Draft]) -> list[tuple[object, ...]]:
    return [
        (draft.style, draft.guesses, *(getattr(draft.notes, name).tolist() for name in ("onset", "duration", "pitch")))
        for draft in drafts
    ]


def mine() -> list[int]:
    return children(os.getpid())


def compare() -> None:
    assert [len(part) for part in split_streams(9)] == [4, 5]
    assert len(split_streams(7)) == 1
    for config, prime in (
        (SamplingConfig(count=9, notes=40, seed=1), None),
        (SamplingConfig(count=8, seconds=8, per_plan=4), None),
        (SamplingConfig(count=8, bars=3, game="wood"), None),
        (SamplingConfig(count=8, notes=20), song(1)),
    ):
        seen: list[tuple[int, int]] = []
        record = partial(lambda held, *step: held.append(step), seen)
        together = compose_in_parts(network(), VOCABULARY, config, prime, None, record)
        assert content(together) == content(compose_drafts(network(), VOCABULARY, config, prime))
        assert seen == sorted(seen)
        assert seen[-1][0] == seen[-1][1] > 0
        assert len({total for _, total in seen}) == 1
        assert not mine()


def interrupt() -> None:
    def press(done: int, total: int) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where the tests run in the background of a shell
    with pytest.raises(KeyboardInterrupt):
        compose_in_parts(network(), VOCABULARY, SamplingConfig(count=8, notes=100_000), None, None, press)
    assert not mine()


def kill() -> None:
    def end(done: int, total: int) -> None:
        os.kill(mine()[0], signal.SIGKILL)

    with pytest.raises(TrainingError, match="ended from outside"):
        compose_in_parts(network(), VOCABULARY, SamplingConfig(count=8, notes=100_000), None, None, end)
    assert not mine()


def die() -> None:
    def tell(done: int, total: int) -> None:
        print(*mine(), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

    compose_in_parts(network(), VOCABULARY, SamplingConfig(count=8, notes=100_000), None, None, tell)


def fail() -> None:
    damaged = NoteNetwork({name: array * np.float32("nan") for name, array in weights().items()})
    with pytest.raises(TrainingError, match="no probabilities"):
        compose_in_parts(damaged, VOCABULARY, SamplingConfig(count=8, notes=50), None, None, lambda *step: None)
    assert not mine()


def err() -> None:
    with pytest.raises(AttributeError, match="openings"):
        compose_in_parts(network(), None, SamplingConfig(count=8, notes=50), None, None, lambda *step: None)  # type: ignore[arg-type]
    assert not mine()


def in_pool() -> None:
    """A worker of a pool may have no children."""
    config = SamplingConfig(count=8, notes=30, seed=1)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        made = pool.apply(compose_in_parts, (network(), VOCABULARY, config, None, None, print))
    assert content(made) == content(compose_drafts(network(), VOCABULARY, config))


def beside_tensorflow() -> None:
    """New interpreters compose many pieces, as after training; what they cannot compose raises here."""
    sys.modules["tensorflow"] = sys
    config = SamplingConfig(count=132, notes=4, seed=1, per_plan=3)
    seen: list[tuple[int, int]] = []
    together = compose_in_parts(network(), VOCABULARY, config, None, None, lambda *step: seen.append(step))
    assert content(together) == content(compose_drafts(network(), VOCABULARY, config))
    assert seen[-1] == (132, 132)
    assert 3 <= len(seen) == len(set(seen))
    assert not mine()
    damaged = NoteNetwork({name: array * np.float32("nan") for name, array in weights().items()})
    with pytest.raises(TrainingError, match="no probabilities"):
        compose_in_parts(damaged, VOCABULARY, config, None, None, lambda *step: None)
    assert not mine()


def interrupt_beside_tensorflow() -> None:
    def press(done: int, total: int) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    sys.modules["tensorflow"] = sys
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.raises(KeyboardInterrupt):
        compose_in_parts(network(), VOCABULARY, SamplingConfig(count=200, notes=3), None, None, press)
    assert not mine()


def run(what: Callable[[], None]) -> "subprocess.CompletedProcess[str]":
    line = [sys.executable, "-c", f"from {__name__} import {what.__name__} as do; do()"]
    return subprocess.run(line, cwd=TOP, capture_output=True, text=True, timeout=100)


@pytest.mark.parametrize(
    "what", [compare, interrupt, kill, fail, err, in_pool, beside_tensorflow, interrupt_beside_tensorflow]
)
def test_in_several_processes_the_pieces_are_the_same_and_every_end_is_clean(what: Callable[[], None]) -> None:
    done = run(what)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_the_processes_end_when_the_command_is_killed() -> None:
    done = run(die)
    assert done.returncode == -signal.SIGKILL
    processes = [int(pid) for pid in done.stdout.split()]
    assert len(processes) == 2
    assert have_ended(processes)
    assert done.stderr == ""


def test_beside_a_training_library_nothing_is_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", sys)
    assert split_streams(1000) == [range(1000)]
