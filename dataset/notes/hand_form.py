"""Find the form of each hand: the earlier bar whose rhythm its bar repeats, and how the pitches move. Pure functions.

In: a piece's notes, bar by bar, and the hand of each. Out: one number per bar and hand.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataset.notes.form import likest_sources

PITCHES = 128

RESHAPED, CONTOUR, NEAR, TRANSPOSED, IDENTICAL = range(1, 6)
"""How the pitches of a bar follow those of its source: not at all, in the direction of each move, each moved by the same
interval to within a whole tone, by the same interval, or not moved. 0 for a bar without a source."""

MAX_SHIFT = 24
"""Semitones by which a bar that is NEAR or TRANSPOSED is moved, at most."""

_SPREAD = 2  # semitones by which the moves of a bar that is NEAR differ from their median, at most
_BONUS = np.array([0, 0, 0.05, 0.15, 0.2, 0.25], np.float32)  # which of bars with the same rhythm is the source

Numbers = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class HandForm:
    """The bars of one hand.

    source    int32[bars], the earlier bar whose rhythm each one repeats or varies; -1 for none
    likeness  float32[bars], the Jaccard likeness of their onsets, 0 to 1; 0 for none
    move      uint8[bars], how the pitches follow those of the source: RESHAPED to IDENTICAL; 0 for none
    shift     int8[bars], by how many semitones they are moved; 0 where that is not known
    """

    source: NDArray[np.int32]
    likeness: NDArray[np.float32]
    move: NDArray[np.uint8]
    shift: NDArray[np.int8]


def hand_ranges(bar: Numbers, pitch: Numbers, is_left: NDArray[np.bool_], bars: int) -> NDArray[np.int16]:
    """Return the highest pitch of the left hand and the lowest one of the right hand in each bar, [2, bars].

    -1 for none. The hands of a bar are parted at one pitch, such that the fewest notes are given to the other hand.
    """
    count = np.zeros((2, bars, PITCHES + 1), np.int32)
    np.add.at(count, (is_left.astype(np.intp), bar, pitch.astype(np.intp) + 1), 1)
    right, left = count.cumsum(axis=2)  # of the notes below each pitch
    split = (right + left[:, -1:] - left).argmin(axis=1)
    there = count[:, :, 1:].sum(axis=0) > 0
    below = there & (np.arange(PITCHES) < split[:, None])
    above = there & ~below
    highest = np.where(below.any(axis=1), PITCHES - 1 - below[:, ::-1].argmax(axis=1), -1)
    lowest = np.where(above.any(axis=1), above.argmax(axis=1), -1)
    return np.stack([highest, lowest]).astype(np.int16)


def find_hand_form(bar: Numbers, place: Numbers, pitch: Numbers, bars: int) -> HandForm:
    """Return the form of one hand: `bar`, `place` in it and `pitch` of its notes, sorted by onset, then pitch.

    The source is the earlier bar with the likest onsets, and of several the one whose pitches move most alike; else as
    `dataset.notes.form` chooses.
    """
    move, shift = _moves(bar, place, pitch, bars)
    source, likeness = likest_sources(bar, place, bars, _BONUS[move])
    at, has_source = np.arange(bars), source >= 0
    kind = np.where(has_source, np.maximum(move[at, source], RESHAPED), 0)
    return HandForm(
        source, likeness, kind.astype(np.uint8), np.where(kind >= NEAR, shift[at, source], 0).astype(np.int8)
    )


def _moves(bar: Numbers, place: Numbers, pitch: Numbers, bars: int) -> tuple[NDArray[np.uint8], NDArray[np.int8]]:
    """Return how the pitches of each bar follow those of each other with the same rhythm, [bars, bars], and the shifts."""
    kind, shift = np.zeros((bars, bars), np.uint8), np.zeros((bars, bars), np.int8)
    alike: dict[bytes, list[int]] = {}
    first = np.searchsorted(bar, np.arange(bars + 1))
    for at in np.flatnonzero(np.diff(first)).tolist():
        alike.setdefault(place[first[at] : first[at + 1]].tobytes(), []).append(at)
    for members in alike.values():
        held = np.stack([pitch[first[at] : first[at + 1]] for at in members]).astype(np.int16)
        different, which = np.unique(held, axis=0, return_inverse=True)
        of_pairs = [_follows(different, row) for row in different]
        pair = np.ix_(members, members)
        kind[pair] = np.stack([kinds for kinds, _ in of_pairs], axis=1)[np.ix_(which, which)]
        shift[pair] = np.stack([shifts for _, shifts in of_pairs], axis=1)[np.ix_(which, which)]
    return kind, shift


def _follows(bars: NDArray[np.int16], source: NDArray[np.int16]) -> tuple[Numbers, Numbers]:
    """Return how the pitches of bars [bars, notes] follow those of a source [notes], and by how much they are moved."""
    moved = bars - source
    median = np.sort(moved, axis=1)[:, moved.shape[1] // 2]
    off = np.abs(moved - median[:, None]).max(axis=1)
    turns = (np.sign(np.diff(bars, axis=1)) == np.sign(np.diff(source))).all(axis=1)
    is_moved = (np.abs(median) <= MAX_SHIFT) & (moved.shape[1] > 1)
    kinds = [
        (off == 0) & (median == 0),
        (off == 0) & is_moved,
        (off <= _SPREAD) & is_moved,
        turns & (moved.shape[1] > 1),
    ]
    kind = np.select(kinds, [IDENTICAL, TRANSPOSED, NEAR, CONTOUR], RESHAPED)
    return kind, np.where(kind >= NEAR, median, 0)
