"""Pitch-class measures of a piece: key, entropy and scale consistency.

Pure functions of the notes, without drums. Velocity is not used.
"""

import numpy as np
from numpy.typing import NDArray

from dataset.notes.key_estimate import LONGEST_HOLD, MINOR, estimate_key
from dataset.notes.meter import bar_starts
from dataset.notes.model import Notes

MAJOR_KEYS = tuple(f"{tonic} major" for tonic in ["C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"])
MINOR_KEYS = tuple(f"{tonic} minor" for tonic in ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B"])
MAJOR_SCALE = (0, 2, 4, 5, 7, 9, 11)


def key_of(notes: Notes) -> str | None:
    """Return the key of a piece, such as "F# minor", or None.

    It is the estimate that scores use where a file states no key signature (`dataset.notes.key_estimate`), over the whole
    piece. None if every pitch class is held equally long.
    """
    held = np.bincount(notes.pitch % 12, np.minimum(notes.duration, LONGEST_HOLD), 12)
    if np.ptp(held) == 0:
        return None
    bars = bar_starts(notes.time_signatures, notes.onset)
    fifths, mode = estimate_key(notes.onset, notes.duration, notes.pitch, bars)
    tonic = 7 * fifths % 12
    return MINOR_KEYS[(tonic + 9) % 12] if mode == MINOR else MAJOR_KEYS[tonic]


def pitch_class_entropy(notes: Notes) -> float:
    """Return the Shannon entropy of the pitch classes in bits, 0 to log2(12) = 3.58.

    Needs at least one note; one class gives 0. S.-L. Wu and Y.-H. Yang, The Jazz Transformer on the Front Line (ISMIR
    2020); as `muspy.pitch_class_entropy`.
    """
    counts = np.bincount(notes.pitch % 12)
    share = counts[counts > 0] / len(notes)
    return abs(float(share @ np.log2(share)))  # abs turns -0 into 0 for a single class


def scale_consistency(notes: Notes) -> float:
    """Return the largest share of notes in one major or minor scale, 7/12 to 1.

    Needs at least one note. O. Mogren, C-RNN-GAN (NeurIPS workshop on Constructive Machine Learning, 2016); as
    `muspy.scale_consistency`. A natural minor scale has the notes of its relative major, so there are twelve scales.
    """
    counts = np.bincount(notes.pitch % 12, minlength=12)
    return float((_SCALES @ counts).max()) / len(notes)


def _scales() -> NDArray[np.int64]:
    """Return the twelve major scales from C up as rows of 0 and 1."""
    c_major = np.isin(np.arange(12), MAJOR_SCALE).astype(np.int64)
    return np.array([np.roll(c_major, tonic) for tonic in range(12)])


_SCALES = _scales()
