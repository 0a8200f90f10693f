"""The trained network in NumPy: it needs no TensorFlow, so sampling and evaluation start at once.

Computes exactly what `network.py` does in float32. Whole pieces go through in batches, with the state carried from one stretch of
notes to the next; a sampler goes note by note.
"""

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from catalog.errors import TrainingError
from catalog.files import replacing
from training import events
from training.batches import EncodedPiece

Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]
State = list[tuple[Array, Array]]  # (h, c) of each layer, each [batch, width]

STRETCH = 256  # notes that go through at once
TOGETHER = 48  # pieces side by side
META = "meta"

EMBEDDINGS = {
    "time": 64,
    "pitch": 192,
    "duration": 64,
    "velocity": 32,
    "place": 32,
    "match": 32,
    "series": 16,
    "game": 32,
}
"""Width of the embedding of each input."""

HEADS = {
    "time": ("guess_time", "match"),
    "pitch": ("time", "place", "guess_pitch", "guess_time", "match"),
    "duration": ("time", "pitch", "place", "guess_duration", "match"),
    "velocity": ("time", "pitch", "duration"),
}
"""What each output sees beside the LSTM: fields of the note itself that come before it in the factorisation, and the guess."""

GUESSED = {"time": events.GUESS_TIME, "pitch": events.GUESS_PITCH, "duration": events.GUESS_DURATION}
"""Fields with one score more than classes: how much likelier the guessed class is for being the guess. The network learns to
copy within seconds through it, for it need not first learn which output stands for which embedding."""


@dataclass(frozen=True, slots=True)
class WeightsMeta:
    """Whose weights these are: hashes of recipe and vocabulary, the epoch, its validation bits per note."""

    recipe_sha256: str
    vocabulary_sha256: str
    epoch: int
    validation_bits: float


def save_weights(path: Path, named: dict[str, Array], meta: WeightsMeta) -> None:
    """Write the weights by name, atomically, with their meta beside them in the one file."""
    held = json.dumps({name: getattr(meta, name) for name in WeightsMeta.__slots__}).encode()
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **named, **{META: np.frombuffer(held, dtype=np.uint8)})  # type: ignore[arg-type]


