"""The LSTM layer with a written-out gradient equals Keras's own, from any state."""

from typing import Any

import numpy as np
import pytest

from training.network.backend import load_keras

STEPS, BATCH, FEATURES, WIDTH = 9, 4, 5, 6
RNG = np.random.default_rng(3)


def layer(width: int, **settings: Any) -> Any:
    """Our layer. Keras is loaded first, without its noise, and not before a test needs it."""
    load_keras()
    from training.network.lstm import LSTM

    return LSTM(width, **settings)


def reordered(weights: np.ndarray) -> np.ndarray:
    """Our gates (input, forget, output, candidate) in Keras's order.

    Keras's order is input, forget, candidate, output.
    """
    i, f, o, g = np.split(weights, 4, axis=-1)
    return np.concatenate([i, f, g, o], axis=-1)


def gradients(forward: object, arrays: list[np.ndarray], weigh: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """The outputs, and the gradients of their weighted sum by each array."""
    import tensorflow as tf

    tensors = [tf.constant(array) for array in arrays]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        outputs = forward(*tensors)
        total = tf.reduce_sum(outputs * weigh)
    return np.asarray(outputs), [np.asarray(gradient) for gradient in tape.gradient(total, tensors)]


@pytest.mark.parametrize("policy, close", [("float32", 1e-5), ("mixed_bfloat16", 0.05)])
def test_outputs_and_gradients_are_those_of_keras(policy: str, close: float) -> None:
    x = RNG.normal(size=(STEPS, BATCH, FEATURES)).astype(np.float32)
    kernel, recurrent, bias = (
        RNG.normal(0, 0.5, shape).astype(np.float32)
        for shape in ((FEATURES, 4 * WIDTH), (WIDTH, 4 * WIDTH), (4 * WIDTH,))
    )
    h, c = RNG.normal(size=(2, BATCH, WIDTH)).astype(np.float32)
    weigh = RNG.normal(size=(STEPS, BATCH, WIDTH)).astype(np.float32)
    keras, ours = load_keras(), layer(WIDTH, dtype=policy)
    ours.build((None, None, FEATURES))
    theirs = keras.layers.LSTM(WIDTH, return_sequences=True)
    theirs.build((None, None, FEATURES))

    def forward_of_ours(x: object, kernel: object, recurrent: object, bias: object) -> object:
        with keras.StatelessScope(
            state_mapping=[(ours.kernel, kernel), (ours.recurrent_kernel, recurrent), (ours.bias, bias)]
        ):
            return keras.ops.cast(
                ours(x, (keras.ops.convert_to_tensor(h), keras.ops.convert_to_tensor(c)))[0], "float32"
            )

    def forward_of_theirs(x: object, kernel: object, recurrent: object, bias: object) -> object:
        cell = theirs.cell
        with keras.StatelessScope(
            state_mapping=[(cell.kernel, kernel), (cell.recurrent_kernel, recurrent), (cell.bias, bias)]
        ):
            return keras.ops.swapaxes(
                theirs(
                    keras.ops.swapaxes(x, 0, 1),
                    initial_state=[keras.ops.convert_to_tensor(h), keras.ops.convert_to_tensor(c)],
                ),
                0,
                1,
            )

    out, found = gradients(forward_of_ours, [x, kernel, recurrent, bias], weigh)
    told = [x, reordered(kernel), reordered(recurrent), reordered(bias)]
    expected, wanted = gradients(forward_of_theirs, told, weigh)
    assert np.abs(out - expected).max() < close
    for ours_by, theirs_by, is_weight in zip(found, wanted, (False, True, True, True), strict=True):
        scale = np.abs(theirs_by).max()
        assert np.abs((reordered(ours_by) if is_weight else ours_by) - theirs_by).max() < close * scale


def test_it_goes_on_from_the_state_that_it_ended_in() -> None:
    lstm = layer(WIDTH, dtype="float32")
    x = RNG.normal(size=(STEPS, BATCH, FEATURES)).astype(np.float32)
    nothing = (np.zeros((BATCH, WIDTH), np.float32),) * 2
    whole, end = lstm(x, nothing)
    first, between = lstm(x[:4], nothing)
    second, last = lstm(x[4:], between)
    assert np.allclose(np.concatenate([first, second]), whole, atol=1e-6)
    assert all(np.allclose(a, b, atol=1e-6) for a, b in zip(end, last, strict=True))


def test_forget_gates_begin_open() -> None:
    lstm = layer(WIDTH)
    lstm.build((None, None, FEATURES))
    assert np.asarray(lstm.bias).reshape(4, WIDTH).mean(axis=1).tolist() == [0, 1, 0, 0]
