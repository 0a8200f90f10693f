"""The recipe `classic`: what the original of 2018 did, done again, and what we add to it."""

import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catalog.errors import TrainingError, UsageError
from catalog.store import Catalog
from dataset import build as corpora
from dataset.corpus import Corpus
from dataset.notes import read_midi, write_midi
from tests.dataset.conftest import fill, meta, midi, off, on, tunes
from training import classic, classic_sampler
from training.backend import load_keras
from training.classic_tokens import Music, pitches_of, tokens_of
from training.recipe import ClassicRecipe, NoteLSTMRecipe
from training.run import Asked, Progress, Run
from training.train import Budget
from training.weights import load_weights

TINY = ClassicRecipe(width=16, layers=1, dense=8, window=10, batch=32, epochs=4)
FOREVER = Budget(None, None)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("classic")
    fill(path, tunes(14))
    corpora.ensure(path, "game == 'a-game'", "tunes")
    return path


@pytest.fixture(scope="module")
def corpus(root: Path) -> Corpus:
    return Corpus.open(root, "tunes")


@pytest.fixture(scope="module")
def text(root: Path, corpus: Corpus) -> str:
    return classic.vocabulary_text(corpus, Catalog(root))


@pytest.fixture(scope="module")
def trained(root: Path, corpus: Corpus, text: str) -> Run:
    run = new_run(root, corpus, text, "trained")
    classic.train(run, corpus, FOREVER, lambda row: None)
    return run


def new_run(root: Path, corpus: Corpus, text: str, name: str, recipe: Any = TINY, **asked: Any) -> Run:
    wish = Asked(
        corpus=corpus.name, corpus_hash=corpus.hash, query="", seed=7, minutes=None, epochs=None, init=asked.get("init")
    )
    return Run.create(root, name, recipe, text, wish)


def losses(progress: Progress) -> list[tuple[float, float]]:
    return [(row["train_loss"], row["validation_loss"]) for row in progress.history]


def random_weights(keras: Any, recipe: ClassicRecipe, classes: int) -> tuple[Any, dict[str, Any]]:
    """A network whose likeliest token varies from window to window, unlike a new one's."""
    from training.network import arrays, assign

    network = classic.build(keras, recipe, classes)
    rng = np.random.default_rng(1)
    assign(network, {name: rng.normal(0, 3, value.shape) for name, value in arrays(network).items()})
    return network, arrays(network)


# Tokens


def test_a_note_is_its_name_and_a_chord_its_pitch_classes_whatever_their_lengths_and_rests() -> None:
    track = [
        (0, b"\xc0\x00"),
        *(on(0, 60), off(480, 60)),  # C4
        *(on(960, 63), off(120, 63)),  # a rest, then E flat 4
        *(on(360, 64), on(0, 67), on(0, 71), off(480, 64), off(0, 67), off(0, 71)),  # E minor
        *(on(0, 61), off(1920, 61)),  # C sharp 4
    ]
    assert tokens_of(midi(track)) == ["C4", "E-4", "4.7.11", "C#4"]


def test_only_the_first_part_is_read() -> None:
    piano = [(0, b"\xc0\x00"), *(on(0, 72), off(480, 72), on(0, 74), off(480, 74))]
    violin = [(0, b"\xc1\x28"), *(on(0, 55, 64, 1), off(480, 55, 1), on(0, 57, 64, 1), off(480, 57, 1))]
    assert tokens_of(midi(piano, violin)) == ["C5", "D5"]


def test_a_note_held_over_a_bar_line_is_one_token() -> None:
    assert tokens_of(midi([(0, b"\xc0\x00"), *(on(960, 60), off(1920, 60), on(0, 62), off(480, 62))])) == ["C4", "D4"]


def test_the_name_of_a_track_is_no_part() -> None:
    right = [meta(0, 0x03, b"Piano RH"), (0, b"\xc0\x00"), *(on(0, 60), off(480, 60))]
    left = [meta(0, 0x03, b"Piano LH"), (0, b"\xc0\x00"), *(on(0, 40), off(480, 40))]
    assert tokens_of(midi(right, left)) == ["C4", "E2"]


