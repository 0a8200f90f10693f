"""Counts how much of a piece follows each training piece, while it is composed.

A note follows a training piece if it lies in a passage of that piece. Notes that follow a part of it again, as those
of a figure that is repeated, count once. People's held-out pieces follow no training piece far, see
`docs/listening.md`. Pure.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from training.novelty.passages import MIN_PASSAGE_NOTES

Numbers = npt.NDArray[Any]


class FollowedPieces:
    """For each stream and training piece, the number of notes that follow it."""

    def __init__(self, streams: int) -> None:
        """Begin with streams without notes."""
        self._counts: list[dict[int, int]] = [{} for _ in range(streams)]
        self._last: list[dict[int, int]] = [{} for _ in range(streams)]  # the last note that follows each piece
        self._heard: list[set[int]] = [set() for _ in range(streams)]  # notes of the index that were followed

    def keep(self, rows: Numbers) -> None:
        """Keep only these streams, in this order; a stream may be repeated."""
        which = rows.tolist()
        self._counts = [dict(self._counts[row]) for row in which]
        self._last = [dict(self._last[row]) for row in which]
        self._heard = [set(self._heard[row]) for row in which]

    def add(self, note: int, stream: Numbers, piece: Numbers, there: Numbers) -> None:
        """Add the passages [n] that go on with note number `note` of their streams.

        `there` has the matching notes of the index, which belong to the training pieces `piece`.
        """
        groups: dict[tuple[int, int], list[int]] = {}
        for one, of, at in zip(stream.tolist(), piece.tolist(), there.tolist(), strict=True):
            groups.setdefault((one, of), []).append(at)
        for (one, of), places in groups.items():
            heard, last = self._heard[one], self._last[one].get(of, -1)
            new = min(note - last, MIN_PASSAGE_NOTES)
            if heard.isdisjoint(places):
                self._counts[one][of] = self._counts[one].get(of, 0) + new
            self._last[one][of] = note
            for at in places:
                heard.update(range(at - new + 1, at + 1))

    def counts(self, stream: Numbers, piece: Numbers) -> Numbers:
        """Return the number of notes of each stream that follow each piece, [n]."""
        pairs = zip(stream.tolist(), piece.tolist(), strict=True)
        return np.array([self._counts[one].get(of, 0) for one, of in pairs], np.int64)
