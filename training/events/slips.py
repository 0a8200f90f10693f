"""Slips: pieces with wrong notes, so that the network learns to go on after one of its own. Pure NumPy.

A network that is trained on people's notes alone has never seen its own errors, and one leads to the next (S. Bengio et
al., Scheduled Sampling, NeurIPS 2015). Here single notes are changed at random, and the network learns what follows
them, but not the slips themselves.
"""

import numpy as np
import numpy.typing as npt

from dataset.notes.model import Notes

PITCH, DURATION, ONSET, ADDED, DROPPED = 0.02, 0.02, 0.01, 0.01, 0.01
"""Share of notes with another pitch or duration, of onsets that are moved, and of notes that are added or dropped."""

_MOVES = np.array([-12, -7, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 7, 12])  # semitones
_SHIFTS = np.array([-12, -6, -4, -3, 3, 4, 6, 12])  # ticks

Flags = npt.NDArray[np.bool_]


def slipped(notes: Notes, rng: np.random.Generator) -> tuple[Notes, Flags]:
    """Return the piece with slips, and which of its notes [n] are slips.

    Notes are sorted by onset, then pitch, each pitch once per onset. Moved onsets keep their order.
    """
    onset, duration, pitch, velocity = (
        column.astype(np.int64) for column in (notes.onset, notes.duration, notes.pitch, notes.velocity)
    )
    is_slip = np.zeros(len(onset), bool)
    chance = rng.random(len(onset))
    at = np.flatnonzero(chance < PITCH)
    pitch[at] = np.clip(pitch[at] + rng.choice(_MOVES, len(at)), 0, 127)
    is_slip[at] = True
    at = np.flatnonzero((chance >= PITCH) & (chance < PITCH + DURATION))
    duration[at] = rng.choice(notes.duration, len(at))
    is_slip[at] = True
    onset = _moved(onset, is_slip, rng)
    keep = rng.random(len(onset)) >= DROPPED
    keep[0] = True  # the first note is given
    added = np.flatnonzero(rng.random(len(onset)) < ADDED)
    beside = np.clip(pitch[added] + rng.choice(_MOVES, len(added)), 0, 127)
    columns = [
        np.concatenate([held[keep], more])
        for held, more in (
            (onset, onset[added]),
            (duration, duration[added]),
            (pitch, beside),
            (velocity, velocity[added]),
            (is_slip, np.ones(len(added), bool)),
        )
    ]
    order = np.lexsort((columns[2], columns[0]))
    onset, duration, pitch, velocity, is_slip = (column[order] for column in columns)
    once = np.ones(len(onset), bool)
    once[1:] = (onset[1:] != onset[:-1]) | (pitch[1:] != pitch[:-1])
    new = Notes.of(onset[once], duration[once], pitch[once], velocity[once], notes.tempos, notes.time_signatures)
    return new, is_slip[once].astype(bool)


def _moved(onset: npt.NDArray[np.int64], is_slip: Flags, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Return onsets of which some are moved between their neighbours; mark their notes in `is_slip`."""
    ticks, chord = np.unique(onset, return_inverse=True)
    moves = np.where(rng.random(len(ticks)) < ONSET, rng.choice(_SHIFTS, len(ticks)), 0)
    low, high = np.append(-1, ticks[:-1]), np.append(ticks[1:], ticks[-1] + 2 * _SHIFTS[-1])
    new = ticks + moves
    inside = (new > low) & (new < high) & (moves != 0)
    inside[1:] &= ~inside[:-1]  # of two neighbours, the second stays
    inside[0] = False
    is_slip |= inside[chord]
    return np.where(inside, new, ticks)[chord]
