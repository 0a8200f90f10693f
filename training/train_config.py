"""What `train` is asked for: on what, by which recipe, for how long; checked before anything is opened."""

from dataclasses import dataclass

from catalog.base.errors import UsageError
from catalog.base.names import validate_name
from training.recipe import Keep
from training.sampling.config import SamplingConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """What `train` was asked for."""

    query: str | None = None
    corpus: str | None = None
    recipe: str | None = None  # note-lstm, or the one of the run that is resumed
    minutes: float | None = None
    epochs: int | None = None
    name: str | None = None
    seed: int | None = None  # 0, or that of the run that is resumed
    resume: bool = False
    init: str | None = None
    keep: Keep | None = None
    max_copy: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be done."""
        if self.query is None and self.corpus is None and not (self.resume and self.name):
            raise UsageError("say what to train on: --query \"series == 'zelda'\", or --corpus NAME")
        if self.query is not None and self.corpus is not None:
            raise UsageError("--query and --corpus both say what to train on; give one")
        if self.minutes is not None and not 0 < self.minutes <= 100_000:
            raise UsageError("--minutes must be above 0")
        if self.epochs is not None and not 0 < self.epochs <= 1_000_000:
            raise UsageError("--epochs must be at least 1")
        if self.max_copy is not None:
            SamplingConfig(notes=2, max_copy=self.max_copy)  # refuses what no sampler takes
        if self.name is not None and not self.resume:
            validate_name(self.name, "run")
