"""Progress of training, stored in checkpoints/state.json; budgets; overfitting.

Pure records; `training.run` reads and writes them. State that outlives one command is stored here: the latest budget,
the chosen precision, and the epoch that the run's samples belong to.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, cast

from msgspec import Meta

from catalog.storage.reading import Above0, Count, NotNegative, Positive

Figures = dict[str, float | int | None]
"""One row of metrics.csv, by column."""
Checkpoint = Annotated[str, Meta(pattern=r"^epoch-[0-9]{4,9}\.keras\Z")]
"""The name of a file in checkpoints/."""
Sample = Annotated[str, Meta(pattern=r"^sample-[0-9]{1,9}\.mid\Z")]
"""The name of a file in samples/."""
Precision = Literal["float32", "mixed_bfloat16"]
"""The Keras dtype policies for training."""

BUDGET, NO_GAIN = "budget", "no gain"  # why training ends
OVERFITTING_RISE = 0.15  # bits or nats: rise of validation above its best that causes a warning


@dataclass(frozen=True, slots=True)
class Budget:
    """How long to train: minutes, epochs, or both; whichever ends first."""

    minutes: float | None
    epochs: int | None

    def fraction_used(self, seconds: float, epochs: float) -> float:
        """Return the used fraction of the budget, 0–1."""
        by_time = seconds / (self.minutes * 60) if self.minutes else 0.0
        return min(1.0, max(by_time, epochs / self.epochs if self.epochs else 0.0))


@dataclass(frozen=True, slots=True)
class Step:
    """The state of training after a step."""

    epoch: int  # the current epoch, from 1
    fraction_used: float  # of the budget, 0–1
    label: str  # of a progress bar


@dataclass(slots=True, kw_only=True)
class Progress:
    """Progress of training; `checkpoint` is the file that belongs to it."""

    epoch: Count = 0  # the last finished epoch
    step: Count = 0  # total number of steps
    seconds: NotNegative = 0.0  # of training since the run began
    best_epoch: Count = 0  # the epoch whose weights are kept; 0 before the first, and for the weights it starts from
    checkpoint: Checkpoint | None = None  # the file that `--resume` continues from
    ended: str | None = None  # why training ended; None if it has not
    minutes: Above0 | None = None  # the latest budget in minutes, or None
    epochs: Positive | None = None  # the latest budget in epochs, or None
    extended_at: Count = 0  # epoch at which a run that ended by no gain was extended; patience counts from it
    precision: Precision | None = None  # of training, chosen when the run began; None for recipe classic
    samples: list[Sample] = field(default_factory=list)  # files in samples/ that `train` writes
    samples_epoch: Count = 0  # epoch whose weights composed them, 0 before the first
    history: list[Figures] = field(default_factory=list)  # rows of metrics.csv

    @property
    def keeps_start(self) -> bool:
        """Whether the weights that the run starts from are kept: no epoch was better."""
        return bool(self.history) and self.best_epoch == 0

    def is_within(self, minutes: float | None, epochs: int | None) -> bool:
        """Return whether this budget leaves anything to train."""
        by_time = minutes is None or self.seconds < minutes * 60
        return by_time and (epochs is None or self.epoch < epochs)

    def is_finished(self, minutes: float | None, epochs: int | None) -> bool:
        """Return whether training has ended and this budget does not extend it.

        It does not if it equals the latest budget or is used up.
        """
        if self.ended is None:
            return False
        return (minutes, epochs) == (self.minutes, self.epochs) or not self.is_within(minutes, epochs)

    def reopen(self, minutes: float | None, epochs: int | None) -> bool:
        """Continue under this budget; return whether the change must be saved at once."""
        extended = self.ended is not None or (minutes, epochs) != (self.minutes, self.epochs)
        is_new = not self.epoch and self.minutes is None and self.epochs is None
        if self.ended == NO_GAIN:
            self.extended_at = self.epoch
        self.ended, self.minutes, self.epochs = None, minutes, epochs
        return extended and not is_new

    def has_no_gain(self, patience: int, figure: str) -> bool:
        """Return whether the last `patience` epochs brought no improvement of `figure`, a column of metrics.csv."""
        known = {row["epoch"]: value for row in self.history if (value := row[figure]) is not None}
        best = cast(int, min(known, key=known.__getitem__, default=0))
        return self.epoch - max(best, self.extended_at) >= patience


def overfitting_warning(history: Sequence[Mapping[str, Any]], train: str, held: str) -> str | None:
    """Return a warning if validation rises while training still falls, else None.

    `train` and `held` name the two columns of metrics.csv.
    """
    known = [row for row in history if row[held] is not None and row[train] is not None]
    if not known:
        return None
    best, last = min(known, key=lambda row: float(row[held])), known[-1]
    rise, fall = last[held] - best[held], best[train] - last[train]
    if last["epoch"] < best["epoch"] + 2 or rise < OVERFITTING_RISE or fall <= 0:
        return None
    return (
        f"{held} has risen by {rise:.2f} since epoch {best['epoch']} while {train} fell by {fall:.2f}: the network is "
        "memorising these pieces; use more pieces or fewer minutes"
    )
