"""What the files of a run say of it: what it was asked, what it learned from and whose that was, and how training went.

In: an opened run; out: one record that a page can print. A run that lacks a file, for it is older or still young, lacks what the file
would tell, no more. Nothing is computed anew: the figures are those of metrics.csv.
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

Row = Mapping[str, float]
"""An epoch's figures by column; what was not measured is NaN."""


@dataclass(frozen=True, slots=True)
class Best:
    """The lowest value of a column, and its epoch."""

    value: float
    epoch: int


@dataclass(frozen=True, slots=True)
class Maker:
    """A sequencer, None where the source names none, with what was taken from them: (game, titles)."""

    name: str | None
    count: int
    games: Sequence[tuple[str, Sequence[str]]]


@dataclass(frozen=True)
class RunSummary:
    """A run as its files tell of it."""

    run: Run
    terms: Terms
    rows: tuple[Row, ...]  # by epoch
    ended: str | None  # why training ended; None where it did not, or nobody knows
    manifest: Manifest | None  # of the corpus
    pieces: tuple[IndexedPiece, ...]  # that it learned from; none where they cannot be read

    @classmethod
    def of(cls, run: Run, learned: TrainingIndex | None = None) -> "RunSummary":
        """Return the summary of a run that learned from `learned`, None if that is not known.

        Raises TrainingError where metrics.csv is no table of figures.
        """
        pieces = () if learned is None else learned.pieces
        return cls(run, run.recipe.terms, _rows(run), run.progress().ended, _manifest(run), pieces)

    def figure(self, value: float) -> str:
        """Return a figure with as many decimals as its recipe's have."""
        return f"{value:.{self.terms.decimals}f}"

    @property
    def best(self) -> Best | None:
        """The lowest validation figure, None where there is none."""
        return self.lowest(self.terms.held)

    @property
    def best_loss(self) -> Best | None:
        """The lowest training figure, None where there is none."""
        return self.lowest(self.terms.train)

    def lowest(self, column: str) -> Best | None:
        """Return the lowest value of a column and the first epoch that has it."""
        known = [row for row in self.rows if not math.isnan(row.get(column, math.nan))]
        if not known:
            return None
        row = min(known, key=lambda row: row[column])
        return Best(row[column], int(row["epoch"]))

    @property
    def epochs(self) -> int:
        """How many epochs are done."""
        return int(self.rows[-1]["epoch"]) if self.rows else 0

    @property
    def minutes(self) -> float:
        """Minutes of training so far."""
        return self.rows[-1]["seconds"] / 60 if self.rows else 0.0

    @property
    def speed(self) -> float | None:
        """What an epoch learned a second, the median, in `terms.speed_unit`."""
        return float(np.median([row[self.terms.speed] for row in self.rows])) if self.rows else None

    @cached_property
    def makers(self) -> list[Maker]:
        """Who made the pieces that it learned from, by name, the unnamed last."""
        taken: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for piece in self.pieces:
            taken[clean(piece.sequencer)][clean(piece.game_title)].append(piece.title)
        names = sorted(taken, key=lambda text: (text == "", text.casefold(), text))
        return [Maker(n or None, sum(map(len, taken[n].values())), sorted(taken[n].items())) for n in names]

    @property
    def games(self) -> int:
        """The number of games that its pieces come from."""
        return len({piece.game for piece in self.pieces})


def _rows(run: Run) -> tuple[Row, ...]:
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
            f"{path}: no table of figures ({error}); go on with training, which writes it anew"
        ) from None


def _manifest(run: Run) -> Manifest | None:
    path = run.path / CORPUS_FILE
    if not path.is_file():
        return None
    run.check(CORPUS_FILE)
    return Manifest.read(path, fail=TrainingError, remedy="not the manifest of a corpus: train the run again")
