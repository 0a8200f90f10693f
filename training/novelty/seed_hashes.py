"""Hashes of seeds: notes in a row, by the intervals and times between them. Pure.

A seed is hashed step by step, so a longer one is found from the hash of a shorter one.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from training.events.fields import EDGES, to_class

SEED = 6  # notes
_BASE = np.uint64(0x9E3779B97F4A7C15)
_POWERS = _BASE ** np.arange(SEED, dtype=np.uint64)[::-1]

Numbers = npt.NDArray[Any]


def line_hashes(tick: Numbers, pitch: Numbers, ratio: float) -> tuple[Numbers, npt.NDArray[np.bool_]]:
    """Return the hash of the seed at each note, and whether it is complete, [n]; times are multiplied by `ratio`."""
    time = np.clip(np.diff(tick, prepend=tick[:1]) * ratio, 0, EDGES[-1])
    each, count = (
        hashed_steps(np.diff(pitch.astype(np.int64), prepend=pitch[:1]), to_class(time)),
        max(0, len(tick) - SEED + 1),
    )
    hashes, whole = np.zeros(len(tick), np.uint64), np.zeros(len(tick), bool)
    whole[:count] = True
    for step in range(1, SEED):
        hashes[:count] = extended(hashes[:count], each[step : step + count])
    return hashes, whole


def hashed_steps(interval: Numbers, time: Numbers) -> Numbers:
    """Return a 64-bit mix of steps between two notes (splitmix64, Steele et al. 2014): semitones and class of time."""
    mixed: Numbers = (1 + (interval.astype(np.int64) + 128) * len(EDGES) + time).astype(np.uint64)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0x94D049BB133111EB)
    return mixed


def hash_of(steps: Numbers) -> Numbers:
    """Return the hashes of hashed steps in a row, [..., steps], at most SEED, uint64 [...]."""
    hashes: Numbers = (steps * _POWERS[-steps.shape[-1] :]).sum(axis=-1)
    return hashes


def extended(hashes: Numbers, step: Numbers) -> Numbers:
    """Return the hashes of the same steps and one more."""
    longer: Numbers = hashes * _BASE + step
    return longer
