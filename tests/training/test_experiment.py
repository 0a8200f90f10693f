"""The experiment: a run per game, a run of all, and a page."""

import re
import shutil
from pathlib import Path

import pytest

from catalog.base.errors import TrainingError, UsageError
from tests.training.conftest import FEW_BARS, command, fill
from tests.training.test_recipes import registered  # noqa: F401 - a fixture for all tests of this module
from training import experiment
from training.observer import Observer
from training.page.comparison_page import ZELDA
from training.run import Run
from training.train_config import TrainConfig

QUERY = "series == 'temple'"
EPOCHS = 2


def words(recipe: Path) -> tuple[str, ...]:
    plain = ("--recipe", str(recipe), "--epochs", str(EPOCHS), "--name", "temple", "--no-render")
    return ("train", "--each-game", "--query", QUERY, *plain)


@pytest.fixture(name="filled", scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("filled")
    fill(root, 24, bars=FEW_BARS)
    return root


def test_minutes_are_for_all_runs_together(filled: Path) -> None:
    asked = experiment.plan(filled, TrainConfig(query=QUERY, minutes=8))
    assert asked.name == "series-temple"
    assert [part.config.minutes for part in asked.parts] == [2, 2, 4]
    assert [part.samples for part in asked.parts] == [1, 1, 3]
    assert not asked.is_original
    plain = experiment.plan(filled, TrainConfig(query=QUERY))
    assert sum(part.config.minutes or 0 for part in plain.parts) == pytest.approx(experiment.MINUTES)
    assert experiment.MINUTES < 25


def test_each_game_and_all_of_them_are_trained_once_and_compared(filled: Path, tmp_path: Path) -> None:
    """By the toy recipe, in this process; `test_experiment_road.py` trains networks by the command."""
    root, told = Path(shutil.copytree(filled, tmp_path / "root")), list[str]()
    asked = experiment.plan(root, TrainConfig(query=QUERY, recipe="markov", epochs=EPOCHS, name="toy"))
    for time in (1, 2):
        told.clear()
        experiment.take(root, asked, Observer(told.append), render=False)
        said = "\n".join(told)
        assert said.count("already done: ") == 3 * (time - 1)
        assert ("epoch 2 " in said) == (time == 1)
    for name, query in zip(
        ("toy-water", "toy-wood", "toy-all"), ("game == 'water'", "game == 'wood'", QUERY), strict=True
    ):
        run = Run.open(root, name)
        assert (run.request.query, run.progress().epoch) == (query, EPOCHS)
        assert len(list(run.samples.glob("*.mid"))) == 3
    page = experiment.write(root, asked)
    text = re.sub(r"<[^>]+>", " ", page.read_text())
    for label in ("Temple of Water", "Temple of Wood", "All of them"):
        assert label in text


def test_part_of_a_game_is_asked_for_as_part(filled: Path) -> None:
    query = "series == 'temple' and (game == 'water' or title != 'Song 0')"
    parts = {part.slug: part.config.query for part in experiment.plan(filled, TrainConfig(query=query)).parts}
    assert parts["water"] == "game == 'water'"
    assert parts["wood"] == f"({query}) and game == 'wood'"


def test_several_processes_are_refused(filled: Path, quick_recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_DISTRIBUTION_NUM_PROCESSES", "2")
    refused = command(*words(quick_recipe), root=filled)
    assert refused.returncode == 2
    assert "--each-game is for one process" in refused.stderr


@pytest.mark.parametrize(
    "order, error",
    [
        (TrainConfig(corpus="series-temple"), UsageError),
        (TrainConfig(query=QUERY, name="temple", resume=True), UsageError),
        (TrainConfig(query="game == 'water'"), TrainingError),
    ],
)
def test_what_cannot_be_parted_is_refused(filled: Path, order: TrainConfig, error: type[Exception]) -> None:
    with pytest.raises(error):
        experiment.plan(filled, order)


def test_of_zelda_the_originals_games_are_taken_in_its_order(tmp_path: Path) -> None:
    games = ("twilight-princess", "wind-waker", "majoras-mask", "ocarina-of-time")
    fill(tmp_path, 48, games, "zelda", bars=FEW_BARS)
    fill(tmp_path, 5, ("spirit-tracks",), "zelda", first=100, bars=FEW_BARS)
    asked = experiment.plan(tmp_path, TrainConfig(query="series == 'zelda'", name="zelda"))
    assert asked.is_original
    assert [part.slug for part in asked.parts] == [*list(ZELDA)[:4], "all"]
    assert [part.label for part in asked.parts][-1] == "All of Zelda"
    assert next(part.config.name for part in asked.parts) == "zelda-ocarina-of-time"
    assert [part.samples for part in asked.parts] == [1, 1, 1, 1, 3]
    assert asked.parts[-1].pieces == 48 + 5
