"""How far the training of a run is, the content of checkpoints/state.json; how long it may go on, and how it goes.

Pure records; `training.run` reads and writes them. What outlives one command stands here: the budget as it was last given, the precision
that was chosen, and of which epoch the run's samples are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from msgspec import Meta

from catalog.storage.reading import Above0, Count, NotNegative, Positive

Figures = dict[str, float | int | None]
"""One line of metrics.csv, by column."""
Checkpoint = Annotated[str, Meta(pattern=r"^epoch-[0-9]{4,9}\.keras\Z")]
"""The name of a file in checkpoints/."""
Sample = Annotated[str, Meta(pattern=r"^sample-[0-9]{1,9}\.mid\Z")]
"""The name of a file in samples/."""
Precision = Literal["float32", "mixed_bfloat16"]
"""The Keras policies that a network is trained under."""

BUDGET, NO_GAIN = "budget", "no gain"  # why training ends
OVERFITTING_RISE = (
    0.15  # bits or nats: validation this far above its best, while training still falls, is worth a warning
)


@dataclass(frozen=True, slots=True)
class Budget:
    """How long to train: minutes, or epochs, or both; whichever ends first."""

    minutes: float | None
    epochs: int | None

    def fraction_used(self, seconds: float, epochs: float) -> float:
        """Return the share of the budget that is used, 0–1."""
        by_time = seconds / (self.minutes * 60) if self.minutes else 0.0
        return min(1.0, max(by_time, epochs / self.epochs if self.epochs else 0.0))


@dataclass(frozen=True, slots=True)
class Step:
    """How training stands after a step."""

    epoch: int  # the one under way
    fraction_used: float  # share of the budget that is used, 0–1
    label: str  # what a progress bar says


@dataclass(slots=True, kw_only=True)
class Progress:
    """How far training is; `checkpoint` is the file that goes with it."""

    epoch: Count = 0  # the last one that ended
    step: Count = 0  # steps taken in all
    seconds: NotNegative = 0.0  # of training since the run began
    best_epoch: Count = 0  # the one whose weights are kept
    checkpoint: Checkpoint | None = None  # the file that `--resume` goes on from
    ended: str | None = None  # why training ended; None while it is under way
    minutes: Above0 | None = None  # the budget of time as it was last given, None where there is none
    epochs: Positive | None = None  # the budget of epochs as it was last given, None where there is none
    extended_at: Count = (
        0  # the epoch after which a run that had ended by no gain was extended: patience counts from it
    )
    precision: Precision | None = None  # of training, as it was chosen when the run began; None for recipe classic
    samples: list[Sample] = field(default_factory=list)  # the files in samples/ that `train` itself writes
    samples_epoch: Count = 0  # the epoch whose weights play them, 0 where there are none yet
    history: list[Figures] = field(default_factory=list)  # the lines of metrics.csv

    def is_within(self, minutes: float | None, epochs: int | None) -> bool:
        """Return whether this budget leaves anything to train."""
        by_time = minutes is None or self.seconds < minutes * 60
        return by_time and (epochs is None or self.epoch < epochs)

    def is_finished(self, minutes: float | None, epochs: int | None) -> bool:
        """Return whether training has ended and this budget does not extend it: it is the one that it had, or is used up."""
        if self.ended is None:
            return False
        return (minutes, epochs) == (self.minutes, self.epochs) or not self.is_within(minutes, epochs)

    def reopen(self, minutes: float | None, epochs: int | None) -> bool:
        """Go on under this budget; return whether anything changed that is to be saved before an epoch has ended."""
        extended = self.ended is not None or (minutes, epochs) != (self.minutes, self.epochs)
        is_new = not self.epoch and self.minutes is None and self.epochs is None
        if self.ended == NO_GAIN:
            self.extended_at = self.epoch
        self.ended, self.minutes, self.epochs = None, minutes, epochs
        return extended and not is_new

    def has_no_gain(self, patience: int) -> bool:
        """Return whether so many epochs have brought nothing better."""
        return self.epoch - max(self.best_epoch, self.extended_at) >= patience


def overfitting_warning(history: Sequence[Mapping[str, Any]], train: str, held: str) -> str | None:
    """Return a warning where validation has risen from its best while training went on falling, else None.

    `train` and `held` name the two columns of metrics.csv.
    """
    known = [row for row in history if row[held] is not None]
    if not known:
        return None
    best, last = min(known, key=lambda row: float(row[held])), known[-1]
    rise, fall = last[held] - best[held], best[train] - last[train]
    if last["epoch"] < best["epoch"] + 2 or rise < OVERFITTING_RISE or fall <= 0:
        return None
    return (
        f"{held} has risen by {rise:.2f} since epoch {best['epoch']} while {train} fell by {fall:.2f}: the network is learning "
        "these pieces by heart; more pieces, or fewer minutes, would help"
    )
