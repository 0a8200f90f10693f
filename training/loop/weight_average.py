"""Running average of a network's weights over the latest part of training.

The average validates better and more steadily than the weights of single steps. Step weights grow as a power of the
step number, so the average covers a fixed share of the steps so far, independent of the length of training (Karras et
al. 2024, "Analyzing and improving the training dynamics of diffusion models", section 3.1).
"""

import numpy as np
import numpy.typing as npt

POWER = 16
"""Exponent of the step weights; the average is centred at about 1 − 1/18 of the steps so far."""

STEP_INTERVAL = 4  # steps between two updates; an update costs about a twentieth of a step

Array = npt.NDArray[np.float32]


class WeightAverage:
    """A running average of arrays by name."""

    def __init__(self, named: dict[str, Array] | None = None) -> None:
        """Start empty, or from an earlier average."""
        self.named = {name: array.copy() for name, array in (named or {}).items()}

    def due(self, step: int) -> bool:
        """Return whether the weights after this step are to be added."""
        return step % STEP_INTERVAL == 0 or not self.named

    def add(self, named: dict[str, Array], step: int) -> None:
        """Add the weights after step `step`, counted from 1.

        Called every STEP_INTERVAL steps, and for the first step.
        """
        if not self.named:
            self.named = {name: array.copy() for name, array in named.items()}
            return
        share = np.float32(1 - max(0.0, 1 - STEP_INTERVAL / step) ** (POWER + 1))
        for name, array in named.items():
            difference = array - self.named[name]
            difference *= share
            self.named[name] += difference
