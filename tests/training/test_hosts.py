"""The JAX backend: same results, and two processes train like one on TensorFlow."""

import csv
import json
import os
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.training.conftest import BIN, TINY, command, song
from training.events.batches import EncodedPiece
from training.events.encoding import encode
from training.note_lstm.trained import network as network_of
from training.run import Run

QUICK = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"  # compiled in half the time
JAX = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "XLA_FLAGS": QUICK}
KEPT = {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0", "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1"}

FIRST = """
import sys, numpy as np
from vgpiano import train
model, held, *sys.argv[1:] = sys.argv[1:]
try:
    train()
except SystemExit as end:
    assert not end.code, end.code
import jax
from training.network.backend import load_keras, without_distribution
keras = load_keras()
assert keras.backend.backend() == "jax"
held = np.load(held)
with without_distribution(keras):
    network = keras.models.load_model(model)
    logits = jax.jit(lambda events, style: network({"events": events, "style": style}))(held["events"], held["style"])
    y = held["events"][:, 1:, :4]
    print("BITS", float(network.compute_loss(y=y, y_pred=logits, sample_weight=np.ones(y.shape[:2], "float32"))))
"""
"""The first of the processes: the command, and then, JAX being loaded, the bits of a model of the run `tiny`."""


def train_words(recipe: Path, name: str) -> tuple[str, ...]:
    words = ("--query", "series == 'temple'", "--recipe", str(recipe), "--epochs", "2", "--name", name, "--seed", "3")
    return (*words, "--init", "tiny", "--no-render")


@dataclass
class Together:
    """What two processes on JAX said that trained the run `both`, and the pieces that the first one measured."""

    recipe: Path
    said: list[str]
    events: "np.ndarray[tuple[int, ...], np.dtype[np.int32]]"
    style: "np.ndarray[tuple[int, ...], np.dtype[np.int32]]"


@pytest.fixture(scope="module")
def together(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Together:
    folder = tmp_path_factory.mktemp("together")
    steady = folder / "steady.json"  # no dropout, and weights that are given: nothing is drawn by a backend
    steady.write_text(json.dumps(TINY | {"dropout": 0.0}))
    events = np.stack([e[:120] for e in encode([song(n, bars=20) for n in (30, 31, 32)])]).astype(np.int32)
    style = np.array([[1, 1], [1, 2], [0, 0]], np.int32)
    np.savez(folder / "held.npz", events=events, style=style)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    compiled = {**KEPT, "JAX_COMPILATION_CACHE_DIR": str(folder / "compiled")}
    hosts = {"KERAS_DISTRIBUTION_JOB_ADDRESSES": f"127.0.0.1:{port}", "KERAS_DISTRIBUTION_NUM_PROCESSES": "2"}
    measured = (str(Run.open(trained, "tiny").model), str(folder / "held.npz"))
    processes = [
        subprocess.Popen(
            [*line, *train_words(steady, "both"), "--root", str(trained)],
            env={**os.environ, **JAX, **compiled, **hosts, "KERAS_DISTRIBUTION_PROCESS_ID": str(index)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for index, line in enumerate(((str(BIN / "python"), "-c", FIRST, *measured), (str(BIN / "train"),)))
    ]
    said = [process.communicate(timeout=240) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    return Together(steady, [out for out, _ in said], events, style)


def test_jax_gives_the_same_bits_from_the_weights_that_tensorflow_trained(trained: Path, together: Together) -> None:
    theirs = float(together.said[0].split("BITS")[1])
    pieces = [EncodedPiece(e, tuple(s)) for e, s in zip(together.events, together.style.tolist(), strict=True)]
    ours = network_of(Run.open(trained, "tiny")).bits(pieces).sum() / (3 * 119)
    assert theirs == pytest.approx(ours, abs=1e-3)


def curve(root: Path, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((root / "runs" / name / "metrics.csv").open()))


def test_two_processes_on_jax_give_the_curve_of_one_on_tensorflow(trained: Path, together: Together) -> None:
    alone = command("train", *train_words(together.recipe, "alone"), root=trained)
    assert alone.returncode == 0, alone.stderr
    assert "sample-3.mid" in together.said[0]
    assert "epoch" not in together.said[1]
    one, two = curve(trained, "alone"), curve(trained, "both")
    assert (
        [row["epoch"] for row in one] == [row["epoch"] for row in two] == ["0", "1", "2"]
    )  # 0: weights that are given
    assert float(one[0]["validation_bits"]) == pytest.approx(float(two[0]["validation_bits"]), abs=2e-3)
    for a, b in zip(one[1:], two[1:], strict=True):
        for figure in ("train_bits", "validation_bits"):
            assert float(a[figure]) == pytest.approx(float(b[figure]), abs=2e-3)


def test_several_processes_need_jax_and_a_name(
    trained: Path, tiny_recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_DISTRIBUTION_NUM_PROCESSES", "2")
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    done = command("train", *train_words(tiny_recipe, "wrong"), root=trained)
    assert done.returncode == 2
    assert "KERAS_BACKEND=jax" in done.stderr
    monkeypatch.setenv("KERAS_DISTRIBUTION_NUM_PROCESSES", "two")
    assert "whole number" in command("train", *train_words(tiny_recipe, "wrong"), root=trained).stderr
    assert not (trained / "runs" / "wrong").exists()
