"""The geometry of the plots: values in, places on an axis from 0 to 100 out. Pure; the templates draw it as SVG.

An own writer, since the page is the product: a plotting library's SVG knows no dark mode, holds times, and takes seconds to load.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BINS = 24
MAX_UNIT_BINS = 40  # whole numbers over no more than this get a bar each
LONG_TAIL_RATIO = 1.6  # where the largest value is this much beyond the 99th percentile, the last bar takes the rest

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Axis:
    """The values from `low` to `high`; `open_end` where some lie beyond and are drawn at the end.

    `first` and `last` are what to write below its ends: of whole numbers with a bar each, the numbers themselves.
    """

    low: float
    high: float
    bins: int
    open_end: bool
    first: float
    last: float

    def place(self, values: Values) -> Values:
        """Return where values lie, 0 to 100."""
        return np.clip((values - self.low) / (self.high - self.low) * 100, 0, 100)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a histogram: where it begins and how wide and high it is, 0 to 100 each; and how many values it stands for."""

    x: float
    width: float
    height: float
    count: int


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Of some values: how many there are, smallest, 5 %, 25 %, 50 %, 75 %, 95 %, largest."""

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
    """Return an axis for at least one value: `valid` where the range is small and fixed, else what the values take up."""
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
    """Return the bars of `values`, one a bin of the axis, the highest 100 high; every value is in one of them."""
    bins = np.minimum((along.place(values) / 100 * along.bins).astype(int), along.bins - 1)
    counts = np.bincount(bins, minlength=along.bins)
    width = 100 / along.bins
    return tuple(
        Bar(round(index * width, 2), round(width, 2), round(float(each) * 100 / counts.max(), 2), int(each))
        for index, each in enumerate(counts)
    )


@dataclass(frozen=True, slots=True)
class Box:
    """Where the quantiles of some values lie on an axis, 0 to 100."""

    p5: float
    p25: float
    median: float
    p75: float
    p95: float


def box(of: Quantiles, along: Axis) -> Box:
    """Return where a box plot of these quantiles lies on an axis."""
    places = along.place(np.array([of.p5, of.p25, of.median, of.p75, of.p95]))
    return Box(*(round(float(place), 2) for place in places))