def load_weights(path: Path) -> tuple[dict[str, Array], WeightsMeta]:
    """Return weights by name and their meta. Raises TrainingError where the file is missing or damaged."""
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as held:
            named = {name: held[name] for name in held.files if name != META}
            meta = WeightsMeta(**json.loads(held[META].tobytes()))
    except FileNotFoundError:
        raise TrainingError(
            f"{path}: no weights yet; let the first epoch of training end, or `train --resume`"
        ) from None
    except (ValueError, KeyError, OSError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise TrainingError(f"{path}: damaged ({error}); train the run again") from None
    return named, meta


class Network:
    """The network's forward pass. `named` are the arrays that `network.arrays` gives."""

    def __init__(self, named: dict[str, Array]) -> None:
        """Take the weights; raises TrainingError where one is missing."""
        try:
            self._embed = {
                n: named[f"embed_{n}/embeddings"] for n in (*events.FIELDS, *("place", "match", "series", "game"))
            }
            self._enter = named["enter/kernel"], named["enter/bias"]
            self._hidden = {n: (named[f"hidden_{n}/kernel"], named[f"hidden_{n}/bias"]) for n in events.FIELDS}
            self._out = {n: (named[f"out_{n}/kernel"], named[f"out_{n}/bias"]) for n in events.FIELDS}
            layers = sum(name.startswith("lstm_") and name.endswith("recurrent_kernel") for name in named)
            self._lstm = [
                (named[f"lstm_{i}/kernel"], named[f"lstm_{i}/recurrent_kernel"], named[f"lstm_{i}/bias"])
                for i in range(layers)
            ]
        except KeyError as error:
            raise TrainingError(f"weights: {error} is missing; they were written by another version") from None
        self.width = len(self._lstm[0][1])

    def start(self, batch: int) -> State:
        """Return the state before any note."""
        return [
            (np.zeros((batch, self.width), np.float32), np.zeros((batch, self.width), np.float32)) for _ in self._lstm
        ]

    def advance(self, last: IntArray, guess: IntArray, style: IntArray, state: State) -> tuple[Array, State]:
        """Take notes and return what the outputs see of them, [batch, notes, width], and the state after the last.

        `last` [batch, notes, 5] are the classes and place of notes, `guess` [batch, notes, 4] the repeat model's guess
        at the note after each, `style` [batch, 2] the numbers of series and game.
        """
        return self._advance(self._entered(last, guess, style), state)

    def _entered(self, last: IntArray, guess: IntArray, style: IntArray) -> Array:
        known = [self._embed[n][last[..., i]] for i, n in enumerate((*events.FIELDS, "place"))]
        seen = self.seen(guess)
        parts = [*known, *(seen[n] for n in ("guess_time", "guess_pitch", "guess_duration", "match"))]
        styles = np.concatenate([self._embed["series"][style[:, 0]], self._embed["game"][style[:, 1]]], axis=-1)
        parts.append(np.broadcast_to(styles[:, None], (*last.shape[:2], styles.shape[-1])))
        kernel, bias = self._enter
        return np.concatenate(parts, axis=-1) @ kernel + bias

    def _advance(self, entered: Array, state: State) -> tuple[Array, State]:
        after: State = []
        for (kernel, recurrent, bias), (h, c) in zip(self._lstm, state, strict=True):
            given = entered @ kernel + bias
            entered = np.empty((*given.shape[:2], self.width), np.float32)
            for step in range(given.shape[1]):
                z = given[:, step] + h @ recurrent
                i, f, g, o = np.split(z, 4, axis=-1)
                c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
                h = _sigmoid(o) * np.tanh(c)
                entered[:, step] = h
            after.append((h, c))
        return entered, after

    def seen(self, guess: IntArray) -> dict[str, Array]:
        """Return the embeddings of a guess [..., 4] (time, pitch, duration, match), zero where there is none."""
        matched = (guess[..., 3:] > 0).astype(np.float32)
        return {
            "guess_time": self._embed["time"][guess[..., 0]] * matched,
            "guess_pitch": self._embed["pitch"][guess[..., 1]] * matched,
            "guess_duration": self._embed["duration"][guess[..., 2]] * matched,
            "match": self._embed["match"][guess[..., 3]],
        }

    def embed(self, name: str, numbers: IntArray) -> Array:
        """Return the embedding of one field of notes, or of their place."""
        return self._embed[name][numbers]

    def logits(self, name: str, state: Array, seen: dict[str, Array], guess: IntArray) -> Array:
        """Return the logits of one field, [..., classes]; `seen` must hold what HEADS says that the field sees."""
        kernel, bias = self._hidden[name]
        hidden = np.maximum(np.concatenate([state, *(seen[n] for n in HEADS[name])], axis=-1) @ kernel + bias, 0)
        kernel, bias = self._out[name]
        scores: Array = hidden @ kernel + bias
        if name not in GUESSED:
            return scores
        logits = scores[..., :-1].copy()
        copied = guess[..., GUESSED[name] - events.GUESS_TIME, None]
        gain = np.where(guess[..., 3:] > 0, scores[..., -1:], np.float32(0))
        np.put_along_axis(logits, copied, np.take_along_axis(logits, copied, axis=-1) + gain, axis=-1)
        return logits

    def logits_of(self, rows: IntArray, style: IntArray, state: State) -> tuple[dict[str, Array], State]:
        """Return the logits of every note but the first of `rows` [batch, notes + 1, 9], and the state after them."""
        now, last = rows[:, 1:], rows[:, :-1]
        guess = now[..., events.GUESS_TIME :]
        above, after = self.advance(last[..., : events.PLACE + 1], guess, style, state)
        seen = self.seen(guess)
        for column, name in enumerate((*events.FIELDS, "place")):
            seen[name] = self.embed(name, now[..., column])
        return {name: self.logits(name, above, seen, guess) for name in events.FIELDS}, after

    def bits(self, pieces: Sequence[EncodedPiece]) -> npt.NDArray[np.float64]:
        """Return [pieces, 4]: the bits that each field of each piece costs, summed over all notes but the first."""
        total = np.zeros((len(pieces), len(events.FIELDS)))
        order = sorted(range(len(pieces)), key=lambda i: -len(pieces[i].events))
        for start in range(0, len(order), TOGETHER):
            self._add_bits(pieces, order[start : start + TOGETHER], total)
        return total

    def _add_bits(self, pieces: Sequence[EncodedPiece], which: list[int], total: npt.NDArray[np.float64]) -> None:
        """Add to `total` the bits of the pieces `which`, the longest first, stretch by stretch."""
        state = self.start(len(which))
        for at in range(0, len(pieces[which[0]].events) - 1, STRETCH):
            which = [i for i in which if len(pieces[i].events) - 1 > at]
            state = [(h[: len(which)], c[: len(which)]) for h, c in state]
            longest = min(STRETCH, len(pieces[which[0]].events) - 1 - at)
            rows = np.zeros((len(which), longest + 1, events.COLUMNS), np.int32)
            mask = np.zeros((len(which), longest), bool)
            for row, i in enumerate(which):
                held = pieces[i].events[at : at + longest + 1]
                rows[row, : len(held)] = held
                mask[row, : len(held) - 1] = True
            style = np.array([pieces[i].style for i in which], np.int32)
            logits, state = self.logits_of(rows, style, state)
            for column, name in enumerate(events.FIELDS):
                costs = bits_of(logits[name], rows[:, 1:, column])
                total[which, column] += np.where(mask, costs, 0).sum(axis=1)


def bits_of(logits: Array, classes: IntArray) -> npt.NDArray[np.float64]:
    """Return -log2 of the probability that `logits` [..., classes] give each class [...]."""
    top = logits.max(axis=-1)
    spread = np.log(np.exp(logits - top[..., None]).sum(axis=-1, dtype=np.float64)) + top
    chosen: Any = np.take_along_axis(logits, classes[..., None], axis=-1)[..., 0]
    return np.asarray((spread - chosen) / np.log(2), dtype=np.float64)


def _sigmoid(x: Array) -> Array:
    squashed: Array = np.float32(0.5) * (np.tanh(np.float32(0.5) * x) + np.float32(1))
    return squashed
