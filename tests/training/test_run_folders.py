"""Folders of runs: names of new ones, what a killed or stopped training leaves, full disks, and older formats."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from catalog.base.errors import TrainingError
from tests.running import children
from tests.training.conftest import BIN, command, fill
from tests.training.test_resume import EXHAUSTIVE, QUERY, curve, recipe
from training.note_lstm.recipe import NoteLSTMRecipe
from training.run import Run, list_runs
from training.run_record import TrainingRequest


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with a catalog of a few songs."""
    root = tmp_path_factory.mktemp("folders")
    fill(root, pieces=12)
    return root


def test_runs_that_are_made_at_once_get_a_name_each_and_what_a_killed_one_left_is_removed(tmp_path: Path) -> None:
    left = tmp_path / "runs" / ".tmp-of-one-that-was-killed"
    left.mkdir(parents=True)
    (left / "run.json").write_text("{")
    asked = TrainingRequest(corpus="c", corpus_hash="0" * 64, query="q", seed=0, minutes=1.0, epochs=None)

    def make(number: int) -> str:
        return Run.create(tmp_path, "songs", NoteLSTMRecipe(), "{}", asked, numbered=True).name

    with ThreadPoolExecutor(8) as pool:
        made = sorted(pool.map(make, range(8)))
    assert made == sorted(["songs", *(f"songs-{number}" for number in range(2, 9))])
    assert sorted(list_runs(tmp_path)) == made
    assert not left.exists()
    with pytest.raises(TrainingError, match="already exists"):
        Run.create(tmp_path, "songs", NoteLSTMRecipe(), "{}", asked)
    assert not list((tmp_path / "runs").glob(".tmp-*"))


@pytest.mark.skipif(not EXHAUSTIVE, reason="two whole trainings: set VGPIANO_RESUME")
def test_two_unnamed_trainings_at_once_get_a_name_each_and_leave_no_litter(root: Path, tmp_path: Path) -> None:
    made = root / "runs"
    before = set(made.iterdir()) if made.is_dir() else set()
    (made / ".tmp-of-one-that-was-killed").mkdir(parents=True)
    line = [str(BIN / "train"), "--query", QUERY, "--recipe", recipe(tmp_path), "--epochs", "1", "--no-render"]
    both = [
        subprocess.Popen([*line, "--root", str(root)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    new = {path.name for path in set(made.iterdir()) - before if path.name != ".lock"}
    assert new == {"series-temple", "series-temple-2"}
    assert sorted(out.splitlines()[0].split("/")[-1] for out, _ in said) == sorted(new)


def test_a_training_that_fails_before_its_first_epoch_leaves_its_name_free(root: Path, tmp_path: Path) -> None:
    wide = tmp_path / "wide.json"
    wide.write_text(json.dumps({"kind": "classic", "width": 8, "layers": 1, "dense": 4, "window": 60_000}))
    line = ("--query", QUERY, "--name", "once", "--epochs", "1", "--no-render")
    failed = command("train", *line, "--recipe", wide, root=root)
    assert failed.returncode == 1
    assert "a window needs 60000" in failed.stderr
    assert not [path for path in (root / "runs").iterdir() if path.name == "once" or path.name.startswith(".tmp-")]


@pytest.mark.skipif(sys.platform != "linux", reason="looks for child processes in /proc")
def test_ctrl_c_while_samples_are_rendered_says_what_is_there_and_the_rest_comes_with_the_command_it_names(
    trained: Path, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    shutil.copytree(trained, root)
    run = root / "runs" / "tiny"
    line = [str(BIN / "train"), "--name", "tiny", "--resume", "--root", str(root)]

    def rendered() -> list[Path]:
        return [path for path in (run / "samples").iterdir() if path.suffix not in (".mid", ".json")]

    for file in (*run.glob("index.html"), *rendered()):
        file.unlink()
    process = subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    # its only processes render, and have libraries to import
    while not (workers := children(process.pid)) and process.poll() is None:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert workers
    assert process.returncode == 130
    last = said.strip().splitlines()[-1]
    assert last.startswith("stopped: run tiny is trained, and 3 of its 3 samples are written")
    assert last.endswith("train --name tiny --resume")
    assert "Traceback" not in said


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mount"), reason="a small file system takes root to mount")
def test_a_full_disk_names_the_folder_and_what_it_advises_works(root: Path, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(small)], check=False)
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        for part in ("catalog", "midi"):
            shutil.copytree(root / part, small / part)
        line = (
            "--query",
            QUERY,
            "--recipe",
            recipe(tmp_path),
            "--epochs",
            "1",
            "--name",
            "full",
            "--no-render",
            "--from-scratch",
        )
        pad = small / "pad"

        def fill_up(left: int) -> None:
            pad.write_bytes(bytes(max(0, shutil.disk_usage(small).free - left)))

        fill_up(0)
        assert command("train", *line, root=small).returncode == 1
        pad.unlink()
        command("dataset", "build", "--query", QUERY, root=small)
        for left in (40_000, 200_000) if EXHAUSTIVE else (40_000,):  # in making the run, and in its first epoch
            fill_up(left)
            done = command("train", *line, root=small)
            assert done.returncode == 1
            assert f"error: {small / 'runs' / 'full'}: No space left on device; free some space" in done.stderr
            assert "run the same command again" in done.stderr
            assert [path.name for path in (small / "runs").iterdir()] == [".lock"]
            pad.unlink()
        if not EXHAUSTIVE:
            return
        assert command("train", *line, root=small).returncode == 0
        fill_up(50_000)
        done = command("train", "--name", "full", "--resume", "--epochs", "2", "--no-render", root=small)
        assert done.returncode == 1
        assert "continue with `train --name full --resume`" in done.stderr
        pad.unlink()
        assert command("train", "--name", "full", "--resume", "--no-render", root=small).returncode == 0
        assert len(curve(small / "runs" / "full")) == 2
        assert not list(small.rglob(".tmp-*"))
    finally:
        subprocess.run(["umount", str(small)], check=False)


def test_a_run_of_an_older_form_is_refused_with_the_command_that_trains_it_anew(trained: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    shutil.copytree(trained, root)
    file = root / "runs" / "tiny" / "run.json"
    told = json.loads(file.read_text())
    file.write_text(json.dumps({"format": 1, "recipe_sha256": "0" * 64, "asked": told["asked"]}))
    for line in (("generate", "tiny"), ("evaluate", "tiny"), ("train", "--name", "tiny", "--resume")):
        done = command(*line, root=root)
        assert done.returncode == 1
        [said] = done.stderr.strip().splitlines()
        assert "format: 1, an older format" in said
        assert "train --corpus series-temple --recipe" in said
        assert "--seed 3 --epochs 5" in said
    file.write_text(json.dumps({"format": 99}))
    with pytest.raises(TrainingError, match="use the version of vgpiano that wrote it"):
        Run.open(root, "tiny")
