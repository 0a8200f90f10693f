"""For every note, find where the preceding notes last occurred. Game music loops.

The match is causal and has no parameters. `training.events.repeat_models` predicts from it. Pure functions.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dataset.notes.model import Notes

CONTEXTS = (16, 8, 5, 3)
"""Lengths of the contexts in notes, the longest first: match 4 is the longest, 1 the shortest, 0 none."""

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)


def earlier_matches(times: ArrayLike, pitches: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find for every note the latest match of its context, and the match's rank.

    `times` [n] are the times since the previous onset, in any integer unit; `pitches` [n] are 0-255. A context is the
    preceding 16, 8, 5 or 3 notes; the longest one that occurred earlier counts. Both results are int64[n]: index -1 and
    rank 0 for no match, rank 4 for the longest context.
    """
    time, pitch = np.asarray(times).astype(np.uint64), np.asarray(pitches).astype(np.uint64)
    place, match = np.full(len(time), -1, np.int64), np.zeros(len(time), np.int64)
    hashes = _hashes((time << np.uint64(8)) + pitch + np.uint64(1))
    for rank, length in enumerate(reversed(CONTEXTS), start=1):
        later, earlier_place = _recurring(hashes[length][: max(0, len(time) - length)])
        if len(later) == 0:
            break  # if no short context occurs twice, no longer one does
        later += length
        place[later] = earlier_place + length
        match[later] = rank
    return place, match


def loop_share(notes: Notes) -> float:
    """Return the share of notes predicted by the latest match of their context.

    The share is 0 to less than 1. A note is predicted if its time since the previous onset and its pitch are those of
    the note after the match. 0 for fewer than five notes. A repeated pitch at one onset does not count.
    """
    keep = np.ones(len(notes), dtype=bool)
    keep[1:] = (notes.onset[1:] != notes.onset[:-1]) | (notes.pitch[1:] != notes.pitch[:-1])
    onset, pitch = notes.onset[keep], notes.pitch[keep]
    time = np.diff(onset, prepend=onset[:1])
    place, _ = earlier_matches(time, pitch)
    predicted = np.flatnonzero(place >= 0)
    source = place[predicted]
    right = (time[source] == time[predicted]) & (pitch[source] == pitch[predicted])
    return float(np.count_nonzero(right)) / len(onset) if len(onset) else 0.0


def _hashes(keys: NDArray[np.uint64]) -> dict[int, NDArray[np.uint64]]:
    """Return a 64-bit hash of every run of each length of CONTEXTS.

    The result is {length: hashes}. Hashes of length L have shape [n - L + 1] and are combined from those of shorter
    runs.
    """
    two = _joined(keys, keys, 1)
    four = _joined(two, two, 2)
    eight = _joined(four, four, 4)
    return {3: _joined(two, keys, 2), 5: _joined(four, keys, 4), 8: eight, 16: _joined(eight, eight, 8)}


def _joined(left: NDArray[np.uint64], right: NDArray[np.uint64], length: int) -> NDArray[np.uint64]:
    """Return the hashes of runs of `length` (`left`) followed by the runs of `right`."""
    joined = left[: max(0, len(right) - length)] * _MULTIPLIER + right[length:]
    return joined ^ (joined >> _SHIFT)


def _recurring(hashes: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the positions with an earlier occurrence, and the latest such one.

    Hash and position are packed into one number, so that one plain sort gives both, several times faster than an
    argsort. In a piece of a thousand notes the hash keeps 54 bits.
    """
    bits = np.uint64(len(hashes).bit_length())
    one = np.uint64(1) << bits
    packed = np.sort(hashes << bits | np.arange(len(hashes), dtype=np.uint64))
    again = packed[1:] ^ packed[:-1] < one
    place = (packed & (one - np.uint64(1))).view(np.int64)
    return place[1:][again], place[:-1][again]
