"""AdamW that updates the weights of many variables together.

In: gradients of the variables it was built with. Out: the same weights as `keras.optimizers.AdamW`, to rounding. That
one writes some fifty operations for each variable, and tracing them takes TensorFlow longer than a small training.
"""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

MEAN_DECAY = 0.9  # of the running means of gradients and of their squares
SQUARE_DECAY = 0.999
EPSILON = 1e-7
GROUP = 2**18  # weights that are updated together; larger arrays take longer, because they leave a processor's cache


@keras.saving.register_keras_serializable(package="vgpiano")
class AdamW(keras.optimizers.Optimizer):  # type: ignore[misc]  # Keras has no types
    """Adam with decoupled weight decay; gradients are clipped by their norm over all variables.

    Variables are updated in groups of neighbours. The state of a group is two arrays with a number for each weight.
    """

    def build(self, variables: list[Any]) -> None:
        """Create the state for these variables."""
        super().build(variables)
        self._build_groups([*range(len(variables))])

    def _build_groups(self, which: list[int]) -> None:
        """Create the state of the variables `which`, by their numbers."""
        self._groups: list[tuple[list[int], Any, Any]] = []
        sizes = [math.prod(self._trainable_variables[at].shape) for at in which]
        first = 0
        for end in range(1, len(sizes) + 1):
            if end == len(sizes) or sum(sizes[first : end + 1]) > GROUP:
                means, squares = (
                    self.add_variable((sum(sizes[first:end]),), name=f"{name}_{which[first]}")
                    for name in ("mean", "square")
                )
                self._groups.append((which[first:end], means, squares))
                first = end

    def apply(self, grads: list[Any], trainable_variables: list[Any] | None = None) -> None:
        """Update the variables; there is a gradient for each that it was built with.

        TensorFlow's gradients of single rows of a table are added up first; in the norm of Keras, each counts by itself.
        """
        if not self.built:
            self.build(list(trainable_variables or ()))
        gradients = [ops.convert_to_tensor(each) for each in grads]
        flat = [ops.concatenate([ops.reshape(gradients[at], (-1,)) for at in group]) for group, *_ in self._groups]
        squares = [ops.square(each) for each in flat]
        norm = ops.sqrt(ops.sum(ops.stack([*map(ops.sum, squares), *self._squares_apart(gradients)])))
        clip = ops.minimum(self.global_clipnorm / norm, 1.0) + (norm - norm)  # NaN if a gradient is not finite
        self._update_groups(flat, squares, clip)
        self._update_apart(gradients, clip)
        self.iterations.assign_add(1)

    def _squares_apart(self, gradients: list[Any]) -> list[Any]:
        """Return the sum of squares of each gradient that is in no group."""
        return []

    def _update_apart(self, gradients: list[Any], clip: Any) -> None:
        """Update the variables that are in no group; `clip` is a factor of all gradients."""

    def _update_groups(self, flat: list[Any], squares: list[Any], clip: Any) -> None:
        """Update the groups by their gradients and the squares of these."""
        step = ops.cast(self.iterations + 1, "float32")
        rate = ops.convert_to_tensor(self.learning_rate)
        scale = rate * ops.sqrt(1 - SQUARE_DECAY**step) / (1 - MEAN_DECAY**step)
        kept = 1 - rate * self.weight_decay
        # products of single numbers come first, because each product with an array is a pass through memory
        of_gradient, of_square = clip * (1 - MEAN_DECAY), ops.square(clip) * (1 - SQUARE_DECAY)
        for (group, means, mean_squares), gradient, square in zip(self._groups, flat, squares, strict=True):
            means.assign(mean := means * MEAN_DECAY + gradient * of_gradient)
            mean_squares.assign(mean_square := mean_squares * SQUARE_DECAY + square * of_square)
            variables = [self._trainable_variables[at] for at in group]
            ends = np.cumsum([math.prod(variable.shape) for variable in variables[:-1]], dtype=int).tolist()
            changes = mean * scale / (ops.sqrt(mean_square) + EPSILON)
            for variable, change in zip(variables, ops.split(changes, ends) if ends else [changes], strict=True):
                variable.assign(variable * kept - ops.reshape(change, variable.shape))
