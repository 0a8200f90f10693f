"""Texture measures of a piece: polyphony, empty beats and groove.

Pure functions of the notes on the grid of 1/24 quarter note, without drums. The definitions are those of
`muspy.metrics` (H.-W. Dong et al., MusPy, ISMIR 2020) at 24 time steps per quarter note. Time is counted from the start
of the file.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dataset.notes.model import Notes
from dataset.notes.timing import TICKS_PER_QUARTER

MULTIPLE = 2  # threshold of muspy's polyphony rate, to be exceeded: it counts three or more pitches at once


class Segments(NamedTuple):
    """A piece from the start of its file, cut wherever a pitch starts or stops."""

    length: NDArray[np.int64]  # ticks, >= 0
    pitches: NDArray[np.int64]  # number of different pitches sounding, >= 0


def segments(notes: Notes) -> Segments:
    """Return the segments of a piece; a pitch held by several notes counts once."""
    order = np.argsort(notes.pitch, kind="stable")  # by pitch, then by onset
    floor = notes.pitch[order].astype(np.int64) << 32  # separates the pitches, so that one running maximum suffices
    onset, end = floor + notes.onset[order], floor + notes.end[order]
    start = np.maximum(onset, np.concatenate([[0], np.maximum.accumulate(end)[:-1]]))
    new = end > start
    begin, stop = (start - floor)[new] << 1 | 1, (end - floor)[new] << 1
    changes = np.sort(np.concatenate([begin, stop]))
    ticks, step = np.concatenate([[0], changes >> 1]), np.concatenate([[0], (changes & 1) * 2 - 1])
    return Segments(np.diff(ticks), np.cumsum(step)[:-1])


def polyphony(piece: Segments) -> float:
    """Return the mean number of sounding pitches while any sounds, >= 1.

    Weighted by beats, as `muspy.polyphony`.
    """
    return float(piece.length @ piece.pitches) / float(piece.length[piece.pitches > 0].sum())


def polyphony_rate(piece: Segments) -> float:
    """Return the share of time in which three or more pitches sound, 0-1.

    Time runs from the start of the file to the last end. As `muspy.polyphony_rate` with its threshold of 2, which must
    be exceeded; the measure is from MuseGAN (AAAI 2018).
    """
    return float(piece.length[piece.pitches > MULTIPLE].sum()) / float(piece.length.sum())


def empty_beat_rate(notes: Notes) -> float:
    """Return the share of quarter notes that no note touches, 0 to < 1.

    Counted from the start of the file to the last end, as `muspy.empty_beat_rate`: a note also touches the beat that
    starts where it ends, and the last such beat counts.
    """
    first, last = notes.onset // TICKS_PER_QUARTER, notes.end // TICKS_PER_QUARTER
    touched = np.concatenate(
        [[-1], np.maximum.accumulate(last)]
    )  # the last beat touched so far, before each note and after all
    empty = np.maximum(first - touched[:-1] - 1, 0).sum()
    return float(empty) / float(touched[-1] + 1)


def groove_consistency(notes: Notes, bar: int) -> float | None:
    """Return 1 minus the mean onset difference of consecutive bars, 0-1.

    The difference of two bars is the share of ticks at which only one of them has an onset. `bar` is the length of all
    bars in ticks, >= 1. None if the piece is not longer than a bar. As `muspy.groove_consistency`; the measure is from
    S.-L. Wu and Y.-H. Yang, The Jazz Transformer on the Front Line (ISMIR 2020).
    """
    bars = int(notes.end.max()) // bar + 1
    if bars < 2:
        return None
    onset = notes.onset[np.concatenate([[True], notes.onset[1:] != notes.onset[:-1]])].astype(np.int64)
    at = np.searchsorted(onset, onset + bar)
    same = np.count_nonzero(onset[np.minimum(at, len(onset) - 1)] == onset + bar)
    ends = np.count_nonzero(onset < bar) + np.count_nonzero(
        onset >= (bars - 1) * bar
    )  # onsets of bars with only one neighbour
    different = 2 * len(onset) - ends - 2 * same
    return 1.0 - float(different) / (bar * (bars - 1))
