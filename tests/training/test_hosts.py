"""The JAX backend: same results, and two processes train like one on TensorFlow."""

import csv
import json
import os
import socket
import subprocess
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

BITS = """
import sys, numpy as np
from training.network.backend import load_keras
keras = load_keras()
assert keras.backend.backend() == "jax"
import training.network.network
network = keras.models.load_model(sys.argv[1])
held = np.load(sys.argv[2])
logits = network({"events": held["events"], "style": held["style"]})
y = held["events"][:, 1:, :4]
print("BITS", float(network.compute_loss(y=y, y_pred=logits, sample_weight=np.ones(y.shape[:2], "float32"))))
"""


@pytest.fixture(scope="module")
def jax(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a process on JAX, with a shared compilation cache."""
    return {**os.environ, **JAX, **KEPT, "JAX_COMPILATION_CACHE_DIR": str(tmp_path_factory.mktemp("compiled"))}


def test_jax_gives_the_same_bits_from_the_weights_that_tensorflow_trained(
    jax: dict[str, str], trained: Path, tmp_path: Path
) -> None:
    run = Run.open(trained, "tiny")
    events = np.stack([e[:120] for e in encode([song(n, bars=20) for n in (30, 31, 32)])]).astype(np.int32)
    style = np.array([[1, 1], [1, 2], [0, 0]], np.int32)
    np.savez(tmp_path / "held.npz", events=events, style=style)
    done = subprocess.run(
        [str(BIN / "python"), "-c", BITS, str(run.model), str(tmp_path / "held.npz")],
        env=jax,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    theirs = float(done.stdout.split("BITS")[1])
    pieces = [EncodedPiece(e, tuple(s)) for e, s in zip(events, style.tolist(), strict=True)]
    ours = network_of(run).bits(pieces).sum() / (3 * 119)
    assert theirs == pytest.approx(ours, abs=1e-3)


def train_words(recipe: Path, name: str) -> tuple[str, ...]:
    words = ("--query", "series == 'temple'", "--recipe", str(recipe), "--epochs", "2", "--name", name, "--seed", "3")
    return (*words, "--init", "tiny", "--no-render")


def curve(root: Path, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((root / "runs" / name / "metrics.csv").open()))


def test_two_processes_on_jax_give_the_curve_of_one_on_tensorflow(
    jax: dict[str, str], trained: Path, tmp_path: Path
) -> None:
    steady = tmp_path / "steady.json"  # no dropout, and weights that are given: nothing is drawn by a backend
    steady.write_text(json.dumps(TINY | {"dropout": 0.0}))
    alone = command("train", *train_words(steady, "alone"), root=trained)
    assert alone.returncode == 0, alone.stderr
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    together = {**jax, "KERAS_DISTRIBUTION_JOB_ADDRESSES": f"127.0.0.1:{port}", "KERAS_DISTRIBUTION_NUM_PROCESSES": "2"}
    processes = [
        subprocess.Popen(
            [str(BIN / "train"), *train_words(steady, "both"), "--root", str(trained)],
            env={**together, "KERAS_DISTRIBUTION_PROCESS_ID": str(index)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for index in range(2)
    ]
    said = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert "sample-3.mid" in said[0][0]
    assert "epoch" not in said[1][0]
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
