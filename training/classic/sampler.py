"""The classic network in NumPy, and the pieces it composes. No TensorFlow.

For every token, the original starts from a zero state and reads the last 100 tokens again. The next 100 windows
overlap, so all of them are advanced together here: a new token advances each window by one step, completes one window
and begins one. Up to rounding, the result equals the original's.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from catalog.base.console import Report
from catalog.base.errors import TrainingError, UsageError
from dataset.notes.model import Notes
from dataset.notes.timing import TICKS_PER_QUARTER
from training.classic.recipe import ClassicRecipe
from training.classic.tokens import IntArray, Music, pitches_of
from training.loop.checkpoints import best_weights
from training.network.shapes import Shapes, check, dense, lstm
from training.run import Run

VELOCITY, TEMPO = 90, 120.0  # music21's defaults
DURATION = TICKS_PER_QUARTER  # music21's default; a step is shorter, so consecutive tokens overlap
BATCH = 16  # pieces per batch; more are no faster and need more memory

Array = npt.NDArray[np.float32]


class ClassicNetwork:
    """Forward pass of the classic network."""

    def __init__(self, named: dict[str, Array]) -> None:
        """Load the weights from `named`, the arrays that `network.arrays` returns.

        Raises TrainingError if an array is missing.
        """
        layers = sum(name.endswith("/recurrent_kernel") for name in named)
        try:
            self._lstm = [
                tuple(_halve_gates(named[f"lstm_{i}/{part}"]) for part in ("kernel", "recurrent_kernel", "bias"))
                for i in range(layers)
            ]
            self._dense = named["dense/kernel"], named["dense/bias"]
            self._out = named["out/kernel"], named["out/bias"]
        except KeyError as error:
            raise TrainingError(f"weights: {error} is missing; they were written by another version") from None
        self.layers, self.width = layers, len(self._lstm[0][1])
        self.classes = len(self._out[1])

    def step(self, inputs: Array, h: Array, c: Array) -> None:
        """Advance the states h and c [layers, rows, width] by one step, in place.

        `inputs` [rows] has one number per row.
        """
        below: Array = inputs[:, None]
        for (kernel, recurrent, bias), hidden, cell in zip(self._lstm, h, c, strict=True):
            gates = hidden @ recurrent
            gates += below @ kernel
            gates += bias
            np.tanh(gates, out=gates)
            i, f, g, o = np.split(gates, 4, axis=-1)
            for gate in (i, f, o):  # sigmoid(2x) = tanh(x) / 2 + 1/2
                gate += 1
                gate *= 0.5
            cell *= f
            cell += i * g
            np.multiply(o, np.tanh(cell), out=hidden)
            below = hidden

    def logits(self, top: Array) -> Array:
        """Return the logits [count, classes] for the last LSTM's outputs [count, width]."""
        between: Any = top @ self._dense[0] + self._dense[1]
        logits: Array = between @ self._out[0] + self._out[1]
        return logits


class WindowStates:
    """LSTM states of the last `length` windows of `count` streams.

    Each window starts from a zero state.
    """

    def __init__(self, network: ClassicNetwork, length: int, count: int) -> None:
        """Start before the first token."""
        self.network, self.length, self.count, self.fed = network, length, count, 0
        self._h = np.zeros((network.layers, length * count, network.width), np.float32)
        self._c = np.zeros_like(self._h)

    def feed(self, numbers: IntArray) -> Array | None:
        """Take the next token of each stream [count] and return the next logits.

        Returns None until a window is full.
        """
        begins = self._rows(self.fed)  # the windows in these rows are complete
        self._h[:, begins] = 0
        self._c[:, begins] = 0
        self.fed += 1
        live = min(self.fed, self.length)
        inputs = np.tile(numbers / self.network.classes, live).astype(np.float32)
        self.network.step(inputs, self._h[:, : live * self.count], self._c[:, : live * self.count])
        return self.network.logits(self._h[-1, self._rows(self.fed)]) if self.fed >= self.length else None

    def _rows(self, fed: int) -> slice:
        """Return the rows of the windows that begin after `fed` tokens.

        There is one row per stream; rows are reused after `length` tokens.
        """
        first = fed % self.length * self.count
        return slice(first, first + self.count)


def shapes(recipe: ClassicRecipe, classes: int) -> Shapes:
    """Return the shape of each array of a classic network with `classes` tokens."""
    found: Shapes = {}
    for layer in range(recipe.layers):
        found |= lstm(f"lstm_{layer}", recipe.width if layer else 1, recipe.width)
    return found | dense("dense", recipe.width, recipe.dense) | dense("out", recipe.dense, classes)


