"""The network and training of the recipe `classic`, compared to the original."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from catalog.base.errors import TrainingError, UsageError
from dataset import build as corpora
from dataset.corpus.corpus import Corpus
from tests.dataset.conftest import fill, tunes
from tests.training.classical import FOREVER, TINY, after_four_epochs, folder, learned, losses, new_run, vocabulary  # noqa: F401 - fixtures
from training.classic import sampler as classic_sampler
from training.classic import train as classic
from training.classic.recipe import ClassicRecipe
from training.classic.tokens import Music
from training.network.backend import load_keras
from training.network.weights import load_weights
from training.note_lstm.recipe import NoteLSTMRecipe
from training.progress import Budget
from training.run import Run


def test_the_network_is_the_original_to_the_weight() -> None:
    network = classic.build(load_keras(), ClassicRecipe(), 227)
    assert network.count_params() == 5_440_739
    assert network.input_shape == (None, 100, 1)
    kinds = [type(layer).__name__ for layer in network.layers]
    assert kinds == ["LSTM", "Dropout", "LSTM", "Dropout", "LSTM", "Dense", "Dropout", "Dense"]
    assert {layer.rate for layer in network.layers if type(layer).__name__ == "Dropout"} == {0.5}
    assert type(network.optimizer).__name__ == "Adam"


def test_a_window_is_divided_by_the_vocabulary_and_followed_by_its_next_token() -> None:
    numbers = np.arange(7, dtype=np.int32)
    before, after = classic.windows(numbers, 4, 8)
    assert before.shape == (3, 4, 1)
    assert before.dtype == np.float32
    np.testing.assert_allclose(before[1, :, 0], [1 / 8, 2 / 8, 3 / 8, 4 / 8])
    assert after.tolist() == [4, 5, 6]
    assert [len(part) for part in classic.windows(numbers[:4], 4, 8)] == [0, 0]


def test_training_shows_both_losses_and_keeps_the_epoch_of_the_lowest_training_loss(trained: Run) -> None:
    progress = trained.progress()
    assert progress.ended == "budget"
    assert progress.epoch == TINY.epochs == len(progress.history)
    train_losses = [row["train_loss"] for row in progress.history]
    assert progress.best_epoch == 1 + int(np.argmin(train_losses))
    assert all(row["validation_loss"] > 0 for row in progress.history)
    header = (trained.path / "metrics.csv").read_text().splitlines()[0]
    assert header == "epoch,seconds,tokens_per_second,train_loss,validation_loss"
    assert load_weights(trained.weights)[1].epoch == progress.best_epoch
    assert list((trained.path / "tensorboard").iterdir())


def test_an_epoch_learns_every_window_once(trained: Run, text: str) -> None:
    music = Music.from_json(text, "here")
    steps = math.ceil((len(music.training) - TINY.window) / TINY.batch)
    assert trained.progress().step == TINY.epochs * steps


def test_the_validation_loss_is_that_of_the_kept_weights_on_the_validation_tokens(trained: Run, text: str) -> None:
    music = Music.from_json(text, "here")
    network = classic_sampler.ClassicNetwork(load_weights(trained.weights)[0])
    before, after = classic.windows(music.validation, TINY.window, len(music.tokens))
    under_way = classic_sampler.WindowStates(network, TINY.window, len(after))
    for at in range(TINY.window):
        logits = under_way.feed(np.rint(before[:, at, 0] * len(music.tokens)).astype(np.int32))
    assert logits is not None
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    nats = -np.log(chances[np.arange(len(after)), after]).mean()
    best = trained.progress().history[trained.progress().best_epoch - 1]
    assert best["validation_loss"] == pytest.approx(nats, abs=1e-4)


def test_the_saved_model_opens_in_plain_keras_and_holds_the_kept_weights(trained: Run) -> None:
    from training.network.network import arrays

    held = arrays(load_keras().models.load_model(trained.model))
    kept, _ = load_weights(trained.weights)
    assert held.keys() == kept.keys()
    for name, value in kept.items():
        np.testing.assert_array_equal(held[name], value)


def test_minutes_end_training_inside_an_epoch(root: Path, corpus: Corpus, text: str) -> None:
    run = new_run(root, corpus, text, "hurried", replace(TINY, batch=1))
    progress = classic.train(run, corpus, Budget(0.001, None), lambda row: None)
    assert progress.ended == "budget"
    assert progress.epoch == 1
    assert 0 < progress.step < 100
    assert run.model.is_file()


def test_a_tune_of_three_notes_is_learnt_and_gone_on_with_and_needs_no_validation(root: Path, corpus: Corpus) -> None:
    music = Music(("C4", "D4", "E4"), np.arange(300, dtype=np.int32) % 3, np.zeros(0, np.int32), 0, ())
    recipe = ClassicRecipe(width=32, layers=1, dense=16, window=6, batch=8, epochs=12, dropout=0.1)
    run = new_run(root, corpus, music.to_json(), "tune", recipe)
    progress = classic.train(run, corpus, FOREVER, lambda row: None)
    assert progress.history[-1]["train_loss"] < 0.3 < progress.history[0]["train_loss"]
    assert {row["validation_loss"] for row in progress.history} == {None}
    (notes,) = classic_sampler.compose(run, 1, seed=0, tokens=30)
    assert set(zip(notes.pitch[:-1].tolist(), notes.pitch[1:].tolist(), strict=True)) == {(60, 62), (62, 64), (64, 60)}


def test_what_does_not_fit_the_run_is_refused(root: Path, corpus: Corpus, text: str, tmp_path: Path) -> None:
    fill(tmp_path, tunes(9))
    other = corpora.ensure_corpus(tmp_path, "game == 'a-game'", "tunes")
    with pytest.raises(TrainingError, match="has changed"):
        classic.train(new_run(root, corpus, text, "changed"), other, FOREVER, lambda row: None)
    with pytest.raises(TrainingError, match="a window needs 5000"):
        classic.train(
            new_run(root, corpus, text, "short", replace(TINY, window=5000)), corpus, FOREVER, lambda row: None
        )
    with pytest.raises(UsageError, match="--init"):
        classic.train(new_run(root, corpus, text, "begun", init="trained"), corpus, FOREVER, lambda row: None)
    with pytest.raises(UsageError, match="note-lstm"):
        classic.train(new_run(root, corpus, text, "ours", NoteLSTMRecipe()), corpus, FOREVER, lambda row: None)
