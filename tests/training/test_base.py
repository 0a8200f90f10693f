"""The base of a run: trained on the whole catalog first, used again, continued after Ctrl-C."""

import shutil
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from dataset.corpus.corpus import list_corpora
from tests import forked
from tests.once import Once
from tests.training.conftest import FEW_BARS, command, fill
from tests.training.test_train import metrics
from tests.training.test_train_road import wait_for
from training import base
from training.generate import SAMPLES
from training.observer import Observer
from training.run import Run, list_runs
from training.run_critic import needs_critic
from training.train_config import TrainConfig

pytestmark = pytest.mark.road

WATER = "game == 'water'"
PIECES = 24


@dataclass
class Based:
    """A data root with the run `first` and its base, whose training was stopped once; and what the commands said."""

    root: Path
    stopped: str
    told: str

    @property
    def base(self) -> Run:
        """The base."""
        [name] = [name for name in list_runs(self.root) if name.startswith("base-")]
        return Run.open(self.root, name)


@pytest.fixture(scope="module")
def based(once: Once, tmp_path_factory: pytest.TempPathFactory, quick_recipe: Path) -> Based:
    def train(root: Path) -> None:
        fill(root, PIECES, bars=FEW_BARS)
        words = ("--query", WATER, "--recipe", str(quick_recipe), "--name", "first", "--no-render")
        process = forked.start("train", *words, "--minutes", "1000", "--root", root, first=forked.BY_STEP)
        while not (found := [name for name in list_runs(root) if name.startswith("base-")]):
            assert process.is_running()
            time.sleep(0.05)
        wait_for(root / "runs" / found[0] / "checkpoints" / "state.json")
        process.send_signal(signal.SIGINT)
        stopped = process.ended(60)
        assert stopped.returncode == 130, stopped.stdout + stopped.stderr
        unfinished(Run.open(root, found[0]), minutes=0.001)
        done = command("train", *words, "--minutes", "0.02", root=root, first=forked.BY_STEP)
        assert done.returncode == 0, done.stdout + done.stderr
        (root / "stopped.txt").write_text(stopped.stdout + stopped.stderr)
        (root / "told.txt").write_text(done.stdout)

    made = once("based", train)
    root = Path(shutil.copytree(made, tmp_path_factory.mktemp("based") / "root"))
    return Based(root, (root / "stopped.txt").read_text(), (root / "told.txt").read_text())


def unfinished(run: Run, minutes: float = 1000) -> None:
    """Make a run as if it had been stopped, with this budget."""
    progress = run.progress()
    progress.ended, progress.minutes = None, minutes
    run.save_progress(progress)


def planned(root: Path, quick: Path, **config: object) -> base.BasePlan | None:
    settings = {"query": WATER, "recipe": str(quick), "minutes": 8.0, **config}
    return base.plan(root, TrainConfig(**settings), Observer())  # type: ignore[arg-type]


def test_ctrl_c_in_the_base_says_that_the_same_command_goes_on_and_it_does(based: Based) -> None:
    name = based.base.name
    assert f"every finished epoch of the base {name} is kept; continue with the same command" in based.stopped
    assert "Traceback" not in based.stopped
    for said in (based.stopped, based.told):
        assert f"base     {name}: all {PIECES} pieces of the catalog first" in said
    assert based.told.index(f"/runs/{name}\n") < based.told.index("/runs/first\n")
    assert (based.base.request.query, based.base.request.init) == (base.WHOLE, None)
    assert Run.open(based.root, "first").request.init == name
    assert len(metrics(based.base.path)) >= 1


def test_a_base_has_no_samples_or_critic_until_it_is_asked_for_them(based: Based, tmp_path: Path) -> None:
    root = Path(shutil.copytree(based.root, tmp_path / "root"))
    run = Run.open(root, based.base.name)
    assert not [*run.samples.glob("*.mid")]
    assert needs_critic(run)
    done = command("train", "--name", run.name, "--resume", "--no-render", root=root, first=forked.BY_STEP)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len([*run.samples.glob("*.mid")]) == SAMPLES
    assert not needs_critic(run)


