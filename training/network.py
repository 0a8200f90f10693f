"""The note-level network in pure Keras 3: what is known of the last note goes in, an exact likelihood of the next note comes out.

The likelihood is factorised: time, then pitch given time, then duration given both, then velocity given all three. `inference.py`
computes the same function in NumPy; a test holds the two together.
"""

from collections.abc import Iterator
from typing import Any

import keras
from keras import layers, ops

from dataset.repeats import CONTEXTS
from training import events
from training.inference import EMBEDDINGS, GUESSED, HEADS
from training.recipe import NoteLSTMRecipe


@keras.saving.register_keras_serializable(package="vgpiano")
class NoteLSTM(keras.Model):  # type: ignore[misc]  # Keras has no types
    """Events [batch, notes + 1, 9] and style [batch, 2] to four arrays of logits [batch, notes, classes], one a field."""

    def __init__(self, recipe: dict[str, Any], series: int, games: int, **kwargs: Any) -> None:
        """Build for a recipe (as a mapping, so that it goes into the saved file) and the numbers of series and games."""
        super().__init__(**kwargs)
        self.recipe, self.series, self.games = recipe, series, games
        settings = NoteLSTMRecipe(**recipe)
        sizes = {
            **events.SIZES,
            "place": events.PLACES,
            "match": len(CONTEXTS) + 1,
            "series": series + 1,
            "game": games + 1,
        }
        self.embeddings = {n: layers.Embedding(sizes[n], w, name=f"embed_{n}") for n, w in EMBEDDINGS.items()}
        self.enter = layers.Dense(settings.width, name="enter")
        self.recurrent = [
            layers.LSTM(settings.width, return_sequences=True, name=f"lstm_{i}") for i in range(settings.layers)
        ]
        self.hidden = {n: layers.Dense(settings.head, activation="relu", name=f"hidden_{n}") for n in events.FIELDS}
        self.outputs_of = {
            n: layers.Dense(events.SIZES[n] + (n in GUESSED), dtype="float32", name=f"out_{n}") for n in events.FIELDS
        }
        self.drop = layers.Dropout(settings.dropout, name="drop")

    def reseed(self, seed: int, epoch: int) -> None:
        """Make what dropout draws in an epoch depend on nothing but these two numbers."""
        self.drop.seed_generator.state.assign(ops.convert_to_tensor([seed % 2**32, epoch], "uint32"))

    def get_config(self) -> dict[str, Any]:
        """Return what the constructor takes."""
        return {**super().get_config(), "recipe": self.recipe, "series": self.series, "games": self.games}

    def build(self, input_shape: Any = None) -> None:
        """Make the weights; the shapes follow from the recipe, not from the input."""
        width, head = self.recipe["width"], self.recipe["head"]
        widths = {**EMBEDDINGS, **{f"guess_{n}": EMBEDDINGS[n] for n in ("time", "pitch", "duration")}}
        for layer in self.embeddings.values():
            layer.build((None, None))
        entering = (*events.FIELDS, "place", "guess_time", "guess_pitch", "guess_duration", "match", "series", "game")
        self.enter.build((None, None, sum(widths[n] for n in entering)))
        for layer in self.recurrent:
            layer.build((None, None, width))
        for name, beside in HEADS.items():
            self.hidden[name].build((None, None, width + sum(widths[n] for n in beside)))
            self.outputs_of[name].build((None, None, head))
        self.built = True

    def call(self, inputs: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Return the logits of each field of every note but the first, given the notes before it."""
        rows, style = inputs["events"], inputs["style"]
        now, last = rows[:, 1:], rows[:, :-1]
        matched = ops.cast(now[..., events.MATCH :] > 0, self.compute_dtype)
        seen = {
            "time": self.embeddings["time"](now[..., events.TIME]),
            "pitch": self.embeddings["pitch"](now[..., events.PITCH]),
            "duration": self.embeddings["duration"](now[..., events.DURATION]),
            "place": self.embeddings["place"](now[..., events.PLACE]),
            "match": self.embeddings["match"](now[..., events.MATCH]),
            "guess_time": self.embeddings["time"](now[..., events.GUESS_TIME]) * matched,
            "guess_pitch": self.embeddings["pitch"](now[..., events.GUESS_PITCH]) * matched,
            "guess_duration": self.embeddings["duration"](now[..., events.GUESS_DURATION]) * matched,
        }
        known = [self.embeddings[n](last[..., i]) for i, n in enumerate((*events.FIELDS, "place"))]
        guess = [seen[n] for n in ("guess_time", "guess_pitch", "guess_duration", "match")]
        styles = ops.concatenate(
            [self.embeddings["series"](style[:, 0]), self.embeddings["game"](style[:, 1])], axis=-1
        )
        styles = ops.repeat(styles[:, None], ops.shape(now)[1], axis=1)
        state = self.drop(self.enter(ops.concatenate([*known, *guess, styles], axis=-1)), training=training)
        for layer in self.recurrent:
            state = self.drop(layer(state), training=training)
        logits = {}
        for name, beside in HEADS.items():
            hidden = self.hidden[name](ops.concatenate([state, *(seen[n] for n in beside)], axis=-1))
            scores = self.outputs_of[name](self.drop(hidden, training=training))
            if name in GUESSED:
                copied = ops.one_hot(now[..., GUESSED[name]], events.SIZES[name], dtype="float32")
                scores = scores[..., :-1] + scores[..., -1:] * copied * ops.cast(matched, "float32")
            logits[name] = scores
        return logits

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Return the mean bits a note over the notes that the mask [batch, notes] keeps: the sum over the four fields."""
        total = 0.0
        for column, name in enumerate(events.FIELDS):
            total += ops.sum(
                sample_weight
                * keras.losses.sparse_categorical_crossentropy(y[..., column], y_pred[name], from_logits=True)
            )
        return total / ops.maximum(ops.sum(sample_weight), 1.0) / ops.log(2.0)


def arrays(network: NoteLSTM) -> dict[str, Any]:
    """Return the network's weights as float32 arrays by name, such as `lstm_0/kernel`: what `inference.py` takes."""
    return {name: ops.convert_to_numpy(ops.cast(weight, "float32")) for name, weight in _named(network)}


def assign(network: NoteLSTM, named: dict[str, Any]) -> None:
    """Set the weights of a built network from arrays by name; style rows beyond those of `named` keep their first values."""
    for name, weight in _named(network):
        value = ops.convert_to_numpy(ops.cast(weight, "float32")).copy()
        value[: len(named[name])] = named[name]
        weight.assign(value)


def _named(network: NoteLSTM) -> Iterator[tuple[str, Any]]:
    for layer in network.layers:
        for weight in layer.trainable_weights:
            yield f"{layer.name}/{weight.name}", weight
