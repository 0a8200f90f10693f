"""The sustain pedal (controller 64): when it is down, how long notes sound.

A channel's pedal is down from a value of 64 or more to a value below, on whatever track it stands. A note whose key is released while
the pedal is down sounds on until the pedal is lifted or the key is struck again.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

SUSTAIN = 64  # the controller's number
LEAST_DOWN = 64  # of its value

PedalInterval = tuple[int, int, int]
"""Pedal group, start and end in ticks: the group of channels whose notes the pedal holds."""


def down_intervals(ticks: Sequence[int], values: Sequence[int], end: int) -> list[tuple[int, int]]:
    """Return when a pedal is down, from its changes in order.

    A pedal that is never lifted is down until `end`.
    """
    found: list[tuple[int, int]] = []
    since: int | None = None
    for tick, value in zip(ticks, values, strict=True):
        if value >= LEAST_DOWN and since is None:
            since = tick
        elif value < LEAST_DOWN and since is not None:
            found.append((since, tick))
            since = None
    if since is not None:
        found.append((since, end))
    return [(start, stop) for start, stop in found if start < stop]


def sounding_end(
    onset: ArrayLike,
    end: ArrayLike,
    pitch: ArrayLike,
    group: ArrayLike,
    pedals: Sequence[PedalInterval],
    hand: ArrayLike,
) -> NDArray[np.int32]:
    """Return where each note stops to sound: int32[n], ticks.

    That is at or after the end of its key.

    onset, end, pitch, group, hand   [n], in order of onset; `group` says which intervals of `pedals` hold the note. A key that another
                                     hand strikes does not end a note: in a file each hand has a channel
    """
    onset, end, pitch, group, hand = (np.asarray(values, np.int64) for values in (onset, end, pitch, group, hand))
    sounding = end.copy()
    for number in sorted({interval[0] for interval in pedals}):
        mine = np.flatnonzero(group == number)
        if not mine.size:
            continue
        starts, stops = (np.array([each[side] for each in pedals if each[0] == number], np.int64) for side in (1, 2))
        place = np.searchsorted(starts, end[mine], side="right") - 1
        held = (place >= 0) & (end[mine] < stops[place]) & (starts[place] < end[mine])
        chosen = mine[held]
        sounding[chosen] = stops[place[held]]
        again = next_onset(onset[mine], (hand[mine] << 7) | pitch[mine])[held]
        sounding[chosen] = np.maximum(end[chosen], np.minimum(sounding[chosen], again))
    return sounding.astype(np.int32)


def next_onset(onset: NDArray[np.int64], key: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return when the key of each note is struck again, else a very large tick."""
    place = (key << 40) | onset
    ordered = np.sort(place)
    following = np.append(ordered, np.iinfo(np.int64).max)[np.searchsorted(ordered, place, side="right")]
    return np.where(following >> 40 == key, following & ((1 << 40) - 1), np.iinfo(np.int64).max)
