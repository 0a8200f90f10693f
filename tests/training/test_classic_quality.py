"""The command `evaluate` on classic runs: held-out nats per token."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from catalog.base.errors import TrainingError, UsageError
from dataset.corpus.corpus import Corpus
from dataset.corpus.schema import SPLITS
from tests import forked
from tests.training.classical import FOREVER, TINY, after_four_epochs, folder, learned, new_run, vocabulary  # noqa: F401 - fixtures
from tests.training.conftest import resealed
from training import run_training as course
from training import session
from training.classic import quality as classic_quality
from training.classic import sampler as classic_sampler
from training.classic import train as classic
from training.classic.recipe import ClassicRecipe, ClassicRow
from training.classic.tokens import Music
from training.evaluate import evaluate_folder, evaluate_run
from training.network.backend import load_keras
from training.network.weights import load_weights, save_weights
from training.observer import Observer
from training.run import Run


def test_validation_is_the_figure_that_training_printed(root: Path, trained: Run) -> None:
    best = trained.progress().history[trained.progress().best_epoch - 1]
    found = evaluate_run(root, trained, "validation")
    assert isinstance(found, classic_quality.TokenQuality)
    assert found.nats_per_token == pytest.approx(best["validation_loss"], abs=1e-4)


def test_every_split_is_what_keras_says_of_its_windows(root: Path, corpus: Corpus, trained: Run) -> None:
    network = load_keras().models.load_model(trained.model)
    music = Music.from_json(trained.vocabulary_text, "here")
    test, unknown = classic_quality.parse_tokens(corpus.pieces("test"), music.tokens, classic_quality.Catalog(root))
    told: list[tuple[int, int]] = []
    for split, numbers in (("train", music.training), ("validation", music.validation), ("test", test)):
        found = evaluate_run(root, trained, split, lambda *done: told.append(done))  # type: ignore[arg-type]
        assert isinstance(found, classic_quality.TokenQuality)
        before, after = classic.windows(numbers, TINY.window, len(music.tokens))
        assert found.tokens == len(after) > 0
        assert found.nats_per_token == pytest.approx(network.evaluate(before, after, verbose=0), abs=1e-4)
        assert told[-1] == (len(after), len(after))
    assert found.unknown == unknown


def test_the_command_prints_it_for_a_split_and_as_json(root: Path, trained: Run) -> None:
    for split in SPLITS:
        said = evaluate("trained", "--split", split, root=root)
        assert (said.returncode, said.stderr) == (0, "")
        told = json.loads(evaluate("trained", "--split", split, "--json", root=root).stdout)
        assert told["split"] == split
        assert f"{told['nats_per_token']:.3f} nats per token over {told['tokens']:,} tokens of {split}" in said.stdout
    assert json.loads(evaluate("trained", "--json", root=root).stdout)["split"] == "test"


def evaluate(*words: str, root: Path) -> forked.subprocess.CompletedProcess[str]:
    return forked.command("evaluate", *words, "--root", root)


def test_too_little_music_and_a_folder_are_refused_in_true_words(
    root: Path, corpus: Corpus, text: str, trained: Run
) -> None:
    with pytest.raises(UsageError, match="--split"):
        evaluate_folder(trained, root)
    music = Music.from_json(text, "here")
    few = Music(music.tokens, music.training, music.validation[: TINY.window], 0, ())
    run = new_run(root, corpus, few.to_json(), "few")
    assert "10 known tokens" in (session.warning(corpus, run) or "")
    assert session.warning(corpus, trained) is None
    rows: list[ClassicRow] = []
    classic.train(run, corpus, FOREVER, rows.append)
    assert {row.validation_loss for row in rows} == {None}
    with pytest.raises(TrainingError, match="the validation split of run few has 10 tokens"):
        evaluate_run(root, run, "validation")


def test_a_run_says_why_it_prints_no_validation_loss(root: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "long.json"
    recipe.write_text(
        json.dumps({"kind": "classic", "width": 4, "layers": 1, "dense": 4, "window": 150, "sample_tokens": 9})
    )
    told: list[str] = []
    warnings: list[str] = []
    order = session.TrainConfig(corpus="tunes", recipe=str(recipe), epochs=1, name="long", minutes=0.01)
    course.train_run(root, order, Observer(told.append, warnings.append), render=False)
    assert "there will be no validation_loss: the validation pieces have" in warnings[0]
    [epoch] = [line for line in told if line.startswith("epoch")]
    assert "train_loss" in epoch
    assert "validation_loss" not in epoch


def test_useless_weights_are_refused_by_name(trained: Run, tmp_path: Path) -> None:
    path = Path(shutil.copytree(trained.path, tmp_path / "runs" / "copy"))
    run = Run.open(tmp_path, "copy")
    named, meta = load_weights(run.weights)
    resealed(path)  # whose list has no weights: somebody made these
    assert isinstance(run.recipe, ClassicRecipe)
    classes = len(Music.from_json(run.vocabulary_text, "here").tokens)
    assert classic_sampler.shapes(run.recipe, classes) == {name: array.shape for name, array in named.items()}
    for name, array in named.items():
        for spoilt in (np.where(np.arange(array.size).reshape(array.shape) == 3, np.nan, array), array[..., :-1]):
            save_weights(path / "weights.npz", named | {name: spoilt.astype(np.float32)}, meta)
            with pytest.raises(TrainingError, match=name):
                classic_sampler.compose(run, 1, seed=0, tokens=5)
    save_weights(path / "weights.npz", {name: np.full_like(array, 3e38) for name, array in named.items()}, meta)
    with pytest.raises(TrainingError, match="no probabilities"):
        classic_sampler.compose(run, 1, seed=0, tokens=5)
