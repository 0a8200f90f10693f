"""The content of run.json: training request, and SHA-256 of the run's files."""

from dataclasses import dataclass

from catalog.storage.reading import Above0, Count, Positive, Sha256
from training.recipe import Keep


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRequest:
    """The training request of a run."""

    corpus: str  # name or path of the corpus
    corpus_hash: Sha256  # SHA-256 of its notes.parquet
    query: str  # of the corpus
    seed: Count  # of weights, batches and samples
    minutes: Above0 | None  # the budget in minutes, or None
    epochs: Positive | None  # the budget in epochs, or None
    init: str | None = None  # the run whose weights it starts from
    keep: Keep | None = None  # which epoch's weights are kept; None: the recipe's default
    max_copy: Count = 24  # of the samples that `train` writes


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """The content of run.json."""

    files: dict[str, Sha256]
    asked: TrainingRequest
