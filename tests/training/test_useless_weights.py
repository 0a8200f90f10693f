"""Unusable weights give a one-line error with file and reason.

They have a wrong shape, are not finite, or are too large.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catalog.base.errors import TrainingError
from tests.training.conftest import command, resealed
from training.evaluate import evaluate_run
from training.generate import music
from training.network import shapes
from training.network.weights import load_weights, save_weights
from training.note_lstm.recipe import NoteLSTMRecipe
from training.note_lstm.trained import network as network_of
from training.note_lstm.trained import vocabulary as vocabulary_of
from training.run import Run
from training.sampling.sampler import SamplingConfig

Named = dict[str, Any]
Spoil = Callable[[Named, str], Named]


def put(value: float) -> Spoil:
    """Set a number of an array."""

    def spoil(named: Named, name: str) -> Named:
        array = named[name].copy()
        array.flat[array.size // 2] = value
        return named | {name: array}

    return spoil


SPOILT: dict[str, Spoil] = {
    "nan": put(np.nan),
    "infinity": put(-np.inf),
    "more columns": lambda named, name: named | {name: np.repeat(named[name], 2, axis=-1)},
    "more dimensions": lambda named, name: named | {name: named[name][None]},
    "nothing": lambda named, name: named | {name: named[name][:0]},
    "other numbers": lambda named, name: named | {name: named[name].astype(np.float64)},
    "whole numbers": lambda named, name: named | {name: named[name].astype(np.int32)},
    "gone": lambda named, name: {key: value for key, value in named.items() if key != name},
}


def test_the_shapes_are_those_of_the_network_in_keras(trained: Path) -> None:
    run = Run.open(trained, "tiny")
    assert isinstance(run.recipe, NoteLSTMRecipe)
    named, _ = load_weights(run.weights)
    known = vocabulary_of(run)
    assert shapes.network_shapes(run.recipe, len(known.series), len(known.games)) == {
        n: a.shape for n, a in named.items()
    }


def test_every_array_of_a_run_spoilt_in_every_way_is_refused_by_name(trained: Path, tmp_path: Path) -> None:
    run = copied(trained, tmp_path)
    named, meta = load_weights(run.weights)
    for number, name in enumerate(named):
        for how in SPOILT if number % 5 == 0 else list(SPOILT)[:3]:
            save_weights(run.weights, SPOILT[how](named, name), meta)
            with pytest.raises(TrainingError) as caught:
                network_of(run)
            assert str(run.weights) in str(caught.value), (name, how)
            assert name in str(caught.value), (name, how)


def test_weights_so_large_that_nothing_comes_of_them_are_no_figure_and_no_music(trained: Path, tmp_path: Path) -> None:
    run = copied(trained, tmp_path)
    named, meta = load_weights(run.weights)
    save_weights(run.weights, named | {"out_pitch/kernel": np.full_like(named["out_pitch/kernel"], 3e38)}, meta)
    for act in (lambda: evaluate_run(tmp_path, run), lambda: music(run, SamplingConfig(notes=10))):
        with pytest.raises(TrainingError, match="no probabilities"):
            act()


def test_the_commands_say_so_in_one_line(trained: Path, tmp_path: Path) -> None:
    run = copied(trained, tmp_path)
    named, meta = load_weights(run.weights)
    for how in ("nan", "more columns"):
        save_weights(run.weights, SPOILT[how](named, "out_pitch/bias"), meta)
        for words in (("evaluate", "tiny"), ("generate", "tiny", "--notes", "10", "--no-render")):
            done = command(*words, root=tmp_path)
            assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
            assert str(run.weights) in done.stderr
            assert "--max-copy" not in done.stderr


def copied(root: Path, to: Path) -> Run:
    """A copy of the run `tiny` and its corpus, without a checksum of its weights."""
    for part in ("runs", "corpora"):
        shutil.copytree(root / part, to / part)
    resealed(to / "runs" / "tiny")
    return Run.open(to, "tiny")
