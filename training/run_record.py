"""What run.json holds: what a run was asked to do, and the SHA-256 of every file that it was made with."""

from dataclasses import dataclass

from catalog.storage.reading import Above0, Count, Positive, Sha256
from training.recipe import Keep


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRequest:
    """What the run was asked to do."""

    corpus: str  # the corpus's folder
    corpus_hash: Sha256  # SHA-256 of its notes.parquet
    query: str  # the corpus's
    seed: Count  # of weights, batches and samples
    minutes: Above0 | None  # the budget of time, None where there is none
    epochs: Positive | None  # the budget of epochs, None where there is none
    init: str | None = None  # the run whose weights it began from
    keep: Keep | None = None  # which epoch's weights; None: as the recipe does
    max_copy: Count = 24  # of the samples that `train` writes


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """The content of run.json."""

    files: dict[str, Sha256]
    asked: TrainingRequest
