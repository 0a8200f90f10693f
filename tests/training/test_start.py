"""Epoch 0: the weights that a run starts from are measured, and kept if no epoch is better."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from catalog.storage.files import write_text
from tests.forked import BY_STEP
from tests.once import Once
from tests.training.conftest import QUICK, command
from tests.training.test_resume import contents, curve, state
from training.network.weights import load_weights
from training.page.run_page import page
from training.page.run_summary import Best, RunSummary
from training.run import Run

pytestmark = pytest.mark.road

WORDS = ("--query", "game == 'wood'", "--init", "tiny", "--epochs", "2", "--name", "worse")
FASTER = 0.15  # a learning rate at which every epoch is worse than the start


@pytest.fixture(scope="module")
def root(once: Once, trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with a run from the weights of `tiny` that training made worse."""

    def train(root: Path) -> None:
        shutil.copytree(trained, root, dirs_exist_ok=True)
        (root / "faster.json").write_text(json.dumps(QUICK | {"learning_rate": FASTER, "warmup": 1}))
        words = (*WORDS, "--recipe", str(root / "faster.json"), "--no-render")
        done = command("train", *words, root=root, first=BY_STEP)
        assert done.returncode == 0, done.stdout + done.stderr
        (root / "told.txt").write_text(done.stdout)

    return Path(shutil.copytree(once("worse", train), tmp_path_factory.mktemp("worse") / "root"))


def stopped_after_epoch_0(run: Path) -> None:
    """Make a run as if it had been killed after epoch 0."""
    told = state(run)
    begun = {"epoch": 0, "step": 0, "checkpoint": None, "ended": None, "samples": [], "history": told["history"][:1]}  # type: ignore[index]
    write_text(run / "checkpoints" / "state.json", json.dumps(told | begun))
    write_text(run / "metrics.csv", "".join((run / "metrics.csv").read_text().splitlines(keepends=True)[:2]))
    for file in (*(run / "checkpoints").glob("epoch-*"), *(run / "samples").iterdir(), run / "model.keras"):
        file.unlink()


def test_the_weights_it_starts_from_are_kept_where_no_epoch_is_better(root: Path) -> None:
    run = Run.open(root, "worse")
    bits = [float(row["validation_bits"]) for row in curve(run.path)]
    assert [row["epoch"] for row in curve(run.path)] == ["0", "1", "2"]
    assert bits.index(min(bits)) == 0
    assert (
        "ended    budget; kept epoch 0: no epoch was better than the weights of tiny\n"
        in (root / "told.txt").read_text()
    )
    named, meta = load_weights(run.weights)
    start, _ = load_weights(root / "runs" / "tiny" / "weights.npz")
    assert meta.epoch == 0
    assert named.keys() == start.keys()
    assert all(np.array_equal(named[name], start[name]) for name in named)  # both games are styles of `tiny`
    found = json.loads(command("evaluate", "worse", "--split", "validation", "--json", root=root).stdout)
    assert found["bits_per_note"] == pytest.approx(bits[0], abs=1e-6)
    said = command("evaluate", "worse", root=root).stdout
    assert "epoch 0, the weights of run tiny: no epoch of training was better on the validation pieces" in said
    assert "epoch" not in command("evaluate", "tiny", root=root).stdout


def test_the_page_shows_epoch_0(root: Path) -> None:
    run = Run.open(root, "worse")
    summary = RunSummary.of(run)
    assert summary.best == Best(summary.rows[0]["validation_bits"], 0)
    assert summary.epochs == 2
    assert summary.speed
    said = " ".join(re.sub(r"<[^>]+>", "", page(root, run)).split())
    assert "was reached at epoch 0 of 2, before any training: it is that of run tiny" in said
    assert "Epoch 0 is the weights of run tiny, before any training" in said


def test_a_run_killed_after_epoch_0_goes_on_to_the_curve_it_would_have_had(root: Path, tmp_path: Path) -> None:
    made = Path(shutil.copytree(root, tmp_path / "root"))
    run = made / "runs" / "worse"
    whole = curve(run)
    stopped_after_epoch_0(run)
    assert not Run.open(made, "worse").has_epoch
    assert command("generate", "worse", "--notes", "20", "--no-render", root=made).returncode == 0
    done = command("train", "--name", "worse", "--resume", "--no-render", root=made, first=BY_STEP)
    assert done.returncode == 0, done.stderr
    assert curve(run) == whole
    assert state(run)["best_epoch"] == 0


def test_training_is_not_started_over_where_the_state_after_epoch_0_is_lost(root: Path, tmp_path: Path) -> None:
    made = Path(shutil.copytree(root, tmp_path / "root"))
    run = made / "runs" / "worse"
    stopped_after_epoch_0(run)
    (run / "checkpoints" / "state.json").unlink()
    before = contents(run)
    done = command("train", "--name", "worse", "--resume", "--no-render", root=made)
    assert done.returncode == 1
    assert "state.json: missing" in done.stderr
    assert contents(run) == before
