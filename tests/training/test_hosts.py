"""The JAX backend: same results, and two processes train like one on TensorFlow."""

import csv
import gc
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import pytest

from tests.forked import TOP, _ended, briefly
from tests.training.conftest import TINY, command
from training.events.fields import FIELDS
from training.network.backend import load_keras

pytestmark = pytest.mark.road

QUICK = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"  # compiled in half the time
JAX = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "XLA_FLAGS": QUICK}
KEPT = {
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}


def train_words(recipe: Path, name: str) -> tuple[str, ...]:
    words = ("--query", "series == 'temple'", "--recipe", str(recipe), "--epochs", "2", "--name", name, "--seed", "3")
    return (*words, "--init", "tiny", "--no-render")


def fork_both() -> None:
    """Run `train` with this process's arguments in two processes, forked as soon as Keras is imported.

    Both then share what the imports cost. Each writes to a file of its own in the folder that is named first.
    """
    folder, words = sys.argv[1], sys.argv[2:]
    load_keras()
    import tensorflow  # noqa: F401 - which Keras imports to seed it, on JAX too

    gc.freeze()  # so that the children's collections pass over what the imports made
    children = []
    for index in range(2):
        child = os.fork()
        if not child:
            for number, name in ((1, "out"), (2, "err")):
                os.dup2(os.open(f"{folder}/{name}-{index}", os.O_WRONLY | os.O_CREAT), number)
            os.environ["KERAS_DISTRIBUTION_PROCESS_ID"] = str(index)
            sys.argv = ["train", *words]
            os._exit(_ended(_train))
        children.append(child)
    sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0 for child in children))


def _train() -> None:
    briefly()
    import_module("vgpiano").train()


def trained_together(root: Path, recipe: Path, folder: Path) -> list[str]:
    """Train the run `both` in two processes on JAX, and return what each printed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    compiled = {**KEPT, "JAX_COMPILATION_CACHE_DIR": str(folder / "compiled")}
    hosts = {"KERAS_DISTRIBUTION_JOB_ADDRESSES": f"127.0.0.1:{port}", "KERAS_DISTRIBUTION_NUM_PROCESSES": "2"}
    code = f"from {__name__} import fork_both; fork_both()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(folder), *train_words(recipe, "both"), "--root", str(root)],
        env={**os.environ, **JAX, **compiled, **hosts},
        cwd=TOP,
        start_new_session=True,
    )
    try:
        code = process.wait(900)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert code == 0, [(folder / f"err-{index}").read_text() for index in range(2)]
    return [(folder / f"out-{index}").read_text() for index in range(2)]


def curve(root: Path, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((root / "runs" / name / "metrics.csv").open()))


def test_two_processes_on_jax_give_the_curve_of_one_on_tensorflow(trained: Path, tmp_path: Path) -> None:
    """Epoch 0 has the bits of the weights that are given, so it shows that both backends compute the same."""
    steady = tmp_path / "steady.json"  # no dropout, and weights that are given: nothing is drawn by a backend
    steady.write_text(json.dumps(TINY | {"dropout": 0.0, "batch": 64}))
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
