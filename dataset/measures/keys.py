"""Pitch-class measures of a piece: key, entropy and scale consistency.

Pure functions of the notes, without drums. Velocity is not used.
"""

import numpy as np
from numpy.typing import NDArray

from dataset.notes.model import Notes
from dataset.notes.timing import TICKS_PER_QUARTER

# Krumhansl and Kessler's probe-tone ratings, C major and C minor, from C. L. Krumhansl, Cognitive Foundations of Musical
# Pitch (Oxford University Press, 1990), p. 30; its chapter 4 has the key-finding method that correlates them with durations.
MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
MAJOR_KEYS = tuple(f"{tonic} major" for tonic in ["C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"])
MINOR_KEYS = tuple(f"{tonic} minor" for tonic in ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B"])
MAJOR_SCALE = (0, 2, 4, 5, 7, 9, 11)
MAX_HOLD = 16 * TICKS_PER_QUARTER  # four bars of 4/4: no string sounds longer, but some files never release a note


def key_of(notes: Notes) -> str | None:
    """Return the key of a piece, such as "F# minor", or None.

    It is the key whose profile correlates best with the time that each pitch class sounds (Krumhansl and Schmuckler's
    method, source above). A note counts for at most 16 quarter notes, so that one that is never released does not
    decide. None if every pitch class sounds equally long.
    """
    weight = np.bincount(notes.pitch % 12, np.minimum(notes.duration, MAX_HOLD), 12)
    weight = weight - weight.mean()
    norm = float(np.sqrt(weight @ weight))
    if norm < 1e-9:
        return None
    best = int(np.argmax(_PROFILES @ (weight / norm)))
    return (MAJOR_KEYS + MINOR_KEYS)[best]


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


def _profiles() -> NDArray[np.float64]:
    """Return the 24 key profiles, normalised: major from C up, then minor.

    Rows have mean 0 and norm 1.
    """
    rows = np.array([np.roll(profile, tonic) for profile in (MAJOR, MINOR) for tonic in range(12)])
    rows = rows - rows.mean(axis=1, keepdims=True)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def _scales() -> NDArray[np.int64]:
    """Return the twelve major scales from C up as rows of 0 and 1."""
    c_major = np.isin(np.arange(12), MAJOR_SCALE).astype(np.int64)
    return np.array([np.roll(c_major, tonic) for tonic in range(12)])


_PROFILES = _profiles()
_SCALES = _scales()
