"""The trained note-level network in NumPy. No TensorFlow, so commands start fast.

Computes the same function as `network.py` in float32. Whole pieces are evaluated in batches, with the state carried
from one stretch of notes to the next; a sampler advances note by note.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from catalog.base.errors import TrainingError
from training.events import encoding
from training.events import fields as events
from training.events.batches import EncodedPiece
from training.events.repeat_models import GUESSES
from training.network.class_scores import (
    IntervalScores,
    add_chord,
    add_hands,
    add_note_values,
    add_pitch_classes,
    add_places,
    add_range,
    add_releases,
)
from training.network.inputs import LAST, OFFSETS, Classes, pitch_class_shares, told
from training.network.layout import ENTERING, HEADS, STYLES
from training.network.tables import InputTable, Kernel, on_one_thread

Array = npt.NDArray[np.float32]
State = list[tuple[Array, Array]]  # (h, c) of each layer, each [batch, width]

STRETCH = 256  # notes per forward pass
BATCH = 128  # pieces per forward pass
BLOCK = 256  # notes whose additional scores are computed at once


class NoteNetwork:
    """Forward pass of the note-level network."""

    @on_one_thread
    def __init__(self, named: dict[str, Array]) -> None:
        """Load `named`, the result of `network.arrays`; raises TrainingError."""
        layers = sum(name.startswith("lstm_") and name.endswith("/recurrent_kernel") for name in named)
        try:
            kernel = named["enter/kernel"] @ named["lstm_0/kernel"]
            bias = named["enter/bias"] @ named["lstm_0/kernel"] + named["lstm_0/bias"]
            self._entering = InputTable(named, ENTERING, kernel, bias)
            self._recurrent = [Kernel(named["lstm_0/recurrent_kernel"])] + [
                Kernel(np.concatenate([named[f"lstm_{i}/kernel"], named[f"lstm_{i}/recurrent_kernel"]]))
                for i in range(1, layers)
            ]
            self._bias = [named[f"lstm_{i}/bias"] for i in range(1, layers)]
            self.width = len(named["lstm_0/recurrent_kernel"])
            self._above = Kernel(named["above/kernel"])
            self._hidden = {
                n: InputTable(named, HEADS[n], named[f"hidden_{n}/kernel"], named[f"hidden_{n}/bias"]) for n in HEADS
            }
            self.head = len(named["hidden_time/bias"])
            self._out = {n: (Kernel(named[f"out_{n}/kernel"]), named[f"out_{n}/bias"]) for n in events.FIELDS}
            self._intervals = IntervalScores(named["intervals/embeddings"])
            self._gain = {n: named[f"gain_{n}/embeddings"][:, 0] for n in GUESSES}
            self._style = [named[f"embed_{n}/embeddings"] for n in STYLES]
            self._last_style: tuple[Array, Array, Array] | None = None  # and what `_of_style` returns for it
        except KeyError as error:
            raise TrainingError(
                f"weights: {error} is missing; they were written by another version; train the run again"
            ) from None

    def start(self, batch: int) -> State:
        """Return the state before the first note."""
        return [
            (np.zeros((batch, self.width), np.float32), np.zeros((batch, self.width), np.float32))
            for _ in self._recurrent
        ]

    def style(self, numbers: Classes) -> Array:
        """Return embeddings [batch, STYLE_WIDTH] of series and game numbers [batch, 2]."""
        return np.concatenate([table[numbers[:, column]] for column, table in enumerate(self._style)], axis=1)

    def advance(self, rows: Classes, style: Array, state: State) -> tuple[Array, State]:
        """Process notes; return what the output layers need, and the new state.

        `rows` [batch, notes, TOLD] is what the network is told of the notes after them, of which only what is known
        before their time is read. `style` [batch, STYLE_WIDTH] comes from `style`. Returns [batch, notes, 4 × head] and
        the state after the last note.
        """
        always, of_outputs = self._of_style(style)
        state = list(state)
        top = np.empty((*rows.shape[:2], self.width), np.float32)
        for step in range(rows.shape[1]):
            gates = self._recurrent[0].after(state[0][0])
            gates += always
            self._entering.add(gates, rows[:, step])
            for layer, (h, c) in enumerate(state):
                if layer:
                    gates = self._recurrent[layer].after(np.concatenate([state[layer - 1][0], h], axis=1))
                    gates += self._bias[layer - 1]
                state[layer] = _step(gates, c)
            top[:, step] = state[-1][0]
        above = self._above.after(top)
        above += of_outputs[:, None]
        return above, state

    def _of_style(self, style: Array) -> tuple[Array, Array]:
        """Return what the style, the same for all notes, adds to the first gates and to the outputs' hidden layers.

        A sampler gives the same style for every note, so the last one is remembered.
        """
        if self._last_style is None or self._last_style[0] is not style:
            of_outputs = np.concatenate([self._hidden[name].of_style(style) for name in events.FIELDS], axis=1)
            self._last_style = style, self._entering.of_style(style), of_outputs
        return self._last_style[1:]

    def logits(self, name: str, above: Array, rows: Classes, gains: dict[str, Array] | None = None) -> Array:
        """Return one field's logits [..., classes], from what the network is told [..., TOLD], as HEADS lists it.

        The gain of each guess, [..., GUESSES[name]], is put into `gains` if given.
        """
        column, size = events.FIELDS.index(name) * self.head, events.SIZES[name]
        hidden = above[..., column : column + self.head].copy()
        self._hidden[name].add(hidden, rows)
        kernel, bias = self._out[name]
        scores = kernel.after(np.maximum(hidden, 0, out=hidden))
        scores += bias
        guess, confidence = rows[..., encoding.GUESS[name]], rows[..., encoding.CONFIDENCE[name]]
        gain = scores[..., size : size + GUESSES[name]] + self._gain[name].take(confidence + OFFSETS[name])
        gain *= confidence > 0
        if gains is not None:
            gains[name] = gain
        logits = np.ascontiguousarray(scores[..., :size]).reshape(-1, size)
        at = guess.reshape(len(logits), -1) + np.arange(0, logits.size, size)[:, None]
        np.add.at(logits.ravel(), at.ravel(), gain.ravel())  # in their order: guesses may agree
        extra = scores[..., size + GUESSES[name] :].reshape(len(logits), -1)
        if name != "velocity":
            flat = rows.reshape(len(logits), -1)
            for start in range(0, len(logits), BLOCK):
                part = slice(start, start + BLOCK)
                self._add_scores(name, logits[part], extra[part], flat[part])
        return logits.reshape(*scores.shape[:-1], size)

    def _add_scores(self, name: str, logits: Array, extra: Array, rows: Classes) -> None:
        """Add the additional scores of an output to logits [n, classes], in place: see `layout.EXTRA_SCORES`."""
        if name == "pitch":
            add_pitch_classes(logits, extra, pitch_class_shares(rows), rows)
            add_range(logits, extra, rows)
            add_hands(logits, extra, rows)
            self._intervals.add(logits, extra, rows)
            return
        place = rows[:, events.PLACE if name == "duration" else LAST + events.PLACE]
        add_places(logits, extra, place, rows[:, LAST + events.BAR])
        add_note_values(logits, extra, rows, name)
        if name == "time":
            add_releases(logits, extra, rows)
            add_chord(logits, extra, rows[:, LAST + events.PITCH], rows)

    def logits_of(self, rows: Classes, style: Array, state: State) -> tuple[dict[str, Array], State]:
        """Return logits for `rows` [batch, notes + 1, COLUMNS], and the next state."""
        known = told(rows[:, :-1], rows[:, 1:])
        above, after = self.advance(known, style, state)
        return {name: self.logits(name, above, known) for name in events.FIELDS}, after

    @on_one_thread
    def bits(self, pieces: Sequence[EncodedPiece], *, coarse: bool = False) -> npt.NDArray[np.float64]:
        """Return the bits of each field of each piece [pieces, 4], without first notes.

        With `coarse`, return [2, pieces, 4]: first as without, then with times and durations by their coarse classes.
        """
        total = np.zeros((1 + coarse, len(pieces), len(events.FIELDS)))
        order = sorted(range(len(pieces)), key=lambda i: -len(pieces[i].events))
        for start in range(0, len(order), BATCH):
            self._add_bits(pieces, order[start : start + BATCH], total)
        return total if coarse else total[0]

    @on_one_thread
    def note_bits(self, pieces: Sequence[EncodedPiece], style: Array) -> list[npt.NDArray[np.float64]]:
        """Return the bits of each note of each piece but its first, [notes - 1]; `style` [pieces, STYLE_WIDTH]."""
        found = [np.zeros(max(0, len(piece.events) - 1)) for piece in pieces]
        for start in range(0, len(pieces), BATCH):
            which = sorted(range(start, min(start + BATCH, len(pieces))), key=lambda i: -len(found[i]))
            for live, at, rows, _, logits in self._stretches(pieces, which, style[which]):
                costs = sum(bits_of(logits[name], rows[:, 1:, c]) for c, name in enumerate(events.FIELDS))
                for i, cost in zip(live, np.asarray(costs), strict=True):
                    found[i][at : at + len(cost)] = cost[: len(found[i]) - at]
        return found

    def _add_bits(self, pieces: Sequence[EncodedPiece], which: list[int], total: npt.NDArray[np.float64]) -> None:
        """Add the bits of the pieces `which`, the longest first, to `total` [1 or 2, pieces, 4]."""
        style = self.style(np.array([pieces[i].style for i in which], np.int32))
        for live, _, rows, mask, logits in self._stretches(pieces, which, style):
            for column, name in enumerate(events.FIELDS):
                costs = [bits_of(logits[name], rows[:, 1:, column])] * len(total)
                if len(total) > 1 and name in ("time", "duration"):
                    costs[1] = bits_of(coarse_logits(logits[name]), events.COARSE[rows[:, 1:, column]])
                for added, cost in zip(total, costs, strict=True):
                    added[live, column] += np.where(mask, cost, 0).sum(axis=1)

    def _stretches(
        self, pieces: Sequence[EncodedPiece], which: list[int], style: Array
    ) -> Iterator[tuple[list[int], int, Classes, npt.NDArray[np.bool_], dict[str, Array]]]:
        """Yield the logits of STRETCH notes after the other of the pieces `which`, the longest first.

        Yields the pieces that have notes there, the number of the first note, rows [pieces, notes + 1, COLUMNS], which
        notes are theirs [pieces, notes], and logits by field [pieces, notes, classes].
        """
        state = self.start(len(which))
        for at in range(0, len(pieces[which[0]].events) - 1, STRETCH):
            which = [i for i in which if len(pieces[i].events) - 1 > at]
            state, style = [(h[: len(which)], c[: len(which)]) for h, c in state], style[: len(which)]
            longest = min(STRETCH, len(pieces[which[0]].events) - 1 - at)
            rows = np.zeros((len(which), longest + 1, encoding.COLUMNS), np.int32)
            mask = np.zeros((len(which), longest), bool)
            for row, i in enumerate(which):
                held = pieces[i].events[at : at + longest + 1]
                rows[row, : len(held)] = held
                mask[row, : len(held) - 1] = True
            logits, state = self.logits_of(rows, style, state)
            yield which, at, rows, mask, logits


def bits_of(logits: Array, classes: Classes) -> npt.NDArray[np.float64]:
    """Return -log2 p of each class [...], given logits [..., classes]."""
    top = logits.max(axis=-1)
    spread = np.log(np.exp(logits - top[..., None]).sum(axis=-1, dtype=np.float64)) + top
    chosen: Any = np.take_along_axis(logits, classes[..., None], axis=-1)[..., 0]
    return np.asarray((spread - chosen) / np.log(2), dtype=np.float64)


def coarse_logits(logits: Array) -> Array:
    """Return the logits of coarse classes: log sums over the classes in each, [..., coarse classes]."""
    top = logits.max(axis=-1, keepdims=True)
    starts = np.searchsorted(events.COARSE, np.arange(len(events.COARSE_EDGES)))
    sums = np.add.reduceat(np.exp(logits - top), starts, axis=-1)
    coarse: Array = np.log(np.maximum(sums, np.finfo(np.float32).tiny)) + top
    return coarse


def _step(gates: Array, c: Array) -> tuple[Array, Array]:
    """Return the next h and c [batch, width]; overwrites `gates` [batch, 4 × width]."""
    width = c.shape[1]
    i, f, o, g = (gates[:, at : at + width] for at in range(0, 4 * width, width))  # np.split is slow
    logistic = gates[:, : 3 * width]  # computed from tanh
    logistic *= 0.5
    np.tanh(gates, out=gates)
    logistic *= 0.5
    logistic += 0.5
    c = c * f
    i *= g
    c += i
    h = np.tanh(c)
    h *= o
    return h, c
