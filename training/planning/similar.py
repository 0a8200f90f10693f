"""Which training pieces are most like a beginning, or like any of some pieces, by their plans. Pure NumPy.

In: plans, or the openings of training pieces. Out: the numbers of plans, or pieces in the order in which they are followed.

Compared are the means of what plans say of texture, lines and loudness, and how often each note value occurs, in standard
deviations of the pieces. Both count alike.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from training.events import character
from training.events.plans import Plan
from training.events.vocabulary import Opening

BARS = 48
"""First bars in which whole pieces are compared."""

NEAR_TIMES, NEAR_LEAST = 2, 64
"""Other pieces that are followed when a style has no more: times as many as it has, and how many at least."""

LEAST_SPREAD = 0.05
"""Standard deviation, at least, in which differences are counted."""
MOST_SPREADS = 4
"""Standard deviations that a difference counts, at most."""

_COMPARED = (
    *("onsets", "notes", "density", "voices", "right_sustain", "left_sustain", "right_length", "left_length"),
    *("repeats", "steps", "runs", "loudness", "accents", "right_detached", "right_overlapping", "left_detached"),
    *("left_overlapping", "semitones", "octaves", "triads", "fullness", "top_leaps", "bottom_repeats", "bottom_steps"),
    *("bottom_leaps", "width"),
)

Numbers = npt.NDArray[Any]


def nearest(beginning: Plan, pieces: Sequence[Plan], count: int) -> list[int]:
    """Return the numbers of the `count` pieces whose first bars are most like a beginning, the likest first."""
    distance = _distances([beginning], pieces, len(beginning))[0]
    order: list[int] = np.argsort(distance, kind="stable")[:count].tolist()
    return order


def in_turn(
    own: Sequence[Opening], others: Sequence[Opening], last: int, seed: Sequence[int]
) -> list[tuple[Opening, Opening]]:
    """Return the pieces whose forms the streams up to number `last` take in turn, each with a piece of `own` whose style it gets.

    They are `own` in a random order. If these are too few, NEAR_TIMES as many of `others` follow, at least NEAR_LEAST, those
    most like one of `own`, in a random order.
    """
    rng = np.random.default_rng(seed)
    pieces = [(own[at], own[at]) for at in rng.permutation(len(own))]
    if last < len(own) or not others:
        return pieces
    count = max(NEAR_LEAST, NEAR_TIMES * len(own))
    near = _nearest_to_any([piece.read_plan() for piece in own], [piece.read_plan() for piece in others], count)
    return pieces + [(others[near[at][0]], own[near[at][1]]) for at in rng.permutation(len(near))]


def _nearest_to_any(own: Sequence[Plan], others: Sequence[Plan], count: int) -> list[tuple[int, int]]:
    """Return the numbers of the `count` others that are most like any one of `own`, the likest first, each with that one's."""
    distances = _distances(own, others, BARS)
    likest = distances.argmin(axis=0)
    order = np.argsort(distances.min(axis=0), kind="stable")[:count]
    return [(at, int(likest[at])) for at in order.tolist()]


def _distances(own: Sequence[Plan], pieces: Sequence[Plan], bars: int) -> Numbers:
    """Return how unlike each of `own` is to each of `pieces` in its first bars, [own, pieces]."""
    found = np.zeros((len(own), len(pieces)))
    measures: tuple[Callable[[Plan, int], Numbers], ...] = (_means, _note_values)
    for of in measures:
        theirs = np.stack([of(piece, bars) for piece in pieces])
        spread = np.maximum(theirs.std(axis=0), LEAST_SPREAD)
        for at, plan in enumerate(own):
            found[at] += np.abs((theirs - of(plan, bars)) / spread).clip(max=MOST_SPREADS).mean(axis=1)
    return found


def _means(plan: Plan, bars: int) -> Numbers:
    """Return the mean of each of _COMPARED in the first bars of a plan."""
    known = {name: getattr(plan, name)[:bars] for name in _COMPARED[:-1]}
    known |= {"width": plan.top[:bars] - plan.bottom[:bars]}
    known |= {name: np.sqrt(known[name]) for name in ("onsets", "notes")}
    return np.array([known[name].mean() for name in _COMPARED])


def _note_values(plan: Plan, bars: int) -> Numbers:
    """Return in which share of the first bars of a plan each note value of times and durations occurs, or is common."""
    held = np.concatenate([plan.times[:bars], plan.durations[:bars]], axis=1)
    bits = held[..., None] >> np.arange(character.VALUE_BITS) & 1
    shares: Numbers = bits.reshape(len(held), -1).mean(axis=0)
    return shares
