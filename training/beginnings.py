"""How a new piece begins and how it ends: the opening of a training piece or a prime, and the notes that were drawn made whole.

In: a vocabulary's openings or the notes of a prime, then the classes drawn; out: where each stream starts and stops, and its notes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from catalog.errors import UsageError
from dataset.notes import Notes, tick_to_seconds
from training import encoding, events
from training.events import DURATION, EDGES, PITCH, PLACE, TIME
from training.vocabulary import UNKNOWN, Opening, Vocabulary

IntArray = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Beginning:
    """How one stream begins: its classes and onsets so far, and what its tempo and meter are."""

    rows: IntArray  # [n, 5]
    onsets: IntArray  # [n]
    tempos: tuple[tuple[int, float], ...]
    meters: tuple[tuple[int, int, int], ...]
    style: tuple[int, int]

    def ends_at(self, seconds: float | None, bars: int | None) -> int:
        """Return the tick of the bar line on which the stream ends: after so much, whichever comes first, or far away for neither."""
        began, numerator, denominator = self.meters[-1]
        bar = events.bar_ticks(numerator, denominator)
        now, ends = int(self.onsets[-1]), []
        if bars is not None:
            # the bar that a new piece begins in is its first; a prime's is its own, unless nothing of it is left
            ends.append(began + ((now - began) // bar + bars + (len(self.rows) > 1)) * bar)
        if seconds is not None:
            since, later = tick_to_seconds(self.tempos, np.array([now, now + bar]))
            until = now + seconds * bar / float(later - since)
            ends.append(began + int(-(-(until - began) // bar)) * bar)
        return min(ends, default=2**30)


def begun(
    vocabulary: Vocabulary, fitting: Sequence[Opening], prime: Notes | None, generators: list[np.random.Generator]
) -> list[Beginning]:
    """Return how each stream begins: as the prime does, or by an opening that its own generator draws.

    Raises UsageError for a prime without notes.
    """
    if prime is not None:
        rows, onsets = encoding.classes(prime)
        if not len(rows):
            raise UsageError("--prime: the file has no notes; choose another")
        beginning = Beginning(rows, onsets, prime.tempos, prime.time_signatures, (UNKNOWN, UNKNOWN))
        return [beginning] * len(generators)
    return [_opened(vocabulary, fitting[int(rng.integers(len(fitting)))]) for rng in generators]


def _opened(vocabulary: Vocabulary, opening: Opening) -> Beginning:
    return Beginning(
        np.array([[0, opening.pitch, opening.duration, opening.velocity, opening.place]], np.int32),
        np.array([opening.place], np.int32),
        ((0, opening.tempo),),
        ((0, opening.numerator, opening.denominator),),
        vocabulary.style(opening.series, opening.game),
    )


def finished(beginning: Beginning, made: list[IntArray], limit: int, prime: Notes | None) -> Notes:
    """Return a stream's notes, those of the last onset held to a bar line and nothing after it."""
    rows = np.concatenate([beginning.rows, np.array(made, np.int32).reshape(-1, PLACE + 1)])
    first = len(beginning.rows)
    onset = np.concatenate([beginning.onsets, beginning.onsets[-1] + np.cumsum(EDGES[rows[first:, TIME]])])
    duration = np.maximum(1, EDGES[rows[:, DURATION]])
    velocity = np.clip(rows[:, events.VELOCITY] * events.VELOCITY_STEP + events.VELOCITY_STEP // 2, 1, 127)
    pitch = rows[:, PITCH]
    began, numerator, denominator = beginning.meters[-1]
    bar = events.bar_ticks(numerator, denominator)
    line = min(limit, began + ((int(onset[-1]) - began) // bar + 1) * bar)
    duration = np.where(onset == onset[-1], line - onset, np.minimum(duration, np.maximum(1, line - onset)))
    if prime is not None:  # its own notes as they were, to the tick
        onset, duration = (
            np.concatenate([prime.onset, onset[first:]]),
            np.concatenate([prime.duration, duration[first:]]),
        )
        pitch, velocity = (
            np.concatenate([prime.pitch, pitch[first:]]),
            np.concatenate([prime.velocity, velocity[first:]]),
        )
    return Notes(onset, duration, pitch, velocity, beginning.tempos, beginning.meters)
