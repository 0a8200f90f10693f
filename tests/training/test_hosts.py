"""The JAX backend: same results, and two processes train like one on TensorFlow."""

import csv
import json
import os
import socket
import subprocess
from pathlib import Path

import pytest

from tests.training.conftest import BIN, TINY, command
from training.events.fields import FIELDS

QUICK = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"  # compiled in half the time
JAX = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "XLA_FLAGS": QUICK}
KEPT = {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0", "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1"}


def train_words(recipe: Path, name: str) -> tuple[str, ...]:
    words = ("--query", "series == 'temple'", "--recipe", str(recipe), "--epochs", "2", "--name", name, "--seed", "3")
    return (*words, "--init", "tiny", "--no-render")


def trained_together(root: Path, recipe: Path, folder: Path) -> list[str]:
    """Train the run `both` in two processes on JAX, and return what each printed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    compiled = {**KEPT, "JAX_COMPILATION_CACHE_DIR": str(folder / "compiled")}
    hosts = {"KERAS_DISTRIBUTION_JOB_ADDRESSES": f"127.0.0.1:{port}", "KERAS_DISTRIBUTION_NUM_PROCESSES": "2"}
    processes = [
        subprocess.Popen(
            [str(BIN / "train"), *train_words(recipe, "both"), "--root", str(root)],
            env={**os.environ, **JAX, **compiled, **hosts, "KERAS_DISTRIBUTION_PROCESS_ID": str(index)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for index in range(2)
    ]
    printed = [process.communicate(timeout=240) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], printed
    return [out for out, _ in printed]


def curve(root: Path, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((root / "runs" / name / "metrics.csv").open()))


def test_two_processes_on_jax_give_the_curve_of_one_on_tensorflow(trained: Path, tmp_path: Path) -> None:
    """Epoch 0 has the bits of the weights that are given, so it shows that both backends compute the same."""
    steady = tmp_path / "steady.json"  # no dropout, and weights that are given: nothing is drawn by a backend
    steady.write_text(json.dumps(TINY | {"dropout": 0.0}))
    printed = trained_together(trained, steady, tmp_path)
    alone = command("train", *train_words(steady, "alone"), root=trained)
    assert alone.returncode == 0, alone.stderr
    assert "sample-3.mid" in printed[0]
    assert "epoch" not in printed[1]
    one, two = curve(trained, "alone"), curve(trained, "both")
    assert [row["epoch"] for row in one] == [row["epoch"] for row in two] == ["0", "1", "2"]
    for field in ("validation_bits", *FIELDS):
        assert float(one[0][field]) == pytest.approx(float(two[0][field]), abs=1e-3)
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
