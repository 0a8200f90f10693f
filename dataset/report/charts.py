"""The geometry of the plots: values to positions on an axis from 0 to 100. Pure.

The templates draw it as SVG. A plotting library's SVG has no dark mode, contains timestamps, and takes seconds to load.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BINS = 24
MAX_UNIT_BINS = 40  # integers over at most this range get one bar each
LONG_TAIL_RATIO = 1.6  # if the range is this many times that up to the 99th percentile, the last bar takes the rest

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis from `low` to `high`.

    With `open_end`, larger values are drawn at its end. `first` and `last` are its labels. For integers with one bar
    each they are the integers themselves.
    """

    low: float
    high: float
    bins: int
    open_end: bool
    first: float
    last: float

    def place(self, values: Values) -> Values:
        """Return the positions of values, 0 to 100."""
        return np.clip((values - self.low) / (self.high - self.low) * 100, 0, 100)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a histogram: position, width and height, 0 to 100, and count."""

    x: float
    width: float
    height: float
    count: int


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Count, minimum, 5, 25, 50, 75 and 95 % quantiles, and maximum of values."""

    count: int
    least: float
    p5: float
    p25: float
    median: float
    p75: float
    p95: float
    most: float


def quantiles(values: Values) -> Quantiles:
    """Return the quantiles (NumPy's linear ones) of at least one value."""
    return Quantiles(len(values), *(float(q) for q in np.quantile(values, [0, 0.05, 0.25, 0.5, 0.75, 0.95, 1])))


def axis(values: Values, *, whole: bool, valid: tuple[float, float] | None = None) -> Axis:
    """Return an axis for at least one value.

    It is `valid` if given, otherwise the range of the values.
    """
    if valid:
        return Axis(*valid, BINS, False, *valid)
    low, high = float(values.min()), float(values.max())
    tail = float(np.quantile(values, 0.99))
    open_end = tail > low and high - low > LONG_TAIL_RATIO * (tail - low)
    high = float(np.ceil(tail)) if open_end and whole else tail if open_end else high
    if (whole and high - low <= MAX_UNIT_BINS) or low == high:
        return Axis(low - 0.5, high + 0.5, round(high - low) + 1, open_end, low, high)
    return Axis(low, high, BINS, open_end, low, high)


def histogram(values: Values, along: Axis) -> tuple[Bar, ...]:
    """Return the bars of `values`, one per bin, the highest of height 100.

    Every value is in one of them.
    """
    bins = np.minimum((along.place(values) / 100 * along.bins).astype(int), along.bins - 1)
    counts = np.bincount(bins, minlength=along.bins)
    width = 100 / along.bins
    return tuple(
        Bar(round(index * width, 2), round(width, 2), round(float(each) * 100 / counts.max(), 2), int(each))
        for index, each in enumerate(counts)
    )


@dataclass(frozen=True, slots=True)
class Box:
    """Positions of quantiles on an axis, 0 to 100."""

    p5: float
    p25: float
    median: float
    p75: float
    p95: float


def box(of: Quantiles, along: Axis) -> Box:
    """Return the box plot of these quantiles on an axis."""
    places = along.place(np.array([of.p5, of.p25, of.median, of.p75, of.p95]))
    return Box(*(round(float(place), 2) for place in places))
