"""Geometry of training curves: figures over time to positions from 0 to 100.

Pure; the templates draw them as SVG. As in `dataset.report.charts`, shapes are stretched to the available width and
labels are HTML around them.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

TICKS = 5  # about this many per axis
STEPS = ((1.5, 1), (3.5, 2), (7.5, 5), (math.inf, 10))  # (upper bound, rounded step)
MAX_RANGE_RATIO = 4.0  # values above this multiple of the third quartile, measured from the lowest, are cut off
MAX_SECONDS_UNIT = 120.0  # shorter trainings are shown in seconds

ToPercent = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Tick:
    """A tick of an axis: position, 0 to 100 from left or bottom, and label."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Curve:
    """One curve: name, points for SVG (y downwards), and last value.

    `dots` are its points if it has not one at each time.
    """

    name: str
    points: str
    last: float
    dots: tuple["Mark", ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """A highlighted point, 0 to 100 from left and from bottom."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Band:
    """A value that does not change, with the interval that it lies in: 0 to 100 from the bottom."""

    low: float
    middle: float
    high: float


@dataclass(frozen=True, slots=True)
class Plot:
    """Curves over time; `cut` if some values lie above the plot."""

    lines: tuple[Curve, ...]
    band: Band | None
    x: tuple[Tick, ...]
    y: tuple[Tick, ...]
    x_unit: str
    cut: bool
    mark: Mark | None


def plot(
    seconds: Sequence[float],
    series: Mapping[str, Sequence[float]],
    mark: tuple[int, float] | None = None,
    *,
    band: Sequence[float] = (),
    from_zero: bool = False,
) -> Plot | None:
    """Return the curves of `series`, or None if there are no values.

    Each series is as long as `seconds`, with NaN for missing values. `mark` is an index and a value to highlight, and
    `band` low, middle and high of a value beside them. Plots `from_zero` show all values; others leave out very high
    ones.
    """
    columns = {name: np.asarray(values, float) for name, values in series.items() if np.isfinite(values).any()}
    if not columns:
        return None
    unit, scale = ("seconds", 1.0) if seconds[-1] < MAX_SECONDS_UNIT else ("minutes", 60.0)
    times = np.asarray(seconds, float) / scale
    together = np.concatenate([np.asarray(band, float), *(values[np.isfinite(values)] for values in columns.values())])
    low, high, cut = (0.0, 1.06 * float(together.max()) or 1.0, False) if from_zero else _range(together)
    x_ticks, y_ticks = ticks(0.0, float(times[-1])), ticks(low, high)
    right = float(times[-1]) or 1.0

    def x_of(value: float) -> float:
        return round(value / right * 100, 2)

    def y_of(value: float) -> float:
        return round((value - low) / (high - low) * 100, 2)

    return Plot(
        tuple(_curve(name, times, values, x_of, y_of) for name, values in columns.items()),
        Band(*map(y_of, band)) if band else None,
        tuple(Tick(x_of(value), label) for value, label in zip(x_ticks, labels(x_ticks), strict=True)),
        tuple(Tick(y_of(value), label) for value, label in zip(y_ticks, labels(y_ticks), strict=True)),
        unit,
        cut,
        Mark(x_of(float(times[mark[0]])), y_of(mark[1])) if mark is not None else None,
    )


def ticks(low: float, high: float) -> list[float]:
    """Return about TICKS round numbers from `low` to `high`.

    The step is 1, 2 or 5 times a power of ten.
    """
    if not high > low:
        return [low]
    rough = (high - low) / TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(factor for most, factor in STEPS if rough / power < most)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 10) for number in range(first, last + 1)]


def labels(values: Sequence[float]) -> list[str]:
    """Return the labels of numbers on an axis, all with the same number of decimals."""
    decimals = max(
        (len(f"{value:.10g}".partition(".")[2]) for value in values if "e" not in f"{value:.10g}"), default=0
    )
    return [f"{value:.{decimals}f}" for value in values]


def _range(values: npt.NDArray[np.float64]) -> tuple[float, float, bool]:
    """Return the lowest and highest value to show, and whether higher ones are cut.

    The first epoch is often far above the others.
    """
    low, most = float(values.min()), float(values.max())
    high = low + MAX_RANGE_RATIO * (float(np.quantile(values, 0.75)) - low)
    cut = low < high < most
    high = high if cut else most
    room = 0.06 * (high - low) or max(0.05 * abs(low), 0.01)
    return low - room, high + (0 if cut else room), cut


def _curve(
    name: str, times: npt.NDArray[np.float64], values: npt.NDArray[np.float64], x_of: ToPercent, y_of: ToPercent
) -> Curve:
    known = np.isfinite(values)
    places = [Mark(x_of(x), y_of(y)) for x, y in zip(times[known].tolist(), values[known].tolist(), strict=True)]
    points = " ".join(f"{place.x:g},{100 - place.y:g}" for place in places)
    return Curve(name, points, float(values[known][-1]), () if known.all() and len(places) > 1 else tuple(places))
