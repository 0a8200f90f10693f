"""The optimizer gives the weights of Keras's AdamW, to rounding."""

from typing import Any

import numpy as np
import pytest

from training.network.backend import load_keras

SHAPES = ((3, 4), (600, 500), (7,), (2, 1), (1000, 300), (5, 5))  # several groups, of one variable and of more
DECAY = 0.1


def pair() -> list[tuple[Any, list[Any]]]:
    """Our optimizer and Keras's, each with variables of its own that have the same values."""
    keras = load_keras()
    from training.loop.adamw import AdamW

    made = []
    for kind in (AdamW, keras.optimizers.AdamW):
        values = np.random.default_rng(1)
        variables = [keras.Variable(values.normal(size=shape).astype(np.float32)) for shape in SHAPES]
        optimizer = kind(1e-3, weight_decay=DECAY, global_clipnorm=1.0)
        optimizer.build(variables)
        made.append((optimizer, variables))
    return made


@pytest.mark.parametrize("size", [1.0, 1e-5])
def test_weights_are_those_of_keras_step_by_step_whether_gradients_are_clipped_or_not(size: float) -> None:
    (ours, found), (theirs, expected) = pair()
    assert len(ours._groups) == 5
    rng = np.random.default_rng(2)
    for step in range(6):
        gradients = [rng.normal(0, size * (1 + step), shape).astype(np.float32) for shape in SHAPES]
        for optimizer in (ours, theirs):
            optimizer.learning_rate = 0.01 * (1 + step)
            optimizer.apply(gradients)
        for ours_by, theirs_by in zip(found, expected, strict=True):
            assert np.allclose(ours_by, theirs_by, rtol=1e-5, atol=2e-6)
    assert int(ours.iterations) == int(theirs.iterations) == 6


def test_a_gradient_of_a_few_rows_counts_as_one_of_all_rows() -> None:
    import tensorflow as tf

    (ours, found), (theirs, expected) = pair()
    rng = np.random.default_rng(3)
    dense = [rng.normal(size=shape).astype(np.float32) for shape in SHAPES]
    values = rng.normal(size=(3, 4)).astype(np.float32)
    dense[0] = np.stack([values[0] + values[2], np.zeros(4, np.float32), values[1]])
    rows = tf.IndexedSlices(tf.constant(values), tf.constant([0, 2, 0]), tf.constant([3, 4]))
    ours.apply([rows, *dense[1:]])
    theirs.apply(dense)
    assert all(np.allclose(a, b, rtol=1e-5, atol=2e-6) for a, b in zip(found, expected, strict=True))


def test_a_gradient_that_is_not_finite_spoils_all_weights_so_that_the_epoch_is_refused() -> None:
    [(ours, found), _] = pair()
    gradients = [np.ones(shape, np.float32) for shape in SHAPES]
    gradients[2][4] = np.inf
    ours.apply(gradients)
    assert all(np.isnan(variable).all() for variable in found)


def test_the_first_step_builds_it_where_nobody_has() -> None:
    keras = load_keras()
    from training.loop.adamw import AdamW

    variable = keras.Variable(np.ones((2, 3), np.float32))
    optimizer = AdamW(0.1, weight_decay=0.0, global_clipnorm=10.0)
    optimizer.apply([np.ones((2, 3), np.float32)], [variable])
    assert np.allclose(variable, 0.9, atol=1e-5)  # the first step of Adam is as long as the rate
