"""Checks the arrays of a network's weights: names, shapes, finite numbers.

In: a recipe, the numbers of series and games, and arrays. Out: one error that names the first wrong array.
`network.py` builds the same shapes in Keras; tests compare them.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from catalog.base.errors import TrainingError
from training.events import ears
from training.events import fields as events
from training.events.repeat_models import CONFIDENCES, GUESSES
from training.network.layout import (
    CONFIDENCE_WIDTH,
    EMBEDDINGS,
    ENTERING,
    EXTRA_SCORES,
    HEADS,
    INTERVAL_TABLES,
    INTERVALS,
    OTHER_SIZES,
    inputs_width,
)

Shapes = dict[str, tuple[int, ...]]

_REMEDY = "the file is damaged or from another version; train the run again"


class Sizes(Protocol):
    """The settings that determine shapes."""

    @property
    def width(self) -> int:
        """Units of each LSTM layer."""

    @property
    def layers(self) -> int:
        """LSTM layers."""

    @property
    def head(self) -> int:
        """Hidden units of each output."""


def network_shapes(recipe: Sizes, series: int, games: int) -> Shapes:
    """Return the shape of each array of a note-lstm network."""
    sizes = {**events.SIZES, **OTHER_SIZES, "series": series + 1, "game": games + 1}
    shapes: Shapes = {f"embed_{name}/embeddings": (sizes[name], width) for name, width in EMBEDDINGS.items()}
    for name, count in GUESSES.items():
        shapes[f"trust_{name}/embeddings"] = (count * CONFIDENCES, CONFIDENCE_WIDTH)
        shapes[f"gain_{name}/embeddings"] = (count * CONFIDENCES, 1)
    shapes["intervals/embeddings"] = (INTERVALS, INTERVAL_TABLES * len(ears.COUNTS))
    shapes |= dense("enter", inputs_width(ENTERING), recipe.width)
    for layer in range(recipe.layers):
        shapes |= lstm(f"lstm_{layer}", recipe.width, recipe.width)
    shapes["above/kernel"] = (recipe.width, len(HEADS) * recipe.head)
    for name, beside in HEADS.items():
        shapes |= dense(f"hidden_{name}", inputs_width(beside), recipe.head)
        shapes |= dense(f"out_{name}", recipe.head, events.SIZES[name] + GUESSES[name] + EXTRA_SCORES[name])
    return shapes


def check(named: Mapping[str, npt.NDArray[Any]], shapes: Shapes, where: Path) -> None:
    """Raise TrainingError unless `named` has these shapes and finite float32 numbers.

    The message names the file and the array.
    """
    for name, shape in shapes.items():
        if name not in named:
            raise TrainingError(f"{where}: {name} is missing; {_REMEDY}")
        array = named[name]
        if array.shape != shape or array.dtype != np.float32:
            raise TrainingError(
                f"{where}: {name} is {array.dtype} {list(array.shape)}, this run needs float32 {list(shape)}; {_REMEDY}"
            )
        if not np.isfinite(array).all():
            raise TrainingError(f"{where}: {name} contains a number that is not finite; {_REMEDY}")


def dense(name: str, inputs: int, outputs: int) -> Shapes:
    """Return the shapes of a dense layer."""
    return {f"{name}/kernel": (inputs, outputs), f"{name}/bias": (outputs,)}


def lstm(name: str, inputs: int, width: int) -> Shapes:
    """Return the shapes of an LSTM layer."""
    return {
        f"{name}/kernel": (inputs, 4 * width),
        f"{name}/recurrent_kernel": (width, 4 * width),
        f"{name}/bias": (4 * width,),
    }