def test_every_name_that_music21_gives_a_pitch_of_the_piano_is_read_back_as_that_pitch() -> None:
    from music21 import pitch

    assert [pitches_of(str(pitch.Pitch(midi=number))) for number in range(12, 128)] == [(n,) for n in range(12, 128)]


def test_a_chord_sounds_in_the_octave_of_middle_c() -> None:
    assert pitches_of("4.7.11") == (64, 67, 71)
    assert pitches_of("0") == (60,)


def test_what_is_neither_note_nor_chord_is_refused() -> None:
    with pytest.raises(TrainingError, match="neither a note nor a chord"):
        pitches_of("H4")


def test_the_vocabulary_holds_the_music_of_training_in_the_order_of_the_corpus(
    root: Path, corpus: Corpus, text: str
) -> None:
    music = Music.from_json(text, "here")
    catalog = Catalog(root)
    expected = [t for piece in corpus.pieces("train") for t in tokens_of(catalog.read_blob(piece.sha256))]
    assert [music.tokens[number] for number in music.training] == expected
    assert list(music.tokens) == sorted(set(expected))


def test_validation_keeps_the_tokens_that_training_knows_and_counts_the_others(
    root: Path, corpus: Corpus, text: str
) -> None:
    music = Music.from_json(text, "here")
    catalog = Catalog(root)
    held = [t for piece in corpus.pieces("validation") for t in tokens_of(catalog.read_blob(piece.sha256))]
    known = [token for token in held if token in music.tokens]
    assert len(known) < len(held), "the test needs a token that training does not know"
    assert [music.tokens[number] for number in music.validation] == known
    assert music.validation_unknown == len(held) - len(known)


def test_a_file_that_music21_cannot_read_costs_one_line(tmp_path: Path) -> None:
    wrapped = {title: b"RIFF\x00\x00\x00\x00RMIDdata\x00\x00\x00\x00" + data for title, data in tunes(12, 50).items()}
    fill(tmp_path, {**tunes(2, 40), **wrapped})
    corpus = corpora.ensure(tmp_path, "game == 'a-game'", "mixed")
    read = [piece for piece in corpus.pieces("train") if piece.title not in wrapped]
    lost = [piece for piece in corpus.pieces() if piece.split != "test" and piece.title in wrapped]
    assert read
    lines: list[str] = []
    music = Music.from_json(classic.vocabulary_text(corpus, Catalog(tmp_path), tell=lines.append), "here")
    assert len(lines) == len(lost)
    assert all(any(piece.title in line for line in lines) for piece in lost)
    assert sorted(sha256 for sha256, _ in music.unreadable) == sorted(piece.sha256 for piece in lost)
    assert len(music.training) > 0


def test_a_corpus_that_music21_cannot_read_at_all_is_refused(tmp_path: Path) -> None:
    fill(tmp_path, tunes(4))
    corpus = corpora.ensure(tmp_path, "game == 'a-game'", "gone")
    for blob in (tmp_path / "midi").rglob("*.mid"):
        blob.write_bytes(b"damaged")
    with pytest.raises(TrainingError, match="no training piece that music21 can read"):
        classic.vocabulary_text(corpus, Catalog(tmp_path), tell=lambda line: None)


def test_a_vocabulary_of_another_recipe_is_refused() -> None:
    with pytest.raises(TrainingError, match="no vocabulary of a classic run"):
        Music.from_json('{"series": []}', "here")
    with pytest.raises(TrainingError, match="not in its list"):
        Music.from_json('{"tokens":["C4"],"training":[1],"validation":[],"validation_unknown":0,"unreadable":[]}', "x")


# Network


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


