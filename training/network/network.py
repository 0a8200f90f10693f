"""The note-level network in pure Keras 3.

In: rows of known and guessed classes. Out: an exact likelihood of the next note, factorised into time, pitch given
time, duration given both, and velocity given all three. `inference.py` computes the same function in NumPy; a test
compares them.
"""

from collections.abc import Iterator
from functools import partial
from itertools import combinations, repeat
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from training.events import ears, encoding, plan_columns
from training.events import fields as events
from training.events.repeat_models import CONFIDENCES, GUESSES
from training.network import scores as scores_of
from training.network.backend import initializer, lanes
from training.network.layout import (
    CHROMA_FEATURES,
    COLUMNS_OF,
    CONFIDENCE_WIDTH,
    EMBEDDINGS,
    ENTERING,
    EXTRA_SCORES,
    HAND_FEATURES,
    HEADS,
    INTERVAL_TABLES,
    INTERVALS,
    OTHER_SIZES,
    PLACE_SCORES,
    RANGE_FEATURES,
    RELEASE_FEATURES,
    VALUE_FEATURES,
    in_chroma,
    inputs_width,
)
from training.network.lstm import LSTM

_PAIRS = {name: [*combinations(range(count), 2)] for name, count in GUESSES.items()}
"""The pairs of guesses at each field."""


_Dense = partial(layers.Dense, kernel_initializer=initializer("glorot_uniform"))
_Embedding = partial(layers.Embedding, embeddings_initializer=initializer("uniform"))


