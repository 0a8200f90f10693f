"""Settings of the recipe `note-lstm`, and the figures of one training epoch."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from catalog.storage.reading import Above0, Count, Finite, NotNegative, Share
from training.recipe import Dropout, Epochs, Layers, Minutes, Notes, Recipe, Semitones, Terms, Units


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochRow:
    """Figures of one epoch: a row of metrics.csv. Losses are in bits per note.

    Epoch 0 is the weights that a run starts from, of a base or of --init, before any training.
    """

    epoch: Count  # from 1; 0 for the weights that the run starts from
    seconds: Finite  # of training since the run began
    notes_per_second: Finite | None = None  # trained on in this epoch; None for epoch 0
    learning_rate: Finite | None = None  # at its end; None for epoch 0
    train_bits: Finite | None = None  # bits per note on the training pieces during training, with dropout
    validation_bits: Finite  # bits per note on the validation pieces, all four fields together
    time: Finite  # part of validation_bits: time since the last onset
    pitch: Finite  # part of validation_bits: pitch given time
    duration: Finite  # part of validation_bits: duration given time and pitch
    velocity: Finite  # part of validation_bits: velocity given the other three
    copied: Share | None = None  # share of the notes of short drafts in copied passages; None if not measured


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteLSTMRecipe(Recipe):
    """The note-level network: one LSTM step per note and a factorised output.

    Repeat models and style are inputs.
    """

    row: ClassVar[type[EpochRow]] = EpochRow
    nearly_best: ClassVar[float] = 0.15  # later epochs compose better: see docs/training.md
    terms: ClassVar[Terms] = Terms(
        train="train_bits",
        held="validation_bits",
        unit="bits per note",
        speed="notes_per_second",
        speed_unit="notes per second",
        fields=("time", "pitch", "duration", "velocity"),
        meaning="Bits per note measure how unexpected the next note of a held-out piece is, all four fields together. Lower is "
        "better; one bit less means twice the probability.",
    )
    kind: Literal["note-lstm"] = "note-lstm"  # which recipe this is
    width: Units = 384  # units of each LSTM layer
    layers: Layers = 2  # LSTM layers
    head: Units = 256  # hidden units of each of the four outputs
    dropout: Dropout = 0.1  # share of activations dropped, 0–1; less in short trainings
    style_dropout: Share = 0.1  # share of windows trained without series or game, which makes the style optional
    plan_dropout: Share = 0.55  # share of pieces without their plan at first; less in short trainings
    last_plan_dropout: Share = 0.0  # and at the end; in between, it changes with the share of the budget that is used
    slips: Share = 0.5  # share of pieces with wrong notes, which are read but not learned; none in short trainings
    batch: Units = 256  # windows per step
    window: Units = 8  # notes per window; the state is carried from window to window
    epoch_notes: Notes = 65_536  # minimum notes per epoch; the training pieces are repeated to reach it
    learning_rate: Above0 = 8e-3  # peak, after the warm-up; lower in short trainings
    weight_decay: NotNegative = 0.25  # of the matrices between layers, per step times the learning rate
    warmup: Epochs = 50  # steps of the warm-up
    transpose: Semitones = 6  # pieces are transposed by -transpose+1 … transpose semitones, randomly in each epoch
    validation_notes: Notes = 24_576  # validate on about this many notes after each epoch, if there are more
    patience: Epochs = 12  # epochs without improvement before training stops
    minutes: Minutes = 10.0  # default budget
    precision: Literal["auto", "float32", "mixed_bfloat16"] = "auto"  # auto, float32 or mixed_bfloat16