def test_numpy_and_keras_give_the_same_probabilities() -> None:
    recipe, classes = replace(TINY, layers=3, window=20), 30
    network, named = random_weights(load_keras(), recipe, classes)
    seen = np.random.default_rng(2).integers(0, classes, (5, recipe.window)).astype(np.int32)
    under_way = classic_sampler.Windows(classic_sampler.Network(named), recipe.window, len(seen))
    for column in seen.T:
        logits = under_way.feed(column)
    assert logits is not None
    chances = np.exp(logits - logits.max(axis=1, keepdims=True))
    chances /= chances.sum(axis=1, keepdims=True)
    wanted = network.predict(seen[:, :, None] / classes, verbose=0)
    assert wanted.max() - wanted.min() > 0.1
    np.testing.assert_allclose(chances, wanted, atol=1e-4)


def test_a_continuation_is_what_feeding_back_the_last_window_again_and_again_gives() -> None:
    recipe, classes, tokens = replace(TINY, layers=3, window=6), 30, 20
    network, named = random_weights(load_keras(), recipe, classes)
    seen = np.random.default_rng(3).integers(0, classes, (3, recipe.window)).astype(np.int32)
    numbers = seen.copy()
    for _ in range(tokens):
        chances = network.predict_on_batch((numbers[:, -recipe.window :, None] / classes).astype(np.float32))
        numbers = np.concatenate([numbers, chances.argmax(axis=1).astype(np.int32)[:, None]], axis=1)
    assert len(np.unique(numbers[:, recipe.window :])) > 5, "the test needs tokens that vary"
    written = classic_sampler.continuations(classic_sampler.Network(named), seen, tokens)
    np.testing.assert_array_equal(written, numbers[:, recipe.window :])


# Training


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
    network = classic_sampler.Network(load_weights(trained.weights)[0])
    before, after = classic.windows(music.validation, TINY.window, len(music.tokens))
    under_way = classic_sampler.Windows(network, TINY.window, len(after))
    for at in range(TINY.window):
        logits = under_way.feed(np.rint(before[:, at, 0] * len(music.tokens)).astype(np.int32))
    assert logits is not None
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    nats = -np.log(chances[np.arange(len(after)), after]).mean()
    best = trained.progress().history[trained.progress().best_epoch - 1]
    assert best["validation_loss"] == pytest.approx(nats, abs=1e-4)


def test_the_saved_model_opens_in_plain_keras_and_holds_the_kept_weights(trained: Run) -> None:
    from training.network import arrays

    held = arrays(load_keras().models.load_model(trained.model))
    kept, _ = load_weights(trained.weights)
    assert held.keys() == kept.keys()
    for name, value in kept.items():
        np.testing.assert_array_equal(held[name], value)


def test_a_run_stopped_and_resumed_gives_the_curve_of_one_left_alone(
    root: Path, corpus: Corpus, text: str, trained: Run
) -> None:
    run = new_run(root, corpus, text, "stopped")

    def stop(row: classic.ClassicRow) -> None:
        if row.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        classic.train(run, corpus, FOREVER, stop)
    assert run.progress().epoch == 2
    progress = classic.train(Run.open(root, "stopped"), corpus, FOREVER, lambda row: None)
    np.testing.assert_allclose(losses(progress), losses(trained.progress()), rtol=1e-5)


