"""Sampling of the recipe `classic` in NumPy, compared to Keras."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catalog.base.errors import TrainingError, UsageError
from dataset.corpus.corpus import Corpus
from dataset.midi.midi_reader import read_midi
from dataset.midi.midi_writer import write_midi
from tests.training.classical import TINY, after_four_epochs, folder, learned, new_run, vocabulary  # noqa: F401 - fixtures
from training.classic import sampler as classic_sampler
from training.classic import train as classic
from training.classic.recipe import ClassicRecipe
from training.network.backend import load_keras
from training.run import Run


def random_weights(keras: Any, recipe: ClassicRecipe, classes: int) -> tuple[Any, dict[str, Any]]:
    """A network whose most probable token varies from window to window."""
    from training.network.network import arrays, assign

    network = classic.build(keras, recipe, classes)
    rng = np.random.default_rng(1)
    assign(network, {name: rng.normal(0, 3, value.shape) for name, value in arrays(network).items()})
    return network, arrays(network)


def test_numpy_and_keras_give_the_same_probabilities() -> None:
    recipe, classes = replace(TINY, layers=3, window=20), 30
    network, named = random_weights(load_keras(), recipe, classes)
    seen = np.random.default_rng(2).integers(0, classes, (5, recipe.window)).astype(np.int32)
    under_way = classic_sampler.WindowStates(classic_sampler.ClassicNetwork(named), recipe.window, len(seen))
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
    written = classic_sampler.continuations(classic_sampler.ClassicNetwork(named), seen, tokens)
    np.testing.assert_array_equal(written, numbers[:, recipe.window :])


def test_a_sample_is_500_tokens_at_a_step_of_half_a_quarter(trained: Run) -> None:
    (notes,) = classic_sampler.compose(trained, 1, seed=0)
    assert set(np.diff(np.unique(notes.onset)).tolist()) == {12}
    assert notes.onset.max() == 499 * 12
    assert set(notes.duration.tolist()) == {24}
    again = read_midi(write_midi(notes))
    assert (again.onset.tolist(), again.pitch.tolist()) == (notes.onset.tolist(), notes.pitch.tolist())


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
    first, again = (classic_sampler.compose(trained, 20, seed=5, tokens=8, temperature=1.0) for _ in range(2))
    assert first == again
    assert len(first) == 20
    assert any(piece != first[0] for piece in first[1:])
    assert classic_sampler.compose(trained, 20, seed=6, tokens=8, temperature=1.0) != first


def test_sampling_needs_no_tensorflow(trained: Run) -> None:
    script = (
        "import sys; from pathlib import Path; from training.classic import sampler as classic; from training.run import Run; "
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
        classic_sampler.compose(trained, **{"count": 1, "seed": 0, **wish})


def test_weights_of_another_run_are_refused(root: Path, corpus: Corpus, text: str, trained: Run) -> None:
    run = new_run(root, corpus, text, "borrower", replace(TINY, sample_tokens=20))
    run.weights.write_bytes(trained.weights.read_bytes())
    with pytest.raises(TrainingError, match="another recipe or vocabulary"):
        classic_sampler.compose(run, 1, seed=0)
