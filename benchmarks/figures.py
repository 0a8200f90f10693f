"""Benchmark results: our value beside a peer's, with unit, spread and ratio.

A subject is a module of this folder with a function `figures(setting) -> list[Figure]`. `run.py` runs each subject in
its own process and writes the results. Each value is measured several times in the same run.
"""

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

TIMES = 5


@dataclass(frozen=True, slots=True)
class Setting:
    """The input of a subject: a data root with the corpus `corpus`, a work folder."""

    root: Path
    corpus: str
    work: Path
    times: int = TIMES
    share: float = 1.0  # of the full size; below 1 the run is only a smoke test


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the results; `ours` and `theirs` have one value for each repeat."""

    id: str  # unique, such as "parse/music21"
    name: str  # what is measured, in words
    unit: str
    ours: tuple[float, ...]
    peer: str = ""  # package and version; empty where there is none
    theirs: tuple[float, ...] = ()
    better: Literal["higher", "lower"] = "lower"
    command: str = ""  # to measure only this
    note: str = ""

    @property
    def median(self) -> float:
        """The median of our values."""
        return statistics.median(self.ours)

    @property
    def ratio(self) -> float | None:
        """How many times better our median is; None without a peer or for a zero."""
        return self._times_better(self.median, statistics.median(self.theirs)) if self.theirs else None

    @property
    def ratios(self) -> tuple[float, float] | None:
        """The lowest and the highest ratio of values measured side by side."""
        pairs = [self._times_better(ours, theirs) for ours, theirs in zip(self.ours, self.theirs, strict=False)]
        known = [pair for pair in pairs if pair is not None]
        return (min(known), max(known)) if known and len(known) == len(pairs) else None

    def _times_better(self, ours: float, theirs: float) -> float | None:
        better, worse = (ours, theirs) if self.better == "lower" else (theirs, ours)
        return worse / better if better else None


def in_turn(
    times: int, ours: Callable[[], float], theirs: Callable[[], float]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Measure both alternately, so that other load affects both."""
    pairs = [(ours(), theirs()) for _ in range(times)]
    return tuple(a for a, _ in pairs), tuple(b for _, b in pairs)
