"""What a benchmark comes to: our value beside a peer's, each measured several times in the same run, with unit, spread, ratio and command.

A subject is a module of this folder with a function `figures(setting) -> list[Figure]`; `run.py` takes them one by one, each in a process
of its own, and writes what they return.
"""

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

TIMES = 5


@dataclass(frozen=True, slots=True)
class Setting:
    """What a subject measures on: a data root with a catalog and the corpus `corpus`, and a folder for what it makes."""

    root: Path
    corpus: str
    work: Path
    times: int = TIMES
    share: float = 1.0  # of the full size; below 1 the run only shows that all works


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the results: `ours` and `theirs` hold a value for each time it was measured."""

    id: str  # unique, such as "parse/music21"
    name: str  # what is measured, in words
    unit: str
    ours: tuple[float, ...]
    peer: str = ""  # package and version; empty where there is none
    theirs: tuple[float, ...] = ()
    better: Literal["higher", "lower"] = "lower"
    command: str = ""  # that measures this alone
    note: str = ""

    @property
    def median(self) -> float:
        """The median of ours."""
        return statistics.median(self.ours)

    @property
    def ratio(self) -> float | None:
        """How many times better our median is than the peer's; None without a peer, or where one is zero and nothing can be said."""
        return self._times_better(self.median, statistics.median(self.theirs)) if self.theirs else None

    @property
    def ratios(self) -> tuple[float, float] | None:
        """The lowest and the highest ratio of the times that were measured side by side."""
        pairs = [self._times_better(ours, theirs) for ours, theirs in zip(self.ours, self.theirs, strict=False)]
        known = [pair for pair in pairs if pair is not None]
        return (min(known), max(known)) if known and len(known) == len(pairs) else None

    def _times_better(self, ours: float, theirs: float) -> float | None:
        better, worse = (ours, theirs) if self.better == "lower" else (theirs, ours)
        return worse / better if better else None


def in_turn(
    times: int, ours: Callable[[], float], theirs: Callable[[], float]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Measure both in turn, so that what else the machine does meets both alike; each call returns its own value."""
    pairs = [(ours(), theirs()) for _ in range(times)]
    return tuple(a for a, _ in pairs), tuple(b for _, b in pairs)
