"""What every benchmark returns: figures, each measured several times; and how they are printed and kept.

A part of `make bench` is a module of this folder with `figures(setting)`: it gets where the input lies and how often to measure, and
returns a list of `Figure`. Those of one `part` and `what` are one comparison, ours being that of `who` OURS. `run.py` runs the parts.
"""

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OURS = "vgpiano"
MORE, LESS, NEITHER = "more", "less", ""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a part is given. `root` is a data root of the run's own with a catalog and the corpus `corpus`; it may be written to."""

    root: Path
    corpus: str
    scratch: Path  # an empty folder for what a part leaves for later parts
    rounds: int = 5
    minutes: float = 4.0  # of each training
    small: bool = False  # a trial: whatever can be made smaller is
    saved: Path | None = None  # a run that was trained before, on the same catalog


@dataclass(frozen=True, slots=True)
class Figure:
    """One quantity of one party, measured `len(values)` times in turns with the others'. `better` says whether more or less is."""

    part: str
    what: str
    who: str
    unit: str
    values: tuple[float, ...]
    better: str = NEITHER
    note: str = ""  # the peer's version, how many files it was given: whatever the number cannot say

    @property
    def median(self) -> float:
        """The median of the values."""
        return statistics.median(self.values)

    @property
    def spread(self) -> tuple[float, float]:
        """The least and the greatest value."""
        return min(self.values), max(self.values)

    def to_json(self) -> dict[str, Any]:
        """Return the figure with its median, least and most."""
        least, most = self.spread
        held = {name: getattr(self, name) for name in ("part", "what", "who", "unit", "better", "note")}
        return {**held, "values": list(self.values), "median": self.median, "least": least, "most": most}

    @classmethod
    def from_json(cls, held: dict[str, Any]) -> "Figure":
        """Return the figure that `to_json` gave."""
        names = ("part", "what", "who", "unit", "better", "note")
        return cls(**{name: held[name] for name in names}, values=tuple(held["values"]))


def in_turns(rounds: int, parties: dict[str, Callable[[], float]]) -> dict[str, tuple[float, ...]]:
    """Measure each party once a round, one after the other, so that a change of load falls on all; return its values."""
    found: dict[str, list[float]] = {name: [] for name in parties}
    for _ in range(rounds):
        for name, measure in parties.items():
            found[name].append(measure())
    return {name: tuple(values) for name, values in found.items()}


def seconds(work: Callable[[], object]) -> float:
    """Return the seconds that `work` takes by the clock on the wall."""
    since = time.perf_counter()
    work()
    return time.perf_counter() - since


def ratio(ours: Figure, theirs: Figure) -> float | None:
    """Return how many times better ours is than theirs; None where neither is better, or one is 0."""
    if not ours.better or not ours.median or not theirs.median:
        return None
    return ours.median / theirs.median if ours.better == MORE else theirs.median / ours.median


def number(value: float) -> str:
    """Return a figure to three digits that count: 9,140, 66.1, 2.68, 0.0712."""
    if value == 0 or abs(value) >= 1000:
        return f"{value:,.0f}"
    if abs(value) >= 100:
        return f"{value:.0f}"
    digits = 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    text = f"{value:.{digits}f}"
    return text if float(text) else f"{value:.1e}"


def spread(figure: Figure) -> str:
    """Return the median, with the least and the most where it was measured more than once: 66.1 (64.0–67.2)."""
    least, most = figure.spread
    middle = number(figure.median)
    return middle if len(figure.values) == 1 else f"{middle} ({number(least)}–{number(most)})"


def comparisons(figures: Iterable[Figure]) -> list[list[Figure]]:
    """Return the figures of each part and what together, in the order in which these first stand."""
    held: dict[tuple[str, str], list[Figure]] = {}
    for figure in figures:
        held.setdefault((figure.part, figure.what), []).append(figure)
    return list(held.values())


def rows(figures: Sequence[Figure]) -> list[str]:
    """Return the figures as lines of a Markdown table: what, who, figure, how many times better ours is, note."""
    lines = ["| what | who | figure | unit | ours is better by | note |", "|---|---|---|---|---|---|"]
    for together in comparisons(figures):
        ours = next((figure for figure in together if figure.who == OURS), None)
        for figure in together:
            times = ratio(ours, figure) if ours is not None and figure is not ours else None
            by = "" if times is None else f"{number(times)} ×"
            lines.append(f"| {figure.what} | {figure.who} | {spread(figure)} | {figure.unit} | {by} | {figure.note} |")
    return lines
