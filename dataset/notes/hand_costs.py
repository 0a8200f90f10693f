"""Costs that `hand_estimate` adds up, in nats: constants, and their tables.

The lower the cost of a split, the likelier it is. Fitted as a conditional random field (Lafferty, McCallum and Pereira,
ICML 2001) over the splits, to the hands of 349 pieces of two piano tracks that are named as hands: the mean of two fits
to each half of the pieces. A table of costs is piecewise linear: by how much its slope changes, by where. What weighs
most is whether notes are of like lengths.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Table = NDArray[np.float64]


def _bends(values: ArrayLike, slopes: Mapping[int, float] | Mapping[float, float]) -> Table:
    """Return the cost of each value.

    `slopes` has by how much the slope changes, by where.
    """
    found = np.asarray(values, np.float64)
    return np.asarray(sum(slope * np.maximum(found - bend, 0.0) for bend, slope in slopes.items()), np.float64)


def _by_interval(*costs: tuple[int, float]) -> Table:
    """Return the cost of each interval, 0 to 127 semitones.

    `costs` are (widest, cost) in order; a unison has none.
    """
    table = np.zeros(INTERVALS.size)
    for widest, cost in reversed(costs):
        table[1 : widest + 1] = cost
    return table


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Costs of what the hands hold at a group of notes, or strike near it.

    `ticks` is 0 for what they hold, else how near.
    """

    ticks: int
    reach_left: Table  # by the semitones from a hand's lowest to its highest note
    reach_right: Table
    gap: Table  # by the semitones between the hands
    count_left: Table  # by the number of different pitches
    count_right: Table
    none_left: float  # where a hand has nothing to do
    none_right: float


@dataclass(frozen=True, slots=True)
class PieceCosts:
    """What a split costs by where it lies in all that the piece strikes."""

    shares: Mapping[float, float]
    means: Mapping[int, float]
    middles: Mapping[int, float]
    density: Mapping[int, float]  # by semitones to either side, for the share of the notes in there

    def share(self, below: ArrayLike) -> Table:
        """Return costs by the share of the piece's notes below a split."""
        return _bends(below, self.shares)

    def mean(self, above: ArrayLike) -> Table:
        """Return costs by the semitones from the mean pitch up to a split."""
        return _bends(above, self.means)

    def middle(self, above: ArrayLike) -> Table:
        """Return costs by the semitones from the middle of the pitches up to a split.

        It is the middle of their quartiles.
        """
        return _bends(above, self.middles)


SPLITS = np.arange(36, 85)  # the lowest pitches that a right hand may have: C2 to C6
INTERVALS = np.arange(128)
KNOWN = 4.0  # a note whose hand is known, on the other side of the split
HOME = _bends(
    SPLITS,
    {36: -0.008, 44: -0.008, 48: -0.006, 52: 0.0, 56: 0.011, 60: 0.023, 64: 0.028, 68: 0.027, 72: 0.012, 76: -0.009},
)

WINDOWS = (
    Window(
        ticks=0,
        reach_left=_bends(INTERVALS, {4: 0.019, 8: 0.025, 12: 0.035, 16: 0.028, 21: 0.023}),
        reach_right=_bends(INTERVALS, {4: 0.036, 8: 0.042, 12: 0.049, 16: 0.031, 21: 0.008}),
        gap=_bends(INTERVALS, {0: -0.036, 2: -0.029, 4: -0.023, 7: -0.017, 12: -0.028}),
        count_left=_bends(INTERVALS, {1: 0.02, 2: 0.069, 4: -0.012}),
        count_right=_bends(INTERVALS, {1: 0.087, 2: 0.121, 4: 0.064}),
        none_left=0.326,
        none_right=0.419,
    ),
    Window(
        ticks=12,
        reach_left=_bends(INTERVALS, {4: 0.0, 8: 0.011, 12: 0.017, 16: 0.006, 21: 0.002}),
        reach_right=_bends(INTERVALS, {4: 0.014, 8: 0.021, 12: 0.027, 16: 0.014, 21: -0.001}),
        gap=_bends(INTERVALS, {0: 0.005, 2: 0.003, 4: -0.001, 7: 0.0, 12: -0.01}),
        count_left=_bends(INTERVALS, {1: 0.015, 2: 0.07, 4: 0.108}),
        count_right=_bends(INTERVALS, {1: -0.022, 2: -0.014, 4: -0.016}),
        none_left=0.042,
        none_right=-0.214,
    ),
    Window(
        ticks=48,
        reach_left=_bends(INTERVALS, {4: -0.007, 8: 0.002, 12: 0.006, 16: 0.003, 21: -0.001}),
        reach_right=_bends(INTERVALS, {4: 0.011, 8: 0.014, 12: 0.014, 16: 0.006, 21: -0.007}),
        gap=_bends(INTERVALS, {0: 0.004, 2: 0.001, 4: -0.001, 7: -0.004, 12: -0.017}),
        count_left=_bends(INTERVALS, {1: 0.002, 2: 0.012, 4: 0.042}),
        count_right=_bends(INTERVALS, {1: -0.007, 2: -0.003, 4: 0.006}),
        none_left=-0.072,
        none_right=-0.153,
    ),
)

# a split between neighbours of a chord, and between a note and the nearest of one or two groups before, within a beat;
# first of unlike, then of like lengths
CHORD_CUT = np.stack(
    [
        _by_interval((2, -0.762), (4, -1.238), (7, -1.135), (12, -0.862), (127, -0.536)),
        _by_interval((2, -0.506), (4, 0.62), (7, 0.653), (12, 1.082), (127, -0.451)),
    ]
)
LINK_CUT = {
    1: np.stack(
        [
            _by_interval((2, -0.33), (5, -0.696), (9, -0.513), (14, -0.351), (127, -0.327)),
            _by_interval((2, 0.244), (5, 0.867), (9, 0.197), (14, 0.531), (127, 0.507)),
        ]
    ),
    2: np.stack(
        [
            _by_interval((2, -0.471), (5, -0.266), (9, -0.245), (14, -0.492), (127, -0.189)),
            _by_interval((2, -0.141), (5, 0.506), (9, 0.694), (14, 0.333), (127, 0.117)),
        ]
    ),
}
LINK_TICKS = 24

PIECE = PieceCosts(
    shares={0.2: -0.292, 0.35: -0.243, 0.5: -0.318, 0.65: -0.32, 0.8: -0.165},
    means={-6: 0.0, -3: 0.002, 0: 0.004, 3: 0.005, 6: 0.007},
    middles={-4: 0.003, 0: 0.005, 4: 0.007},
    density={2: 0.454, 4: 0.506, 7: 0.21},
)

STEP_TICKS = (4, 7, 13, 25, 49, 97)  # from how many ticks after the group before on the next cost holds
STEP = np.array([0.342, 0.831, 0.82, 0.713, 0.63, 0.366, 0.366], np.float32)  # a semitone by which the split moves
JUMP = np.array([6.942, 7.367, 7.446, 7.28, 7.022, 6.473, 6.892], np.float32)  # at most, however far
