"""The repeat model: what followed the last time the most recent notes stood earlier in this piece. Game music loops.

It is causal and has no parameters: a guess at the coming note's time, pitch and duration, and how long the match is. `follow` looks
through a whole piece at once, `Follower` goes note by note; both give the same guesses.
"""

import numpy as np
import numpy.typing as npt

CONTEXTS = (16, 8, 5, 3)
"""How many past notes (time and pitch) must have stood before, the longest first; match 4 is the longest, 1 the shortest, 0 none."""

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
IntArray = npt.NDArray[np.int32]


def follow(notes: IntArray) -> IntArray:
    """Return the guess for every note of a piece: [n, 4] classes of time, pitch, duration, and match (0: no guess, all zero).

    `notes` is [n, 3]: classes of time, pitch, duration.
    """
    guess = np.zeros((len(notes), 4), dtype=np.int32)
    keys = (notes[:, 0].astype(np.uint64) << np.uint64(8)) + notes[:, 1].astype(np.uint64) + np.uint64(1)
    for match, length in enumerate(reversed(CONTEXTS), start=1):
        if len(notes) <= length:
            continue
        earlier = _last_time(_rolling_hash(keys, length)[: len(notes) - length])
        found = np.flatnonzero(earlier >= 0)
        guess[found + length, :3] = notes[earlier[found] + length]
        guess[found + length, 3] = match
    return guess


def _rolling_hash(keys: npt.NDArray[np.uint64], length: int) -> npt.NDArray[np.uint64]:
    """Return a 64-bit hash of every run of `length` keys, [n - length + 1]."""
    total = np.zeros(len(keys) - length + 1, dtype=np.uint64)
    for offset in range(length):
        total = (total ^ keys[offset : offset + len(total)]) * _MULTIPLIER
        total ^= total >> np.uint64(29)
    return total


def _last_time(hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """Return for each place the latest earlier place with the same hash, or -1."""
    order = np.argsort(hashes, kind="stable")
    ranked = hashes[order]
    earlier = np.full(len(hashes), -1, dtype=np.int64)
    again = np.flatnonzero(ranked[1:] == ranked[:-1])
    earlier[order[again + 1]] = order[again]
    return earlier


class Follower:
    """The repeat model one note at a time, for sampling."""

    def __init__(self) -> None:
        self._notes: list[tuple[int, int, int]] = []
        self._seen: dict[tuple[tuple[int, int], ...], int] = {}

    def add(self, time: int, pitch: int, duration: int) -> tuple[int, int, int, int]:
        """Take the next note (classes) and return the guess for the one after it: time, pitch, duration, match."""
        self._notes.append((time, pitch, duration))
        here = len(self._notes)
        guess = (0, 0, 0, 0)
        for rank, length in enumerate(CONTEXTS):
            if here < length:
                continue
            context = tuple((t, p) for t, p, _ in self._notes[-length:])
            earlier = self._seen.get(context)
            if earlier is not None and guess[3] == 0:
                guess = (*self._notes[earlier], len(CONTEXTS) - rank)
            self._seen[context] = here
        return guess
