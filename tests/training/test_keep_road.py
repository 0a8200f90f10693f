"""Trainings with `--keep`: what a network has by heart, its page, its resumption, and the recipe `classic`; and how much of
the budget each epoch knows is used.
"""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from catalog.base.errors import TrainingError, UsageError
from dataset.build import build_corpus
from dataset.midi.midi_reader import read_midi
from dataset.plan import Plan
from tests import forked
from tests.training.conftest import QUICK, TINY, fill
from training import run_training as course
from training import session
from training.classic.recipe import ClassicRecipe
from training.events import batches
from training.network.weights import load_weights
from training.note_lstm import train as training
from training.novelty.figures import find_copies
from training.novelty.training_index import TrainingIndex
from training.observer import Observer
from training.page.write import write_run_page
from training.recipe import to_json
from training.run import Run
from training.sampling.sample_files import samples
from training.train_config import TrainConfig

pytestmark = pytest.mark.road


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with a corpus that a network memorises in seconds."""
    root = tmp_path_factory.mktemp("few")
    fill(root, pieces=4)
    build_corpus(root, Plan(query="series == 'temple'"), "few")
    return root


def trained(root: Path, recipe: str, **asked: object) -> Run:
    run, corpus, budget = session.prepare(
        root, TrainConfig(corpus="few", recipe=recipe, **asked), lambda done, total: None
    )  # type: ignore[arg-type]
    session.fit(run, corpus, budget, lambda row: None, lambda step: None)
    return run


def columns(run: Run) -> dict[str, list[float]]:
    """Return the columns of metrics.csv that the first epoch has; copies are not measured in trainings so short."""
    with (run.path / "metrics.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name]) for row in rows] for name in rows[0] if rows[0][name]}


@pytest.fixture(scope="module")
def by_heart(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that kept the epoch of the lowest training loss, with samples and a page.

    The samples were drawn without the copy guard.
    """
    recipe = tmp_path_factory.mktemp("recipe") / "large.json"
    recipe.write_text(
        json.dumps(
            TINY
            | {
                "width": 64,
                "dropout": 0.0,
                "learning_rate": 0.01,
                "transpose": 0,
                "window": 8,
                "batch": 32,
                "epoch_notes": 12288,
            }
        )
    )
    order = TrainConfig(corpus="few", recipe=str(recipe), epochs=2, name="heart", keep="training", max_copy=0)
    with forked.one_lane():
        run = course.train_run(root, order, render=False)
    assert run is not None
    write_run_page(root, run, Observer())
    return run


def test_the_epoch_of_the_lowest_training_loss_is_kept_where_it_is_asked_for(by_heart: Run) -> None:
    found = columns(by_heart)
    lowest = found["train_bits"].index(min(found["train_bits"])) + 1
    assert found["validation_bits"].index(min(found["validation_bits"])) + 1 < lowest  # else nothing is shown here
    _, meta = load_weights(by_heart.weights)
    assert (meta.epoch, by_heart.progress().best_epoch) == (lowest, lowest)


def test_what_it_has_by_heart_it_plays_when_nothing_guards_it(by_heart: Run) -> None:
    learned = TrainingIndex.open(by_heart.sources)
    longest = [find_copies(learned, read_midi(file.read_bytes())).longest for file in samples(by_heart.samples)]
    assert len(longest) == 3
    assert max(longest) > 24


def test_its_page_says_which_epoch_plays_the_samples(by_heart: Run) -> None:
    text = (by_heart.path / "index.html").read_text(encoding="utf-8")
    assert f'data-loss="{min(columns(by_heart)["train_bits"])}"' in text
    assert "The weights of that epoch compose the samples" not in text


def test_a_resumed_run_keeps_what_it_kept(root: Path, by_heart: Run) -> None:
    assert Run.open(root, "heart").keep == "training"
    with pytest.raises(UsageError, match="cannot change"):
        session.prepare(root, TrainConfig(name="heart", resume=True, keep="validation"), lambda done, total: None)
    same = TrainConfig(name="heart", resume=True, keep="training", max_copy=0)
    run, _, _ = session.prepare(root, same, lambda done, total: None)
    assert run.keep == "training"


def test_recipe_classic_can_keep_the_best_on_held_out_pieces_too(root: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "classic.json"
    recipe.write_text(to_json(ClassicRecipe(width=16, layers=1, dense=8, window=12, dropout=0.0)))
    run = trained(root, str(recipe), epochs=6, name="classic", keep="validation")
    found = columns(run)
    assert run.progress().best_epoch == found["validation_loss"].index(min(found["validation_loss"])) + 1
    wide = tmp_path / "wide.json"
    wide.write_text(to_json(ClassicRecipe(width=16, layers=1, dense=8, window=200)))
    with pytest.raises(TrainingError, match="no epoch can be selected"):
        trained(root, str(wide), epochs=1, name="wide", keep="validation")


def test_each_epoch_of_a_training_knows_how_much_of_the_budget_is_used_and_how_long_the_whole_is(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = tmp_path / "quick.json"
    recipe.write_text(json.dumps({**QUICK, "plan_dropout": 1.0, "last_plan_dropout": 0.0}), encoding="utf-8")
    asked: list[float] = []
    left_out: set[tuple[float, float]] = set()
    epoch, step = batches.epoch, training._step

    def watched(*given: Any) -> Any:
        asked.append(given[-1])
        assert given[1].plan_dropout == pytest.approx(1.0 if given[1].dropout else 4 / 11)
        assert given[1].slips == (0.5 if given[1].dropout else 0.0)
        assert {piece.slipped is not None for piece in given[0]} == {given[1].slips > 0}
        return epoch(*given)

    def stepped(network: Any, batch: batches.Batch, dropout: float) -> Any:
        left_out.add((dropout, round(float(network.optimizer.learning_rate), 9)))
        return step(network, batch, dropout)

    monkeypatch.setattr(batches, "epoch", watched)
    monkeypatch.setattr(training, "_step", stepped)
    with forked.one_lane(by_step=True):
        trained(root, str(recipe), epochs=4, name="epochs")
        assert asked == [0.0, 0.25, 0.5, 0.75]
        assert {dropout for dropout, _ in left_out} == {0.0}
        few = max(rate for _, rate in left_out)
        left_out.clear()
        trained(root, str(recipe), epochs=14, name="long")
    assert {dropout for dropout, _ in left_out} == {0.1}
    assert few < max(rate for _, rate in left_out)
