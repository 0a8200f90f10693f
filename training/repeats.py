"""The repeat model: what followed the last time the most recent notes stood earlier in this piece. Game music loops.

It is causal and has no parameters: a guess at the coming note's time, pitch and duration, and how long the match is. `follow` looks
through a whole piece at once, `Follower` goes note by note; both give the same guesses.
"""

import numpy as np
import numpy.typing as npt

from dataset.repeats import CONTEXTS, earlier

IntArray = npt.NDArray[np.int32]


def follow(notes: IntArray) -> IntArray:
    """Return the guess for every note of a piece: [n, 4] classes of time, pitch, duration, and match (0: no guess, all zero).

    `notes` is [n, 3]: classes of time, pitch, duration.
    """
    guess = np.zeros((len(notes), 4), dtype=np.int32)
    place, match = earlier(notes[:, 0], notes[:, 1])
    found = match > 0
    guess[found, :3] = notes[place[found]]
    guess[:, 3] = match
    return guess


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