def test_a_run_that_starts_from_a_base_keeps_what_the_base_has_learned_from_as_sources(based: Based) -> None:
    whole, own = based.base.corpus(based.root), Run.open(based.root, "first").corpus(based.root)
    learned = [piece.sha256 for piece in Run.open(based.root, "first").learned_from().pieces]
    assert len(learned) == len(set(learned))
    assert {piece.sha256 for piece in own.pieces("train")} < {piece.sha256 for piece in whole.pieces("train")}
    assert set(learned) == {piece.sha256 for piece in whole.pieces("train")}
    held_out = {piece.sha256 for piece in (*own.pieces("validation"), *own.pieces("test"))}
    assert held_out
    assert not held_out & set(learned)


def test_another_query_uses_the_base_again_and_says_so(based: Based, quick_recipe: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(based.root, tmp_path / "root"))
    words = ("--query", "game == 'wood'", "--recipe", str(quick_recipe), "--epochs", "1", "--name", "second")
    done = command("train", *words, "--no-render", root=root, first=forked.BY_STEP)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"base     {based.base.name}: trained before on {PIECES} pieces of the catalog\n" in done.stdout
    assert Run.open(root, "second").request.init == based.base.name
    assert sorted(list_runs(root)) == sorted([based.base.name, "first", "second"])


def test_a_run_with_a_base_gets_all_of_the_minutes(based: Based, quick_recipe: Path) -> None:
    again = planned(based.root, quick_recipe)
    assert again is not None
    assert again.training is None
    assert (again.config.minutes, again.config.init) == (8.0, based.base.name)


def test_what_needs_no_base_gets_none(based: Based, quick_recipe: Path, tmp_path: Path) -> None:
    root = based.root
    assert planned(root, quick_recipe) is not None
    assert planned(root, quick_recipe, from_scratch=True) is None
    assert planned(root, quick_recipe, init="first") is None
    assert planned(root, quick_recipe, query=None, resume=True, name="first") is None
    assert planned(root, quick_recipe, query=None, corpus="water") is None
    assert planned(root, quick_recipe, query="series == 'temple'") is None  # the whole catalog
    assert planned(root, quick_recipe, recipe="classic") is None
    fill(tmp_path, PIECES, bars=FEW_BARS)
    assert planned(tmp_path, quick_recipe, minutes=None, epochs=3) is None  # there is no base yet
    assert not list_runs(tmp_path)
    assert not list_corpora(tmp_path)  # so the whole catalog is not read for it


def test_a_base_is_used_until_the_catalog_has_grown_by_more_than_a_tenth(
    based: Based, quick_recipe: Path, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(based.root, tmp_path / "root"))
    fill(root, 2, first=100, bars=FEW_BARS)
    found = planned(root, quick_recipe)
    assert found is not None
    assert found.training is None
    assert found.message.endswith(f"trained before on {PIECES} pieces of the catalog, which now has {PIECES + 2}")
    fill(root, 1, first=102, bars=FEW_BARS)
    found = planned(root, quick_recipe)
    assert found is not None
    assert found.training is not None
    assert not found.training.resume
    assert found.name != based.base.name
    assert planned(root, quick_recipe, minutes=None, epochs=3) is None


def test_a_base_that_was_stopped_before_its_first_epoch_is_continued(
    based: Based, quick_recipe: Path, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(based.root, tmp_path / "root"))
    stopped = Run.open(root, based.base.name)
    shutil.rmtree(stopped.checkpoints)
    for path in (stopped.path / "metrics.csv", stopped.weights):
        path.unlink()
    found = planned(root, quick_recipe)
    assert found is not None
    assert found.training is not None
    assert (found.training.name, found.training.resume) == (stopped.name, True)


def test_a_base_that_was_stopped_is_left_when_the_catalog_changes(
    based: Based, quick_recipe: Path, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(based.root, tmp_path / "root"))
    unfinished(Run.open(root, based.base.name))
    found = planned(root, quick_recipe)
    assert found is not None
    assert found.training == TrainConfig(name=based.base.name, resume=True, minutes=8.0 * base.SHARE)
    fill(root, 1, first=100, bars=FEW_BARS)  # its corpus is no longer there to continue on
    found = planned(root, quick_recipe)
    assert found is not None
    assert found.training is not None
    assert found.name == found.training.name != based.base.name
    assert not found.training.resume
