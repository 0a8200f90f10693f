"""`TrainConfig`: the settings of one training, checked before any file is opened."""

from dataclasses import dataclass

from catalog.base.errors import UsageError
from catalog.base.names import validate_name
from training.recipe import Keep
from training.sampling.config import SamplingConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """Settings of one training."""

    query: str | None = None
    corpus: str | None = None
    recipe: str | None = None  # default: note-lstm, or that of the resumed run
    minutes: float | None = None
    epochs: int | None = None
    name: str | None = None
    seed: int | None = None  # default: 0, or that of the resumed run
    resume: bool = False
    init: str | None = None
    from_scratch: bool = False  # without a base
    keep: Keep | None = None
    max_copy: int | None = None

    def __post_init__(self) -> None:
        """Check combinations and ranges. Raises UsageError."""
        if self.query is None and self.corpus is None and not (self.resume and self.name):
            raise UsageError("give what to train on: --query \"series == 'zelda'\", or --corpus NAME")
        if self.query is not None and self.corpus is not None:
            raise UsageError("--query and --corpus exclude each other; give one")
        if self.from_scratch and self.init is not None:
            raise UsageError("--from-scratch and --init exclude each other; give one")
        if self.minutes is not None and not 0 < self.minutes <= 100_000:
            raise UsageError("--minutes must be above 0")
        if self.epochs is not None and not 0 < self.epochs <= 1_000_000:
            raise UsageError("--epochs must be at least 1")
        if self.max_copy is not None:
            SamplingConfig(notes=2, max_copy=self.max_copy)  # checks the range
        if self.name is not None and not self.resume:
            validate_name(self.name, "run")
