"""The optimizer gives the weights of Keras's Muon and AdamW, to rounding."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.events.fields import FIELDS
from training.network.backend import load_keras
from training.note_lstm.recipe import NoteLSTMRecipe

SHAPES = ((40, 30), (7,), (20, 60), (50, 6))
MATRICES = [True, False, True, False]
DECAY = 0.1


def variables_of(keras: Any) -> list[Any]:
    values = np.random.default_rng(1)
    return [
        keras.Variable(values.normal(size=shape).astype(np.float32), name=f"{'kernel' if count else 'table'}_{at}")
        for at, (shape, count) in enumerate(zip(SHAPES, MATRICES, strict=True))
    ]


def gradients_of(rng: np.random.Generator, size: float = 1.0) -> list[Any]:
    return [rng.normal(0, size, shape).astype(np.float32) for shape in SHAPES]


@pytest.mark.parametrize("size", [1.0, 1e-5])
def test_weights_are_those_of_keras_step_by_step_whether_gradients_are_clipped_or_not(size: float) -> None:
    keras = load_keras()
    from training.loop import muon

    found, expected = variables_of(keras), variables_of(keras)
    ours = muon.Muon(1e-3, matrices=MATRICES, matrix_decay=DECAY, weight_decay=DECAY / 2, global_clipnorm=1.0)
    theirs = keras.optimizers.Muon(
        1e-3,
        exclude_layers=["table"],
        rms_rate=muon.CHANGE,
        weight_decay=DECAY,
        adam_weight_decay=DECAY / 2,
        global_clipnorm=1.0,
    )
    for optimizer, variables in ((ours, found), (theirs, expected)):
        optimizer.build(variables)
    rng = np.random.default_rng(2)
    for step in range(6):
        gradients = gradients_of(rng, size * (1 + step))
        for optimizer in (ours, theirs):
            optimizer.learning_rate = 0.01 * (1 + step)
            optimizer.apply(gradients)
        for at, (ours_by, theirs_by) in enumerate(zip(found, expected, strict=True)):
            assert np.allclose(ours_by, theirs_by, rtol=1e-4, atol=2e-5), (step, at)
    assert int(ours.iterations) == int(theirs.iterations) == 6


def test_matrices_are_changed_at_every_third_step_by_three_times_as_much_with_the_momentum_of_all() -> None:
    keras = load_keras()
    from training.loop import muon

    found, expected = variables_of(keras), variables_of(keras)
    ours = muon.Muon(1e-3, matrices=MATRICES, matrix_decay=DECAY, weight_decay=0.0, global_clipnorm=1.0, every=3)
    theirs = keras.optimizers.Muon(
        1e-3, exclude_layers=["table"], rms_rate=muon.CHANGE, weight_decay=DECAY, global_clipnorm=1.0
    )
    for optimizer, variables in ((ours, found), (theirs, expected)):
        optimizer.build(variables)
    rng = np.random.default_rng(7)
    for step in range(8):
        gradients = gradients_of(rng)
        ours.learning_rate = 0.01 * (1 + step)
        # at a rate of 0, Keras's Muon changes nothing but its momentum
        theirs.learning_rate = 0.0 if step % 3 else 0.03 * (1 + step)
        for optimizer in (ours, theirs):
            optimizer.apply(gradients)
        for at, (ours_by, theirs_by, is_matrix) in enumerate(zip(found, expected, MATRICES, strict=True)):
            assert not is_matrix or np.allclose(ours_by, theirs_by, rtol=1e-4, atol=4e-5), (step, at)
    assert muon.Muon.from_config(ours.get_config()).every == 3


def test_it_changes_rare_directions_as_much_as_frequent_ones() -> None:
    keras = load_keras()
    from training.loop.muon import CHANGE, Muon

    rng = np.random.default_rng(4)
    left, _ = np.linalg.qr(rng.normal(size=(24, 24)))
    right, _ = np.linalg.qr(rng.normal(size=(24, 24)))
    gradient = (left * np.geomspace(1, 0.02, 24) @ right).astype(np.float32)
    for policy in ("float32", "mixed_bfloat16"):
        variable = keras.Variable(np.zeros((24, 24), np.float32))
        optimizer = Muon(1.0, matrices=[True], policy=policy, weight_decay=0.0, global_clipnorm=100.0)
        optimizer.build([variable])
        optimizer.apply([gradient])
        changes = np.linalg.svd(keras.ops.convert_to_numpy(variable), compute_uv=False) / (CHANGE * np.sqrt(24))
        assert changes.min() > 0.5, policy
        assert changes.max() < 1.3, policy


def test_a_gradient_that_is_not_finite_spoils_all_weights_so_that_the_epoch_is_refused() -> None:
    keras = load_keras()
    from training.loop.muon import Muon

    for spoilt in range(len(SHAPES)):
        variables = variables_of(keras)
        optimizer = Muon(0.1, matrices=MATRICES, weight_decay=0.0, global_clipnorm=1.0)
        optimizer.build(variables)
        gradients = gradients_of(np.random.default_rng(5))
        gradients[spoilt].ravel()[4] = np.inf
        optimizer.apply(gradients)
        assert all(np.isnan(variable).all() for variable in variables), spoilt


def test_the_networks_matrices_between_layers_are_changed_by_it_and_nothing_else() -> None:
    load_keras()
    from training.loop.muon import compile_network
    from training.network.network import NoteLSTM

    network = NoteLSTM(asdict(NoteLSTMRecipe(width=16, head=8, batch=4)), 2, 3, name="note_lstm")
    network.build(None)
    compile_network(network, 0.1, 0.0)
    matrices = {
        variable.path.removeprefix("note_lstm/")
        for variable, is_matrix in zip(network.trainable_variables, network.optimizer.matrices, strict=True)
        if is_matrix
    }
    recurrent = {f"lstm_{layer}/{kernel}" for layer in range(2) for kernel in ("kernel", "recurrent_kernel")}
    assert matrices == {"enter/kernel", "above/kernel", *recurrent, *(f"hidden_{name}/kernel" for name in FIELDS)}


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_a_network_that_is_saved_goes_on_as_if_it_had_not_been(tmp_path: Path, policy: str) -> None:
    keras = load_keras()
    from training.loop.muon import EVERY, compile_network
    from training.network.network import NoteLSTM

    network = NoteLSTM(asdict(NoteLSTMRecipe(width=16, head=8, batch=4)), 2, 3, dtype=policy, name="note_lstm")
    network.build(None)
    compile_network(network, 0.1, 0.5)
    rng = np.random.default_rng(6)
    steps = [
        [rng.normal(size=each.shape).astype(np.float32) for each in network.trainable_variables]
        for _ in range(EVERY + 2)  # matrices are changed before it is saved, and again after it
    ]
    network.optimizer.apply(steps[0])
    network.save(tmp_path / "saved.keras")
    loaded = keras.models.load_model(tmp_path / "saved.keras")
    for gradients in steps[1:]:
        for either in (network, loaded):
            either.optimizer.apply(gradients)
    assert loaded.optimizer.policy == policy
    for one, other in zip(network.trainable_variables, loaded.trainable_variables, strict=True):
        assert np.array_equal(keras.ops.convert_to_numpy(one), keras.ops.convert_to_numpy(other)), one.path
