"""The settings of the recipe `note-lstm`, and what an epoch of its training is measured by."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from catalog.storage.reading import Above0, Count, Finite, NotNegative, Share
from training.recipe import Dropout, Epochs, Layers, Minutes, Notes, Recipe, Semitones, Terms, Units


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochRow:
    """What one epoch came to: a line of metrics.csv. Losses are in bits per note."""

    epoch: Count  # from 1
    seconds: Finite  # of training since the run began
    notes_per_second: Finite  # learnt in this epoch
    learning_rate: Finite  # at its end
    train_bits: Finite  # bits per note on what was learnt, as it was learnt, dropout on
    validation_bits: Finite  # bits per note on the validation pieces, all four fields together
    time: Finite  # of these, for the time since the last onset
    pitch: Finite  # of these, for the pitch given the time
    duration: Finite  # of these, for the duration given both
    velocity: Finite  # of these, for the velocity given all three


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteLSTMRecipe(Recipe):
    """The note-level network: one LSTM step a note, a factorised output, the repeat model and the style as inputs."""

    row: ClassVar[type[EpochRow]] = EpochRow
    terms: ClassVar[Terms] = Terms(
        train="train_bits",
        held="validation_bits",
        unit="bits per note",
        speed="notes_per_second",
        speed_unit="notes a second",
        fields=("time", "pitch", "duration", "velocity"),
        meaning="Bits per note say how unexpected the next note of an unheard piece is, all four of its fields together: lower is "
        "better, and at one bit less it is thought twice as likely.",
    )
    kind: Literal["note-lstm"] = "note-lstm"  # which recipe this is
    width: Units = 384  # units of each LSTM layer
    layers: Layers = 2  # LSTM layers
    head: Units = 256  # hidden units of each of the four outputs
    dropout: Dropout = 0.2  # share of activations dropped, 0–1
    style_dropout: Share = 0.3  # share of windows trained without series or game, so that a style is optional
    batch: Units = 256  # windows a step
    window: Units = 8  # notes a window; what came before is remembered, the state goes on
    epoch_notes: Notes = 65_536  # an epoch is the training notes once, and again until it is at least so many
    learning_rate: Above0 = 4e-3  # the highest, after the warm-up
    weight_decay: NotNegative = 0.01  # of AdamW
    warmup: Epochs = 50  # steps in which the learning rate rises
    transpose: Semitones = 6  # a window is moved by -transpose+1 … transpose semitones, afresh each time
    validation_notes: Notes = (
        24_576  # pieces of about so many notes are validated on after an epoch, where there are more
    )
    patience: Epochs = 12  # epochs without a better validation before training stops
    minutes: Minutes = 10.0  # budget where none is given
    precision: Literal["auto", "float32", "mixed_bfloat16"] = "auto"  # auto, float32 or mixed_bfloat16
