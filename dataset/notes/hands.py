"""Which notes of a piece the left hand plays: by track where a file parts the hands, else by pitch.

Pure functions over the pitches of tracks, drums left out; nothing here knows of files or of time.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

HIGHEST_LEFT_PITCH = (
    59  # the note below middle C: where only pitch can part the hands, what lies lower is the left one's
)


def is_left(pitch: ArrayLike) -> NDArray[np.bool_]:
    """Return whether each MIDI pitch lies below middle C."""
    return np.asarray(pitch) <= HIGHEST_LEFT_PITCH


def left_notes(pitches: Sequence[ArrayLike], is_piano: Sequence[bool]) -> int:
    """Return how many notes the left hand plays; `pitches` are those of each track that holds notes, at least one each.

    Two tracks, both a piano, are the two hands: the one of the lower mean pitch is the left one, of equals the second.
    Any other piece (one track, a voice a track, other instruments) is parted at middle C, as `notes.write_midi` does it.
    """
    if len(pitches) == 2 and all(is_piano):
        first, second = (np.asarray(track) for track in pitches)
        return int(first.size if first.mean() < second.mean() else second.size)
    return sum(int(np.count_nonzero(is_left(track))) for track in pitches)
