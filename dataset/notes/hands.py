"""Return the hand of every note: the file's, or an estimate.

Score, roll, MIDI and measures all ask here.
"""

import numpy as np
from numpy.typing import NDArray

from dataset.notes.hand_estimate import estimate_hands
from dataset.notes.model import UNKNOWN, Notes


def hands_of(notes: Notes) -> NDArray[np.uint8]:
    """Return the hand of each note: uint8[n], RIGHT or LEFT."""
    if len(notes) == 0 or (notes.hand != UNKNOWN).all():
        return notes.hand
    return estimate_hands(notes.onset, notes.duration, notes.pitch, notes.hand)
