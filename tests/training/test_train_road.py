"""Trainings that are killed or stopped go on; one that diverges ends."""

import re
import signal
import time
from pathlib import Path

import pytest

from tests import forked
from tests.training.conftest import command
from tests.training.test_train import copy_of, metrics
from training.run import Run

pytestmark = pytest.mark.road


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 90
    while not path.is_file():
        assert time.monotonic() < deadline, f"no {path} after 90 s"
        time.sleep(0.01)


def test_a_training_killed_again_and_again_goes_on_to_the_curve_it_would_have_had(
    trained: Path, tiny_recipe: Path
) -> None:
    words = [
        "--query",
        "series == 'temple'",
        "--recipe",
        str(tiny_recipe),
        "--epochs",
        "5",
        "--name",
        "killed",
        "--seed",
        "3",
    ]
    run = trained / "runs" / "killed"
    for moment in (run / "run.json", run / "checkpoints" / "state.json"):  # before the first epoch is done, and after
        again = ["--resume"] if run.exists() else []
        process = forked.start("train", *words, *again, "--root", trained)
        wait_for(moment)
        time.sleep(0.15)
        process.send_signal(signal.SIGKILL)
        assert process.ended().returncode == -signal.SIGKILL
    done = len(metrics(run))
    assert 1 <= done < 5
    assert command("generate", "killed", "--notes", "20", "--no-render", root=trained).returncode == 0
    resumed = command("train", "--name", "killed", "--resume", "--no-render", root=trained)
    assert resumed.returncode == 0, resumed.stderr
    whole, pieced = metrics(trained / "runs" / "tiny"), metrics(run)
    assert [row["epoch"] for row in pieced] == ["1", "2", "3", "4", "5"]
    for a, b in zip(whole, pieced, strict=True):
        assert float(a["validation_bits"]) == pytest.approx(float(b["validation_bits"]), abs=1e-4)
        assert float(a["train_bits"]) == pytest.approx(float(b["train_bits"]), abs=1e-4)
    assert not list(run.rglob(".tmp-*"))


def test_a_small_corpus_is_warned_of_ctrl_c_says_how_to_go_on_and_a_finished_run_is_left_as_it_is(
    trained: Path, quick_recipe: Path
) -> None:
    words = ["--query", "series == 'temple'", "--recipe", str(quick_recipe), "--epochs", "1000", "--name", "stopped"]
    run = trained / "runs" / "stopped"
    process = forked.start("train", *words, "--minutes", "50", "--root", trained, first=forked.BY_STEP)
    wait_for(run / "checkpoints" / "state.json")
    process.send_signal(signal.SIGINT)
    stopped = process.ended(60)
    assert stopped.returncode == 130
    assert "train --name stopped --resume" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    assert "little to learn from" in stopped.stderr  # a small corpus is warned of, and the time that is left is shown
    assert "--init RUN" in stopped.stderr
    assert re.search(r"epoch 1 .*notes_per_second [\d.e+]+ .*validation_bits [\d.]+ .*left 49:\d\d", stopped.stdout)
    done = len(metrics(run))
    words = ["--name", "stopped", "--resume", "--epochs", str(done), "--no-render"]
    assert command("train", *words, root=trained).returncode == 0
    assert len(metrics(run)) == done
    again = command("train", *words, root=trained)
    assert "nothing was left to train" in again.stdout
    assert len(list((run / "samples").glob("*.mid"))) == 3


def test_a_run_that_diverges_ends_with_what_it_had(trained: Path, tmp_path: Path) -> None:
    root = copy_of(trained, tmp_path)
    run = Run.open(root, "tiny")
    progress = run.progress()
    progress.history[-1]["train_bits"] = -9.0  # as if it had learnt far better before
    run.save_progress(progress)
    kept = run.weights.read_bytes()
    again = command("train", "--name", "tiny", "--resume", "--epochs", "7", "--no-render", root=root)
    assert again.returncode == 1
    assert "diverges" in again.stderr
    assert "learning_rate" in again.stderr
    assert run.weights.read_bytes() == kept
    assert len(metrics(run.path)) == 5
