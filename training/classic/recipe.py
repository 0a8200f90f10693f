"""Settings of the recipe `classic`, and the figures of one training epoch."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from catalog.storage.reading import Above0, Count, Finite
from training.recipe import Dropout, Epochs, Keep, Layers, Recipe, Terms, Units


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassicRow:
    """Figures of one epoch: a row of metrics.csv.

    Losses are categorical cross-entropies in nats per token.
    """

    epoch: Count  # from 1
    seconds: Finite  # of training since the run began
    tokens_per_second: Finite  # tokens trained on, one per window
    train_loss: Finite  # mean over the epoch's windows during training, with dropout; the original watched this
    validation_loss: Finite | None  # None if the split has no window of known tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassicRecipe(Recipe):
    """Settings of the 2018 experiment: music21 tokens and three LSTM layers."""

    row: ClassVar[type[ClassicRow]] = ClassicRow
    terms: ClassVar[Terms] = Terms(
        train="train_loss",
        held="validation_loss",
        unit="nats per token",
        speed="tokens_per_second",
        speed_unit="tokens per second",
        decimals=4,
        shows_training=True,
    )
    keep: ClassVar[Keep] = "training"  # as in the original
    kind: Literal["classic"] = "classic"  # which recipe this is
    width: Units = 512  # units of each LSTM layer
    layers: Layers = 3  # LSTM layers
    dense: Units = 256  # units of the layer before the output
    dropout: Dropout = 0.5  # share of activations dropped, 0–1
    batch: Units = 32  # windows per step
    window: Units = 100  # tokens from which the next one is predicted
    epochs: Epochs = 250  # default budget
    sample_tokens: Units = 500  # length of a sample
    sample_step: Above0 = 0.5  # quarter notes from one token to the next
