"""Two hands: which notes they can hold together, and the release of those that they cannot. Pure."""

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

HAND_NOTES = 5  # notes that a hand holds at once
HAND_SPAN = 16  # semitones between the outer notes of a hand: a tenth

IntArray = npt.NDArray[np.int32]


def is_playable(pitches: Sequence[int]) -> bool:
    """Return whether two hands can hold these pitches, ascending, together: five notes and a tenth each."""
    if len(pitches) > 2 * HAND_NOTES:
        return False
    if not pitches:
        return True
    left = min(bisect_right(pitches, pitches[0] + HAND_SPAN), HAND_NOTES)
    rest = pitches[left:]
    return not rest or (len(rest) <= HAND_NOTES and rest[-1] - rest[0] <= HAND_SPAN)


def release(
    onset: IntArray, duration: IntArray, pitch: npt.NDArray[np.integer], first: int = 0, most: int = 2 * HAND_NOTES
) -> IntArray:
    """Return durations with which two hands can play the notes, sorted by onset.

    Where a chord cannot be struck while others are held, or more than `most` notes would sound, the held notes are
    released, the earliest first; so are those a semitone from a note that is struck. Notes before number `first` are left as they are.
    """
    shortened = np.array(duration, np.int32)
    end = (onset + duration).tolist()
    starts, pitches = onset.tolist(), pitch.tolist()
    held: list[int] = []

    def let_go(note: int, now: int) -> None:
        held.remove(note)
        if note >= first:
            shortened[note] = now - starts[note]

    at = 0
    while at < len(starts):
        now, begin = starts[at], at
        while at < len(starts) and starts[at] == now:
            at += 1
        struck = list(range(begin, at))
        held[:] = [note for note in held if end[note] > now]
        beside = {pitches[note] + step for note in struck for step in (-1, 1)}
        for note in [note for note in held if pitches[note] in beside]:
            let_go(note, now)
        while held and (
            len(held) + len(struck) > most or not is_playable(sorted({pitches[note] for note in (*held, *struck)}))
        ):
            let_go(held[0], now)
        held.extend(struck)
    return shortened
