"""A fast LSTM layer for CPUs, with its gradient written out.

Keras's own loop computes a weight gradient and slices four gates at every step. Here a step is one matrix product and
a few operations; everything else is computed for all steps together, before or after the loop. Pure Keras, so it
gives the same results on every backend.
"""

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from training.network.backend import initializer

GATES = ("input", "forget", "output", "candidate")
"""Order of the gates in kernels and biases."""


@keras.saving.register_keras_serializable(package="vgpiano")
class LSTM(layers.Layer):  # type: ignore[misc]  # Keras has no types
    """LSTM layer: inputs and a state, to outputs and a new state.

    Inputs are [steps, batch, features]. The state is two float32 arrays [batch, width]; outputs are [steps, batch,
    width]. Steps and batch must be known when the graph is built. No gradient flows into the initial state. Weights:
    kernel [features, 4 × width], recurrent_kernel [width, 4 × width] and bias [4 × width], gates in the order of
    GATES; the forget gates' bias starts at 1.
    """

    def __init__(self, width: int, **kwargs: Any) -> None:
        """Create a layer of `width` units."""
        super().__init__(**kwargs)
        self.width = width

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "width": self.width}

    def build(self, input_shape: Any) -> None:
        """Create the weights for inputs of this shape."""
        width = self.width
        entering, recurrent = initializer("glorot_uniform"), initializer("orthogonal")
        self.kernel = self.add_weight((input_shape[-1], 4 * width), initializer=entering, name="kernel")
        self.recurrent_kernel = self.add_weight((width, 4 * width), initializer=recurrent, name="recurrent_kernel")
        self.bias = self.add_weight((4 * width,), initializer="zeros", name="bias")
        self.bias.assign(_parts(0, 1, 0, 0, width=width))
        self.built = True

    def call(self, inputs: Any, state: tuple[Any, Any]) -> tuple[Any, tuple[Any, Any]]:
        """Return the outputs and the state after the last step."""
        half = ops.convert_to_tensor(_parts(0.5, 0.5, 0.5, 1, width=self.width), inputs.dtype)
        # one operation in TensorFlow, unlike +
        entering = ops.add(ops.matmul(inputs, self.kernel * half), self.bias * half)
        hs, c = _recur(entering, self.recurrent_kernel * half, *(ops.cast(part, "float32") for part in state))
        return ops.cast(hs, self.compute_dtype), (ops.stop_gradient(hs)[-1], ops.stop_gradient(c))


@ops.custom_gradient  # type: ignore[untyped-decorator]
def _recur(entering: Any, kernel: Any, h: Any, c: Any) -> Any:
    """Return h after each step, and c after the last.

    h is [steps, batch, width], c [batch, width]; both are float32. `entering` [steps, batch, 4 × width] is the
    inputs' contribution to the gates, `kernel` that of h. All but the candidate are halved, because logistic(x) =
    (tanh(x / 2) + 1) / 2: one tanh computes all four gates.
    """
    steps, _, size = entering.shape
    width = size // 4
    one = ops.convert_to_tensor(_parts(1, 1, 1, 0, width=width))
    # TensorFlow would fold a plain transpose into every product, which is half as fast
    outer = ops.transpose(2 * kernel) * 0.5
    zeros, cache, hs = ops.zeros_like(h), [], [h]
    for step in range(steps):
        product = ops.cast(ops.matmul(ops.cast(hs[step], kernel.dtype), kernel), "float32")
        y = ops.tanh(ops.cast(entering[step], "float32") + product)
        i, f, o, g = ops.split(y + one, 4, axis=-1)  # twice the gates i, f and o
        before, c = c, (f * c + i * g) * 0.5
        t = ops.tanh(c) * 0.5
        hs.append(o * t)
        cache.append((y, i, f, o, g, before, t))

    def gradient(*above: Any, upstream: Any = None) -> tuple[Any, Any, Any, Any]:
        above = upstream or above
        into_hs = above[0][0] if isinstance(above[0], (tuple, list)) else above[0]  # JAX passes one tuple
        dh, dc = zeros, zeros
        gate_gradients: list[Any] = [None] * steps
        for step in reversed(range(steps)):
            y, i, f, o, g, before, t = cache[step]
            dh = dh + into_hs[step]
            dc = dc * 0.5 + dh * o * (0.25 - t * t)  # half of it
            into_gates = ops.concatenate([dc * g, dc * before, dh * t, dc * i], axis=-1) * (1 - y * y)
            gate_gradients[step] = ops.cast(into_gates, kernel.dtype)
            if step:
                dh = ops.cast(ops.matmul(gate_gradients[step], outer), "float32")
                dc = dc * f
        into_gates = ops.stack(gate_gradients)
        earlier = ops.cast(ops.reshape(ops.stack(hs[:-1]), (-1, width)), kernel.dtype)
        into_kernel = ops.matmul(ops.transpose(earlier), ops.reshape(into_gates, (-1, size)))
        return ops.cast(into_gates, entering.dtype), into_kernel, zeros, zeros

    return (ops.stack(hs[1:]), c), gradient


def _parts(*values: float, width: int) -> Any:
    """Return one value for each unit of each gate, [4 × width]."""
    return np.repeat(np.array(values, np.float32), width)
