"""Endings of plans: the last bars, if they stand on the tonic. Pure NumPy."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from dataset.notes.key_estimate import MINOR, key_of_sets
from training.events.plans import Plan
from training.planning.plan_measures import unpacked

LAST = 2
"""Bars, at most, that a last chord may take."""

Numbers = npt.NDArray[Any]


class Key(NamedTuple):
    """The key of a plan."""

    tonic: int  # pitch class
    scale: int  # class of `character.SCALES`: 1 + tonic of the major scale

    @classmethod
    def of(cls, plan: Plan) -> "Key":
        """Return the key of a plan that has notes, by `dataset.notes.key_estimate`."""
        bars = np.flatnonzero(plan.chroma > 0)
        fifths, mode = key_of_sets(unpacked(plan.chroma[bars]), (plan.bottom[bars].astype(np.int64) - 1) % 12)
        major = 7 * fifths % 12
        return cls((major + 9) % 12 if mode == MINOR else major, 1 + major)


def last_bars(plan: Plan) -> Numbers:
    """Return the last bars with notes, at most LAST, that have one set of pitch classes and one lowest pitch class."""
    bars = np.flatnonzero(plan.chroma > 0)[-LAST:]
    low = plan.bottom[bars] % 12
    is_other = (plan.chroma[bars] != plan.chroma[bars[-1:]]) | (low != low[-1:])
    return bars[len(bars) - int(is_other[::-1].argmax()) if is_other.any() else 0 :]


def ends_on(plan: Plan, tonic: int) -> bool:
    """Return whether the lowest note of the last bar that has notes is of this pitch class."""
    return int(plan.bottom[last_bars(plan)[-1]] - 1) % 12 == tonic
