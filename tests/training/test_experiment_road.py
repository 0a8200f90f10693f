"""An experiment that is killed and completed: its runs, their samples and its page."""

import json
import re
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import forked
from tests.training.conftest import command
from tests.training.test_experiment import EPOCHS, QUERY, songs, words  # noqa: F401 - a fixture
from training import experiment
from training.observer import Observer
from training.train_config import TrainConfig

pytestmark = pytest.mark.road

RUNS = ("temple-water", "temple-wood", "temple-all")


@pytest.fixture(scope="module")
def done(filled: Path, quick_recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A root with an experiment, killed and then completed; its output."""
    root = Path(shutil.copytree(filled, tmp_path_factory.mktemp("done") / "root"))
    process = forked.start(*words(quick_recipe), "--root", root, first=forked.BY_STEP)
    state, deadline = root / "runs" / RUNS[1] / "checkpoints" / "state.json", time.monotonic() + 120
    while not state.is_file() and process.is_running():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.ended().returncode == -signal.SIGKILL
    assert not (root / "runs" / RUNS[2]).is_dir()
    ended = command(*words(quick_recipe), root=root, timeout=240, first=forked.BY_STEP)
    assert ended.returncode == 0, ended.stderr
    assert "tensorflow" not in ended.stderr.lower()
    return root, ended.stdout


def epochs_of(run: Path) -> int:
    return len((run / "metrics.csv").read_text().splitlines()) - 1


def test_each_game_and_all_of_them_have_a_run_with_three_samples(done: tuple[Path, str]) -> None:
    root, _ = done
    queries = [json.loads((root / "runs" / name / "run.json").read_text())["asked"]["query"] for name in RUNS]
    assert queries == ["game == 'water'", "game == 'wood'", QUERY]
    for name in RUNS:
        assert len(list((root / "runs" / name / "samples").glob("*.mid"))) == 3
        assert epochs_of(root / "runs" / name) == EPOCHS
    assert {path.name for path in (root / "runs").iterdir() if not path.name.startswith(".")} == set(RUNS)


def test_after_a_kill_what_was_done_is_not_done_again(done: tuple[Path, str]) -> None:
    _, said = done
    first, second, last = said.split("\n\n")[0:3]
    assert "1 of 3: Temple of Water" in first
    assert "already done: " in first
    assert "2 of 3: Temple of Wood" in second
    assert "already done" not in second
    assert "epoch 1 " in last


def test_done_it_does_nothing_more_but_write_the_page_again(done: tuple[Path, str], quick_recipe: Path) -> None:
    root, _ = done
    page = root / "experiments" / "temple" / "index.html"
    before = page.read_text()
    again = command(*words(quick_recipe), root=root)
    assert again.returncode == 0, again.stderr
    assert again.stdout.count("already done: ") == 3
    assert "epoch" not in again.stdout
    assert page.read_text() == before


def test_samples_that_a_kill_left_out_are_written_as_they_would_have_been(
    done: tuple[Path, str], quick_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = Path(shutil.copytree(done[0], tmp_path / "root"))
    monkeypatch.setattr("training.generate.SAMPLE_SECONDS", forked.SHORT)  # as it was when they were written first
    samples = root / "runs" / RUNS[0] / "samples"
    was = {path.name: path.read_bytes() for path in samples.glob("*.mid")}
    (samples / "sample-2.mid").unlink()
    (samples / "sample-3.mid").unlink()
    order = TrainConfig(query=QUERY, recipe=str(quick_recipe), epochs=EPOCHS, name="temple")
    experiment.take(root, experiment.plan(root, order), Observer(), render=False)  # the command writes the page, too
    assert {path.name: path.read_bytes() for path in samples.glob("*.mid")} == was
    assert epochs_of(root / "runs" / RUNS[0]) == EPOCHS


def test_the_page_compares_the_runs(done: tuple[Path, str]) -> None:
    root, said = done
    page = root / "experiments" / "temple" / "index.html"
    assert said.rstrip().endswith(f"compared {page}")
    text = re.sub(r"<[^>]+>", " ", page.read_text())
    for label in ("Temple of Water", "Temple of Wood", "All of them"):
        assert label in text
    assert len(re.findall(r'src="data:audio/mpeg;base64,', page.read_text())) == 1 + 1 + 3


def test_a_run_of_that_name_on_other_music_is_not_taken_for_it(
    done: tuple[Path, str], quick_recipe: Path, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(done[0], tmp_path / "root"))
    other = list(words(quick_recipe))
    other[3] = "series == 'temple' and title != 'Song 3'"
    failed = command(*other, root=root)
    assert failed.returncode == 1
    [line] = failed.stderr.strip().splitlines()
    assert (
        "temple-water was trained on other music (game == 'water'" in line
        or "temple-wood was trained on other music" in line
    )
    assert "another --name" in line
