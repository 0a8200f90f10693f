"""The settings of the recipe `classic`, and what an epoch of its training is measured by."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from catalog.storage.reading import Above0, Count, Finite
from training.recipe import Dropout, Epochs, Keep, Layers, Recipe, Terms, Units


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassicRow:
    """What one epoch came to: a line of metrics.csv. Losses are categorical cross-entropies in nats per token."""

    epoch: Count  # from 1
    seconds: Finite  # of training since the run began
    tokens_per_second: Finite  # tokens learnt, which is one a window
    train_loss: Finite  # the mean over the epoch's windows as they were learnt, dropout on: what the original watched
    validation_loss: Finite | None  # None where the split has no window of known tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassicRecipe(Recipe):
    """The original experiment of 2018, whole: music21 tokens, three LSTMs, one predicted token a window."""

    row: ClassVar[type[ClassicRow]] = ClassicRow
    terms: ClassVar[Terms] = Terms(
        train="train_loss",
        held="validation_loss",
        unit="nats per token",
        speed="tokens_per_second",
        speed_unit="tokens a second",
        decimals=4,
        shows_training=True,
    )
    keep: ClassVar[Keep] = "training"  # what the original watched
    kind: Literal["classic"] = "classic"  # which recipe this is
    width: Units = 512  # units of each LSTM layer
    layers: Layers = 3  # LSTM layers
    dense: Units = 256  # units of the layer before the output
    dropout: Dropout = 0.5  # share of activations dropped, 0–1
    batch: Units = 32  # windows a step
    window: Units = 100  # tokens of which the next one is predicted
    epochs: Epochs = 250  # budget where none is given
    sample_tokens: Units = 500  # length of a sample
    sample_step: Above0 = 0.5  # quarter notes from one token to the next