def test_a_kill_loses_no_more_than_the_epoch_under_way(root: Path, corpus: Corpus, text: str, trained: Run) -> None:
    run = new_run(root, corpus, text, "killed")
    script = (
        "import sys; from pathlib import Path; from dataset.corpus import Corpus; from training import classic; "
        "from training.run import Run; from training.train import Budget; root = Path(sys.argv[1]); "
        "classic.train(Run.open(root, 'killed'), Corpus.open(root, 'tunes'), Budget(None, 1000), "
        "lambda row: print(row.epoch, flush=True))"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(root)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = 0
    for line in process.stdout:
        said = int(line)
        if said >= 2:
            time.sleep(0.05)  # into an epoch, or into the saving of one
            process.send_signal(signal.SIGKILL)
            break
    rest = process.stdout.read().split()
    process.wait()
    said = int(rest[-1]) if rest else said
    progress = Run.open(root, "killed").progress()
    assert progress.epoch >= said >= 2
    done = classic.train(Run.open(root, "killed"), corpus, Budget(None, progress.epoch + 1), lambda row: None)
    assert done.epoch == progress.epoch + 1
    shared = min(done.epoch, TINY.epochs)
    np.testing.assert_allclose(losses(done)[:shared], losses(trained.progress())[:shared], rtol=1e-4)
    assert [path.name for path in run.checkpoints.glob("*.keras")] == [done.checkpoint]
    assert not list(run.path.rglob(".tmp-*"))


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
    (notes,) = classic.compose(run, 1, seed=0, tokens=30)
    assert set(zip(notes.pitch[:-1].tolist(), notes.pitch[1:].tolist(), strict=True)) == {(60, 62), (62, 64), (64, 60)}


def test_what_does_not_fit_the_run_is_refused(root: Path, corpus: Corpus, text: str, tmp_path: Path) -> None:
    fill(tmp_path, tunes(9))
    other = corpora.ensure(tmp_path, "game == 'a-game'", "tunes")
    with pytest.raises(TrainingError, match="has changed"):
        classic.train(new_run(root, corpus, text, "changed"), other, FOREVER, lambda row: None)
    with pytest.raises(TrainingError, match="a window takes 5000"):
        classic.train(
            new_run(root, corpus, text, "short", replace(TINY, window=5000)), corpus, FOREVER, lambda row: None
        )
    with pytest.raises(UsageError, match="--init"):
        classic.train(new_run(root, corpus, text, "begun", init="trained"), corpus, FOREVER, lambda row: None)
    with pytest.raises(UsageError, match="note-lstm"):
        classic.train(new_run(root, corpus, text, "ours", NoteLSTMRecipe()), corpus, FOREVER, lambda row: None)


# Sampling


def test_a_sample_is_500_tokens_at_a_step_of_half_a_quarter(trained: Run) -> None:
    (notes,) = classic.compose(trained, 1, seed=0)
    assert set(np.diff(np.unique(notes.onset)).tolist()) == {12}
    assert notes.onset.max() == 499 * 12
    assert set(notes.duration.tolist()) == {24}
    assert read_midi(write_midi(notes)) == notes


def test_the_notes_of_a_chord_sound_together() -> None:
    notes = classic_sampler.to_notes(["C5", "4.7.11", "E-4"], 0.5)
    assert list(zip(notes.onset.tolist(), notes.pitch.tolist(), strict=True)) == [
        (0, 72),
        (12, 64),
        (12, 67),
        (12, 71),
        (24, 63),
    ]


def test_the_same_seed_gives_the_same_pieces_and_each_piece_begins_elsewhere(trained: Run) -> None:
    first, again = (classic.compose(trained, 20, seed=5, tokens=8, temperature=1.0) for _ in range(2))
    assert first == again
    assert len(first) == 20
    assert any(piece != first[0] for piece in first[1:])
    assert classic.compose(trained, 20, seed=6, tokens=8, temperature=1.0) != first


def test_sampling_needs_no_tensorflow(trained: Run) -> None:
    script = (
        "import sys; from pathlib import Path; from training import classic; from training.run import Run; "
        "classic.compose(Run.open(Path(sys.argv[1]), 'trained'), 2, 0, 30); "
        "print(sorted({'tensorflow', 'keras', 'music21'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(trained.path.parents[1])],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("wish", [{"count": 0}, {"tokens": 0}, {"temperature": 0.0}])
def test_wishes_that_cannot_be_met_are_refused(trained: Run, wish: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="must be"):
        classic.compose(trained, **{"count": 1, "seed": 0, **wish})


def test_weights_of_another_run_are_refused(root: Path, corpus: Corpus, text: str, trained: Run) -> None:
    run = new_run(root, corpus, text, "borrower", replace(TINY, sample_tokens=20))
    run.weights.write_bytes(trained.weights.read_bytes())
    with pytest.raises(TrainingError, match="another recipe or vocabulary"):
        classic.compose(run, 1, seed=0)
