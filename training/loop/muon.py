"""Muon for the matrices between layers, AdamW for all other weights.

In: gradients of the variables it was built with. Muon (Jordan et al. 2024; scaled as by Liu et al. 2025, "Muon is
scalable for LLM training") changes a matrix by the momentum of its gradient with all singular values made about
equal, so that rare directions are learned as fast as frequent ones. Out: the same weights as `keras.optimizers.Muon`, to
rounding, if matrices are changed at every step. That one multiplies in float32 alone.
"""

import math
from typing import Any

import keras
from keras import ops

from training.loop.adamw import EPSILON, AdamW
from training.network.weights import is_matrix

MOMENTUM = 0.95
EVERY = 4  # steps from one change of the matrices to the next in `compile_network`
CHANGE = 0.2  # root mean square of the change of a matrix, as a share of the learning rate
STEPS = 5
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""The Newton-Schulz iteration: how often, and the factors of x, x³ and x⁵ of a singular value x (Jordan et al. 2024)."""


@keras.saving.register_keras_serializable(package="vgpiano")
class Muon(AdamW):
    """Muon and AdamW, each with its decoupled weight decay; gradients are clipped by their norm over all variables.

    The momentum takes in the gradient of every step. Making singular values equal takes a quarter of a step's time, so it can
    be done less often, for a change that is as many times as large.
    """

    def __init__(
        self,
        *args: Any,
        matrices: list[bool],
        matrix_decay: float = 0.0,
        policy: str = "float32",
        every: int = 1,
        **kwargs: Any,
    ) -> None:
        """Create the optimizer.

        `matrices` says of each variable whether Muon changes it, with `matrix_decay` as weight decay; AdamW changes the
        others. `policy` is "float32" or "mixed_bfloat16": what matrices are multiplied in. Matrices are changed at the first
        step and at every `every`-th after it.
        """
        super().__init__(*args, **kwargs)
        self.matrices, self.matrix_decay, self.policy, self.every = matrices, matrix_decay, policy, every

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "matrices": self.matrices,
            "matrix_decay": self.matrix_decay,
            "policy": self.policy,
            "every": self.every,
        }

    def build(self, variables: list[Any]) -> None:
        """Create the state for these variables."""
        super().build(variables)
        self._momenta = {
            at: self.add_variable(variables[at].shape, name=f"momentum_{at}")
            for at, is_matrix in enumerate(self.matrices)
            if is_matrix
        }

    def _build_groups(self, which: list[int]) -> None:
        super()._build_groups([at for at in which if not self.matrices[at]])

    def _squares_apart(self, gradients: list[Any]) -> list[Any]:
        return [ops.sum(ops.square(gradients[at])) for at in self._momenta]

    def _update_apart(self, gradients: list[Any], clip: Any) -> None:
        rate = ops.convert_to_tensor(self.learning_rate) * self.every
        kept = 1 - rate * self.matrix_decay
        clipped = [gradients[at] * clip for at in self._momenta]
        means = [held * MOMENTUM + gradient for held, gradient in zip(self._momenta.values(), clipped, strict=True)]
        variables = [self._trainable_variables[at] for at in self._momenta]
        before = [ops.convert_to_tensor(variable) for variable in variables]

        def changed() -> list[Any]:
            return [
                # ahead, as Nesterov
                matrix * kept
                - self._orthogonal(gradient + mean * MOMENTUM) * (rate * (CHANGE * math.sqrt(max(matrix.shape))))
                for matrix, gradient, mean in zip(before, clipped, means, strict=True)
            ]

        after = ops.cond(self.iterations % self.every == 0, changed, lambda: before)
        for variable, value in zip((*self._momenta.values(), *variables), (*means, *after), strict=True):
            variable.assign(value)

    def _orthogonal(self, matrix: Any) -> Any:
        """Return the matrix with its singular values near 1, the largest and most others between 0.7 and 1.2."""
        rows, columns = matrix.shape
        a, b, c = COEFFICIENTS
        x = matrix / (ops.sqrt(ops.sum(ops.square(matrix))) + EPSILON)
        x = ops.cast(ops.transpose(x) if rows > columns else x, self.policy.removeprefix("mixed_"))
        one = ops.eye(min(rows, columns), dtype=x.dtype)
        for _ in range(STEPS):
            square = ops.matmul(x, ops.transpose(x))
            x = ops.matmul(a * one + ops.matmul(square, b * one + c * square), x)
        return ops.cast(ops.transpose(x) if rows > columns else x, "float32")


def compile_network(network: Any, learning_rate: float, weight_decay: float) -> None:
    """Give a network that is built this optimizer, with gradients clipped to a norm of 1; `weight_decay` is of matrices."""
    optimizer = Muon(
        learning_rate,
        matrices=[is_matrix(variable.path) for variable in network.trainable_variables],
        policy=network.dtype_policy.name,
        every=EVERY,
        matrix_decay=weight_decay,
        weight_decay=0.0,
        global_clipnorm=1.0,
    )
    # on a CPU, TensorFlow is faster without compiling
    network.compile(optimizer=optimizer, jit_compile=keras.backend.backend() == "jax")
    optimizer.build(network.trainable_variables)  # otherwise the first step is traced twice
