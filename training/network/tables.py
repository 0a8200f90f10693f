"""Products of the NumPy network: dense layers over embeddings as lookup tables, and fast products of few rows.

They use one thread. A BLAS library shares each product among as many threads as there are cores, and each waits for
the others in a loop: products as small as these take several times longer that way on a machine with other work.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from training.events.repeat_models import CONFIDENCES
from training.network.inputs import COLUMNS, OFFSETS, Classes, numbers
from training.network.layout import CONFIDENCE_WIDTH, STYLES, inputs_width

Array = npt.NDArray[np.float32]
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

BLOCK_COLUMNS = 32  # of a kernel
MAX_SMALL_PRODUCT = 10**6  # multiplications of a product whose operands OpenBLAS does not copy
MAX_GATHER = 2**18  # up to this many numbers, all columns are looked up at once


def on_one_thread(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Return `function` with BLAS limited to one thread while it runs; the limit costs about 2 ms a call."""

    @wraps(function)
    def limited(*arguments: Arguments.args, **named: Arguments.kwargs) -> Result:
        with threadpool_limits(limits=1, user_api="blas"):
            return function(*arguments, **named)

    return limited


class InputTable:
    """Lookup table of a dense layer over embeddings: products by class and input."""

    def __init__(self, named: dict[str, Array], names: Sequence[str], kernel: Array, bias: Array) -> None:
        self.bias = bias
        self._numbers: list[str] = []  # names of inputs that are no classes
        tables: list[Array] = []
        columns: list[int] = []  # of what is told, of each look-up
        offsets: list[int] = []
        guesses: list[int] = []  # look-ups that are a class + 1, or 0 for none
        dense: list[Array] = [np.zeros((0, len(bias)), np.float32)]
        style = [*dense]
        at = size = 0
        for name in names:
            width = inputs_width([name])
            rows, at = kernel[at : at + width], at + width
            kind, _, field = name.rpartition("_")
            if name in STYLES:
                style.append(rows)
                continue
            if kind == "agree" or name == "tones" or field == "chroma":
                self._numbers.append(name)
                dense.append(rows)
                continue
            these = range(COLUMNS[name].start, COLUMNS[name].stop)
            if kind in ("guess", "next"):
                guesses.append(len(columns))
            columns += these
            if kind == "trust":  # several guesses, each with its own part of the table
                self._confidence = slice(these.start, these.start + 1)  # of the first, that on which `guesses` depend
                offsets += (size + OFFSETS[field]).tolist()
                table = named[f"trust_{field}/embeddings"].reshape(len(these), CONFIDENCES, CONFIDENCE_WIDTH)
                tables.append(np.matmul(table, rows.reshape(len(these), CONFIDENCE_WIDTH, -1)).reshape(-1, len(bias)))
            else:
                offsets += [size] * len(these)
                table = named[f"embed_{field}/embeddings"] @ rows
                if kind in ("guess", "next") or field == "heard":  # class + 1; 0 for none
                    table = np.concatenate([np.zeros_like(table[:1]), table])
                tables.append(table)
            size += len(tables[-1])
        self._table, self._columns, self._offsets = np.concatenate(tables), np.array(columns), np.array(offsets)
        self._guesses = slice(guesses[0], guesses[-1] + 1)  # they follow one another
        self._dense, self._style = np.concatenate(dense), np.concatenate(style)

    def add(self, total: Array, rows: Classes) -> None:
        """Add the contribution of what is told [..., TOLD] to `total` [..., outputs], without bias and style."""
        classes = rows.take(self._columns, axis=-1)
        guesses = classes[..., self._guesses]
        guesses += 1
        guesses *= rows[..., self._confidence] > 0
        index = classes + self._offsets
        if index.size * total.shape[-1] < MAX_GATHER:
            total += np.add.reduce(self._table.take(index, axis=0), axis=-2)
        else:
            for column in range(index.shape[-1]):
                total += self._table.take(index[..., column], axis=0)
        if self._numbers:
            total += np.concatenate([numbers(name, rows) for name in self._numbers], axis=-1) @ self._dense

    def of_style(self, style: Array) -> Array:
        """Return bias plus style [batch, STYLE_WIDTH] contribution, [batch, outputs]."""
        given: Array = self.bias + style[:, : len(self._style)] @ self._style
        return given


class Kernel:
    """A matrix that rows are multiplied by.

    BLAS first copies the operands of a product, which dominates the cost if one of them has few rows; but it does not
    copy those of small products. For few rows, the product is therefore taken in blocks of columns.
    """

    def __init__(self, kernel: Array) -> None:
        self._kernel = kernel
        self._blocks: Array | None = None  # [blocks, inputs, BLOCK_COLUMNS], made when they are first needed

    def after(self, rows: Array) -> Array:
        """Return `rows` [..., inputs] @ kernel, [..., outputs]."""
        flat = rows.reshape(-1, rows.shape[-1])
        inputs, outputs = self._kernel.shape
        is_small = len(flat) * inputs * BLOCK_COLUMNS <= MAX_SMALL_PRODUCT
        if len(flat) == 1:
            product: Array = flat[0] @ self._kernel
        elif is_small and outputs % BLOCK_COLUMNS == 0:
            if self._blocks is None:
                blocks = self._kernel.reshape(inputs, -1, BLOCK_COLUMNS)
                self._blocks = np.ascontiguousarray(blocks.transpose(1, 0, 2))
            product = np.empty((len(flat), len(self._blocks), BLOCK_COLUMNS), np.float32)
            np.matmul(flat, self._blocks, out=product.transpose(1, 0, 2))
        else:
            product = flat @ self._kernel
        return product.reshape(*rows.shape[:-1], outputs)
