"""`RunSummary`: what the files of a run say about settings, sources and training.

In: an opened run. Out: a record that a page can print. Values whose file is missing, in an older or unfinished run,
are empty. Figures are those of metrics.csv.
"""

import csv
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from catalog.base.console import clean
from catalog.base.errors import TrainingError
from dataset.corpus.manifest import Manifest
from training.novelty.training_index import IndexedPiece, TrainingIndex
from training.recipe import Terms
from training.run import CORPUS_FILE, Run

METRICS_FILE = "metrics.csv"

EpochFigures = Mapping[str, float]
"""An epoch's figures by column; NaN if not measured."""


@dataclass(frozen=True, slots=True)
class Best:
    """The lowest value of a column, and its epoch."""

    value: float
    epoch: int


@dataclass(frozen=True, slots=True)
class Maker:
    """A sequencer and the pieces taken from them: (game, titles).

    The name is None if the source names none.
    """

    name: str | None
    count: int
    games: Sequence[tuple[str, Sequence[str]]]


@dataclass(frozen=True)
class RunSummary:
    """A summary of a run, from its files."""

    run: Run
    terms: Terms
    rows: tuple[EpochFigures, ...]  # by epoch
    ended: str | None  # why training ended; None if unknown or not ended
    manifest: Manifest | None  # of the corpus
    pieces: tuple[IndexedPiece, ...]  # that it learned from; none where they cannot be read

    @classmethod
    def of(cls, run: Run, learned: TrainingIndex | None = None) -> "RunSummary":
        """Read the files of a run that was trained on `learned`, None if that is unknown.

        Raises TrainingError if metrics.csv is not a table of numbers.
        """
        pieces = () if learned is None else learned.pieces
        return cls(run, run.recipe.terms, _rows(run), run.progress().ended, _manifest(run), pieces)

    def figure(self, value: float) -> str:
        """Format a figure with the decimals of the recipe."""
        return f"{value:.{self.terms.decimals}f}"

    @property
    def best(self) -> Best | None:
        """The lowest validation figure, or None."""
        return self.lowest(self.terms.held)

    @property
    def best_loss(self) -> Best | None:
        """The lowest training figure, or None."""
        return self.lowest(self.terms.train)

    def lowest(self, column: str) -> Best | None:
        """Return the lowest value of a column and its first epoch."""
        known = [row for row in self.rows if not math.isnan(row.get(column, math.nan))]
        if not known:
            return None
        row = min(known, key=lambda row: row[column])
        return Best(row[column], int(row["epoch"]))

    @property
    def epochs(self) -> int:
        """Number of finished epochs."""
        return int(self.rows[-1]["epoch"]) if self.rows else 0

    @property
    def minutes(self) -> float:
        """Minutes of training so far."""
        return self.rows[-1]["seconds"] / 60 if self.rows else 0.0

    @property
    def speed(self) -> float | None:
        """Median training speed over the epochs, in `terms.speed_unit`; None before the first."""
        known = [row[self.terms.speed] for row in self.rows if not math.isnan(row[self.terms.speed])]
        return float(np.median(known)) if known else None

    @cached_property
    def makers(self) -> list[Maker]:
        """Sequencers of the training pieces, by name; unnamed ones last."""
        taken: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for piece in self.pieces:
            taken[clean(piece.sequencer)][clean(piece.game_title)].append(piece.title)
        names = sorted(taken, key=lambda text: (text == "", text.casefold(), text))
        return [Maker(n or None, sum(map(len, taken[n].values())), sorted(taken[n].items())) for n in names]

    @property
    def games(self) -> int:
        """The number of games that the training pieces come from."""
        return len({piece.game for piece in self.pieces})


def _rows(run: Run) -> tuple[EpochFigures, ...]:
    path = run.path / METRICS_FILE
    if not path.is_file():
        return ()
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return tuple(
                {name: float(value) if value else math.nan for name, value in row.items()}
                for row in csv.DictReader(file)
            )
    except (ValueError, TypeError) as error:
        raise TrainingError(
            f"{path}: not a table of numbers ({error}); continue training, which writes it again"
        ) from None


def _manifest(run: Run) -> Manifest | None:
    path = run.path / CORPUS_FILE
    if not path.is_file():
        return None
    run.check(CORPUS_FILE)
    return Manifest.read(path, fail=TrainingError, remedy="not the manifest of a corpus: train the run again")
