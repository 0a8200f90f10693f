"""One process on JAX or TensorFlow: how its weights are drawn, and when several are refused."""

import random
from pathlib import Path

import numpy as np
import pytest

from tests.training.conftest import command
from tests.training.test_hosts import train_words
from training.network.backend import initializer


def test_weights_drawn_for_jax_are_distributed_as_those_of_keras(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    for name, limit in (("uniform", 0.05), ("glorot_uniform", (6 / 500) ** 0.5)):
        random.seed(3)
        drawn = initializer(name)((400, 100), dtype="float32")  # type: ignore[operator]
        assert (drawn.shape, drawn.dtype) == ((400, 100), "float32")
        assert (drawn.min(), drawn.max()) == pytest.approx((-limit, limit), rel=1e-3)
        assert drawn.var() == pytest.approx(limit**2 / 3, rel=0.02)
        random.seed(3)
        assert (initializer(name)((400, 100), dtype="float32") == drawn).all()  # type: ignore[operator]
    for shape in ((30, 120), (120, 30)):
        drawn = initializer("orthogonal")(shape, dtype="float32")  # type: ignore[operator]
        assert drawn.shape == shape
        square = drawn @ drawn.T if shape[0] < shape[1] else drawn.T @ drawn
        assert np.abs(square - np.eye(30)).max() < 1e-5
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    assert initializer("orthogonal") == "orthogonal"


def test_several_processes_need_jax_and_a_name(
    trained: Path, tiny_recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_DISTRIBUTION_NUM_PROCESSES", "2")
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    done = command("train", *train_words(tiny_recipe, "wrong"), root=trained)
    assert done.returncode == 2
    assert "KERAS_BACKEND=jax" in done.stderr
    monkeypatch.setenv("KERAS_DISTRIBUTION_NUM_PROCESSES", "two")
    assert "whole number" in command("train", *train_words(tiny_recipe, "wrong"), root=trained).stderr
    assert not (trained / "runs" / "wrong").exists()