def open_network(run: Run) -> tuple[ClassicNetwork, Music]:
    """Return the network of the run's kept epoch, and its music.

    Raises TrainingError if they do not belong together.
    """
    recipe: ClassicRecipe = run.require(ClassicRecipe, "does not write classic tokens")
    named = best_weights(run)
    music = Music.from_json(run.vocabulary_text, str(run.path / "vocabulary.json"))
    check(named, shapes(recipe, len(music.tokens)), run.weights)
    return ClassicNetwork(named), music


@np.errstate(over="ignore", invalid="ignore")  # what comes of it is checked
def compose(
    run: Run,
    count: int,
    seed: int,
    tokens: int | None = None,
    temperature: float | None = None,
    report: Report = lambda done, total: None,
) -> list[Notes]:
    """Return `count` pieces of `tokens` tokens (default: the recipe's 500).

    Uses the epoch of the lowest training loss. Each piece continues a window of the training music that `seed`
    selects; the window is not part of the piece. Without `temperature` the most probable token is taken, as in the
    original; with it, tokens are drawn. `report` receives the number of tokens written. Raises UsageError for a
    setting out of range.
    """
    recipe: ClassicRecipe = run.require(ClassicRecipe, "does not write classic tokens")
    tokens = recipe.sample_tokens if tokens is None else tokens
    for message, is_valid in (
        ("--count must be from 1 to 1,000", 1 <= count <= 1000),
        ("--notes must be from 1 to 100,000", 1 <= tokens <= 100_000),
        ("--temperature must be above 0 and at most 10", temperature is None or 0 < temperature <= 10),
    ):
        if not is_valid:
            raise UsageError(message)
    network, music = open_network(run)
    if len(music.training) <= recipe.window:
        raise TrainingError(f"{run.path / 'vocabulary.json'}: fewer tokens than one window; train the run again")
    pieces: list[Notes] = []
    for first in range(0, count, BATCH):
        rngs = [np.random.default_rng([seed, number]) for number in range(first, min(count, first + BATCH))]
        starts = [int(rng.integers(len(music.training) - recipe.window)) for rng in rngs]
        windows = np.stack([music.training[start : start + recipe.window] for start in starts])

        def report_tokens(done: int, before: int = first * tokens) -> None:
            report(before + done, count * tokens)

        for numbers in continuations(network, windows, tokens, temperature, rngs, report_tokens):
            pieces.append(to_notes([music.tokens[number] for number in numbers.tolist()], recipe.sample_step))
    return pieces


def continuations(
    network: ClassicNetwork,
    windows: IntArray,
    tokens: int,
    temperature: float | None = None,
    rngs: list[np.random.Generator] | None = None,
    report_tokens: Callable[[int], None] = lambda done: None,
) -> IntArray:
    """Return the continuations [count, tokens] of `windows` [count, length].

    Each token depends only on the window before it. `report_tokens` receives the number of tokens written in all
    windows.
    """
    states = WindowStates(network, windows.shape[1], len(windows))
    logits: Array | None = None
    for column in windows.T:
        logits = states.feed(column)
    written = np.zeros((len(windows), tokens), np.int32)
    for at in range(tokens):
        if logits is None:
            raise TrainingError("a window without tokens cannot be continued")
        if not np.isfinite(logits).all():
            raise TrainingError(
                "the network gives no probabilities: its weights are damaged or no use; train the run again"
            )
        if temperature is not None and rngs is not None:  # Gumbel-max trick: the argmax of logits plus noise is a draw
            with np.errstate(over="ignore"):
                scaled = (logits - logits.max(axis=1, keepdims=True)).astype(np.float64) / temperature
            logits = scaled + np.stack([rng.gumbel(size=network.classes) for rng in rngs])
        written[:, at] = logits.argmax(axis=-1)
        report_tokens((at + 1) * len(windows))
        if at + 1 < tokens:
            logits = states.feed(written[:, at])
    return written


def to_notes(tokens: list[str], step: float) -> Notes:
    """Convert tokens to notes: one token every `step` quarter notes.

    Each note lasts one quarter note. The notes of a chord begin together.
    """
    sounding = [(at, pitch) for at, token in enumerate(tokens) for pitch in pitches_of(token)]
    size = len(sounding)
    return Notes.of(
        [round(at * step * TICKS_PER_QUARTER) for at, _ in sounding],
        [DURATION] * size,
        [pitch for _, pitch in sounding],
        [VELOCITY] * size,
        [(0, TEMPO)],
    )


def _halve_gates(weights: Array) -> Array:
    """Return LSTM weights with the columns of the gates i, f and o halved.

    Keras orders the gates i, f, g, o. With halved columns, one tanh computes all gates.
    """
    halved = weights.copy()
    width = weights.shape[-1] // 4
    halved[..., : 2 * width] *= 0.5
    halved[..., 3 * width :] *= 0.5
    return halved
