"""The average of a network's weights over the latest part of training: better than the weights of any one step, and steadier.

Each step's weights count by a power of its number, so the average always reaches back over the same share of the steps so far and
needs no length of training to be set beforehand (Karras et al. 2024, "Analyzing and improving the training dynamics of diffusion
models", section 3.1).
"""

import numpy as np
import numpy.typing as npt

POWER = 16
"""The average has its middle at about 1 − 1/18 of the steps so far."""

STEP_INTERVAL = 4  # steps from one that counts to the next: each costs as much as a twentieth of a step

Array = npt.NDArray[np.float32]


class WeightAverage:
    """A running average of arrays by name."""

    def __init__(self, named: dict[str, Array] | None = None) -> None:
        """Begin with nothing, or go on from what an earlier average had come to."""
        self.named = {name: array.copy() for name, array in (named or {}).items()}

    def due(self, step: int) -> bool:
        """Return whether the weights after this step are to be taken."""
        return step % STEP_INTERVAL == 0 or not self.named

    def add(self, named: dict[str, Array], step: int) -> None:
        """Take the weights after step number `step`, which counts from 1; EVERY steps after those before, or the first of all."""
        if not self.named:
            self.named = {name: array.copy() for name, array in named.items()}
            return
        share = np.float32(1 - max(0.0, 1 - STEP_INTERVAL / step) ** (POWER + 1))
        for name, array in named.items():
            difference = array - self.named[name]
            difference *= share
            self.named[name] += difference