@keras.saving.register_keras_serializable(package="vgpiano")
class NoteLSTM(keras.Model):  # type: ignore[misc]  # Keras has no types
    """The note-level network: events and styles to logits.

    Events are [batch, notes + 1, COLUMNS], styles [batch, 2]; there are four arrays of logits [batch, notes,
    classes], one per field. In training, the state at the end of a batch is the initial state of the next one, except
    for windows that `fresh` [batch] marks with 1; `dropout` [batch] has their rates, unless the recipe's is 0. Batches must
    have `recipe["batch"]` windows.
    """

    def __init__(self, recipe: dict[str, Any], series: int, games: int, **kwargs: Any) -> None:
        """Create the layers for a recipe and the numbers of series and games.

        The recipe is a mapping, so that Keras can save it.
        """
        super().__init__(**kwargs)
        self.recipe, self.series, self.games = recipe, series, games
        sizes = {**events.SIZES, **OTHER_SIZES, "series": series + 1, "game": games + 1}
        own = self.dtype_policy  # loaded networks keep their precision, independent of Keras's global policy
        self.embeddings = {n: _Embedding(sizes[n], w, dtype=own, name=f"embed_{n}") for n, w in EMBEDDINGS.items()}
        self.trusts = {
            n: _Embedding(k * CONFIDENCES, CONFIDENCE_WIDTH, dtype=own, name=f"trust_{n}") for n, k in GUESSES.items()
        }
        self.gains = {
            n: _Embedding(k * CONFIDENCES, 1, embeddings_initializer="zeros", dtype="float32", name=f"gain_{n}")
            for n, k in GUESSES.items()
        }
        self.intervals = _Embedding(
            INTERVALS,
            INTERVAL_TABLES * len(ears.COUNTS),
            embeddings_initializer="zeros",
            dtype="float32",
            name="intervals",
        )
        self.enter = _Dense(recipe["width"], dtype=own, name="enter")
        self.recurrent = [LSTM(recipe["width"], dtype=own, name=f"lstm_{i}") for i in range(recipe["layers"])]
        self.above = _Dense(len(HEADS) * recipe["head"], use_bias=False, dtype=own, name="above")
        self.hidden = {n: _Dense(recipe["head"], dtype=own, name=f"hidden_{n}") for n in events.FIELDS}
        self.outputs_of = {
            n: _Dense(events.SIZES[n] + GUESSES[n] + EXTRA_SCORES[n], dtype="float32", name=f"out_{n}")
            for n in events.FIELDS
        }
        self.drop = layers.Dropout(recipe["dropout"], dtype="float32", name="drop")  # for its seeds: rates are inputs

    def reseed(self, seed: int, epoch: int) -> None:
        """Seed dropout from these two numbers only."""
        if self.recipe["dropout"]:
            self.drop.seed_generator.state.assign(ops.convert_to_tensor([seed % 2**32, epoch], "uint32"))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "recipe": self.recipe, "series": self.series, "games": self.games}

    def build(self, input_shape: Any = None) -> None:
        """Create the weights; shapes follow from the recipe, not from the input."""
        width, head = self.recipe["width"], self.recipe["head"]
        for layer in (*self.embeddings.values(), *self.trusts.values(), *self.gains.values(), self.intervals):
            layer.build((None, None))
        self.enter.build((None, None, inputs_width(ENTERING)))
        for layer in self.recurrent:
            layer.build((None, None, width))
        self.above.build((None, None, width))
        for name, beside in HEADS.items():
            self.hidden[name].build((None, None, inputs_width(beside)))
            self.outputs_of[name].build((None, None, head))
        self.carried = [
            self.add_weight((self.recipe["batch"], width), initializer="zeros", trainable=False, name=f"carried_{i}")
            for i in range(2 * len(self.recurrent))
        ]
        self.built = True

    def call(self, inputs: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Return the logits of each field of every note but the first."""
        rows, style = inputs["events"], inputs["style"]
        windows, width = style.shape[0], self.recipe["width"]
        if training:
            stays = 1 - inputs["fresh"][:, None]
            states = [ops.convert_to_tensor(value) * stays for value in self.carried]
        else:
            states = [ops.zeros((windows, width), "float32") for _ in self.carried]
        widths = [width] * (1 + len(self.recurrent)) + [self.recipe["head"]] * len(HEADS)
        is_dropping = training and self.recipe["dropout"] > 0
        masks = [self._dropout_mask(inputs["dropout"], size) for size in widths] if is_dropping else []
        count = lanes() if training and windows % lanes() == 0 else 1
        of_lanes = zip(*(ops.split(array, count) for array in (rows, style, *states, *masks)), strict=True)
        parts = [
            self._forward_lane(events, styles, both[: len(states)], both[len(states) :])
            for events, styles, *both in of_lanes
        ]
        if training:
            for variable, *after in zip(self.carried, *(part[1] for part in parts), strict=True):
                variable.assign(ops.concatenate(after, axis=0))
        return {n: ops.swapaxes(ops.concatenate([part[0][n] for part in parts], axis=1), 0, 1) for n in HEADS}

    def _dropout_mask(self, rate: Any, width: int) -> Any:
        """Return the mask of each unit of windows with these rates, the same for all notes: 0, or 1 or slightly above."""
        kept = 1 - ops.cast(rate, "float32")[:, None]  # Keras gives it in the compute type
        drawn = keras.random.uniform((rate.shape[0], width), seed=self.drop.seed_generator)
        return ops.cast(ops.cast(drawn < kept, "float32") / kept, self.compute_dtype)

    def _forward_lane(
        self, rows: Any, style: Any, states: list[Any], masks: list[Any]
    ) -> tuple[dict[str, Any], list[Any]]:
        """Return the logits and last states of one lane, as arrays [notes, windows, ...].

        The columns of rows are taken apart once: a slice is four operations in TensorFlow.
        """
        factors = iter(masks) if masks else repeat(1)
        now, last = (ops.unstack(ops.transpose(part, (2, 1, 0))) for part in (rows[:, 1:], rows[:, :-1]))
        heard = scores_of.heard_counts(now)
        inputs = self._network_inputs(now, last, heard, style)
        state = self.enter(ops.concatenate([inputs[n] for n in ENTERING], axis=-1)) * next(factors)
        after: list[Any] = []
        for i, layer in enumerate(self.recurrent):
            state, ended = layer(state, tuple(states[2 * i : 2 * i + 2]))
            state = state * next(factors)
            after += ended
        logits = {}
        for (name, beside), above in zip(HEADS.items(), ops.split(self.above(state), len(HEADS), axis=-1), strict=True):
            hidden = ops.relu(above + self.hidden[name](ops.concatenate([inputs[n] for n in beside], axis=-1)))
            scores = self.outputs_of[name](hidden * next(factors))
            logits[name] = self._add_scores(name, scores, now, last, heard)
        return logits, after

    def _network_inputs(self, now: list[Any], last: list[Any], heard: dict[str, Any], style: Any) -> dict[str, Any]:
        """Return all inputs by name.

        What is known of the last note, the guesses at the current one, and its fields.
        """
        own = self.compute_dtype
        inputs = self._embed([*now, *last])
        known = {n: ops.unstack(ops.cast(ops.stack(now[encoding.CONFIDENCE[n]]) > 0, own)) for n in GUESSES}
        for name in ("next_pitch", "next_duration"):
            inputs[name] = inputs[name] * known["time"][0][..., None]
        for name, count in GUESSES.items():
            inputs[f"guess_{name}"] = inputs[f"guess_{name}"] * known[name][0][..., None]
            embedded = self.trusts[name](_confidences(now, name))
            inputs[f"trust_{name}"] = ops.reshape(embedded, (*ops.shape(now[0]), count * CONFIDENCE_WIDTH))
            (a, b), (known_a, known_b) = (
                [ops.stack([values[pair[end]] for pair in _PAIRS[name]], axis=-1) for end in (0, 1)]
                for values in (now[encoding.GUESS[name]], known[name])
            )
            inputs[f"agree_{name}"] = ops.cast(a == b, own) * known_a * known_b
        for column in plan_columns.CHROMA:
            has = in_chroma(now[encoding.PLANNED.start + column][..., None], np.arange(12, dtype="int32"))
            inputs[[*plan_columns.INPUTS][column]] = ops.cast(has, own)
        table = ops.cast(self.embeddings["heard"].embeddings, own)
        for name, counts in heard.items():
            inputs[f"{name}_heard"] = ops.matmul(ops.cast(counts, own), table)
        sounding = ops.sum(ops.cast(ops.stack(now[encoding.SOUNDING]) > 0, "int32"), axis=0)
        inputs["sounding_voices"] = self.embeddings["voices"](sounding)
        inputs["tones"] = ops.cast(scores_of.tones(now), own)
        for name, numbers in zip(("series", "game"), ops.unstack(style, axis=1), strict=True):
            embedding = self.embeddings[name](numbers)
            inputs[name] = ops.repeat(embedding[None], ops.shape(now[0])[0], axis=0)
        return inputs

    def _embed(self, columns: list[Any]) -> dict[str, Any]:
        """Return the embeddings of the columns of COLUMNS_OF, by input.

        Tables of the same width are read together as one, because reading is ten operations in TensorFlow.
        """
        found: dict[str, Any] = {}
        for width, read in COLUMNS_OF.items():
            tables = {table: self.embeddings[table] for table, _, _ in read}
            starts = dict(zip(tables, np.cumsum([0, *(table.input_dim for table in tables.values())]), strict=False))
            joint = ops.cast(ops.concatenate([table.embeddings for table in tables.values()]), "float32")
            first = np.array([starts[table] for table, _, _ in read], "int32")[:, None, None]
            # reshaped, so that its gradient is added up, in float32, before it is taken apart again
            rows = ops.stack([columns[at] for *_, at in read]) + first
            embedded = ops.cast(ops.take(ops.reshape(joint, (-1, width)), rows, axis=0), self.compute_dtype)
            found |= dict(zip((name for _, name, _ in read), ops.unstack(embedded), strict=True))
        return found

    def _add_scores(self, name: str, scores: Any, now: list[Any], last: list[Any], heard: dict[str, Any]) -> Any:
        """Return logits: class scores plus the gain of each guess on its class, and what EXTRA_SCORES adds.

        The gain of a guess depends on the scores and on the guess's confidence.
        """
        own, classes, count = self.compute_dtype, events.SIZES[name], GUESSES[name]
        known = self.gains[name](_confidences(now, name))[..., 0]
        logits, gain, extra = ops.split(scores, [classes, classes + count], axis=-1)
        gain = (gain + known) * ops.cast(ops.stack(now[encoding.CONFIDENCE[name]], axis=-1) > 0, "float32")
        for guess, of_guess in zip(now[encoding.GUESS[name]], ops.split(gain, count, axis=-1), strict=True):
            logits = logits + of_guess * ops.one_hot(guess, classes, dtype="float32")
        if name == "pitch":
            ends = np.cumsum([2, 12, RANGE_FEATURES, HAND_FEATURES, CHROMA_FEATURES]).tolist()
            tones, degrees, ranges, hands, chroma, intervals = ops.split(extra, ends, axis=-1)
            logits = logits + scores_of.tone_scores(tones, now)
            logits = logits + scores_of.interval_scores(intervals, heard, self.intervals.embeddings, own)
            logits = logits + scores_of.degree_scores(degrees, now, own) + scores_of.range_scores(ranges, now)
            return logits + scores_of.chroma_scores(chroma, now) + scores_of.hand_scores(hands, now)
        if name == "time":
            ends = np.cumsum([PLACE_SCORES, RELEASE_FEATURES, VALUE_FEATURES[name]]).tolist()
            places, releases, values, chord = ops.split(extra, ends, axis=-1)
            logits = logits + scores_of.value_scores(values, now, name)
            logits = logits + scores_of.place_scores(places, last[events.PLACE], last, own)
            return logits + scores_of.release_scores(releases, now) + scores_of.chord_scores(chord, now, last)
        if name == "duration":
            places, values = ops.split(extra, [PLACE_SCORES], axis=-1)
            logits = logits + scores_of.value_scores(values, now, name)
            return logits + scores_of.place_scores(places, now[events.PLACE], last, own)
        return logits

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Return the mean bits per note, summed over the four fields.

        Only notes where the mask [batch, notes] is 1 count.
        """
        total = 0.0
        for column, name in enumerate(events.FIELDS):
            total += ops.sum(
                sample_weight
                * keras.losses.sparse_categorical_crossentropy(y[..., column], y_pred[name], from_logits=True)
            )
        return total / ops.maximum(ops.sum(sample_weight), 1.0) / ops.log(2.0)


def _confidences(now: list[Any], name: str) -> Any:
    """Return the row of each confidence in the guesses at a field, [notes, windows, guesses]."""
    first = np.arange(GUESSES[name], dtype="int32") * CONFIDENCES
    return ops.stack(now[encoding.CONFIDENCE[name]], axis=-1) + first


def arrays(network: NoteLSTM) -> dict[str, Any]:
    """Return the weights as float32 arrays by name, such as `lstm_0/kernel`.

    `inference.py` takes them.
    """
    return {name: np.asarray(ops.convert_to_numpy(weight), np.float32) for name, weight in _named(network)}


def assign(network: NoteLSTM, named: dict[str, Any]) -> None:
    """Set the weights of a built network from arrays by name.

    Style rows beyond those of `named` keep their initial values.
    """
    for name, weight in _named(network):
        value = np.array(ops.convert_to_numpy(weight), np.float32)
        value[: len(named[name])] = named[name]
        weight.assign(value)


def _named(network: NoteLSTM) -> Iterator[tuple[str, Any]]:
    for layer in network.layers:
        for weight in layer.trainable_weights:
            yield f"{layer.name}/{weight.name}", weight
