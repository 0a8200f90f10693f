"""Estimate which hand plays each note, where a piece does not say it.

In: onsets, durations, pitches; out: a hand a note. The one estimate behind scores, piano rolls, MIDI export and
measures. Pure functions over arrays.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dataset.notes.hand_costs import (
    CHORD_CUT,
    HOME,
    JUMP,
    KNOWN,
    LINK_CUT,
    LINK_TICKS,
    PIECE,
    SPLITS,
    STEP,
    STEP_TICKS,
    WINDOWS,
    Window,
)
from dataset.notes.model import LEFT, RIGHT, UNKNOWN

CORE, MARGIN = 32, 16  # groups that a stretch decides, and that it looks at beyond either end of them
PITCHES = 128
COUNT = SPLITS.size
UNIT = 1024  # of a nat, in which a path counts: whole numbers add up the same everywhere, and faster
STEPS, JUMPS = (np.rint(UNIT * costs).astype(np.int32) for costs in (STEP, JUMP))
MOVES = np.minimum(STEPS[:, None, None] * np.abs(SPLITS[:, None] - SPLITS).astype(np.int32), JUMPS[:, None, None])

Ints = NDArray[np.int64]
Counts = NDArray[np.int32]


def estimate_hands(
    onset: ArrayLike, duration: ArrayLike, pitch: ArrayLike, known: ArrayLike | None = None
) -> NDArray[np.uint8]:
    """Return the hand that plays each note, RIGHT (1) or LEFT (2): uint8[n].

    onset, duration   int[n], ticks of 1/24 quarter note; durations >= 1
    pitch             int[n], 0-127; notes are sorted by onset, then pitch
    known             int[n], the hand of each note, 0 where it is not known; a known hand is kept, and is evidence

    Each group of notes that begin together is parted at a split: those below it are the left hand's, the rest the
    right hand's. So hands cross only where they are known to. The splits are the path of least cost through all groups
    (Viterbi), as are hands' paths in piano fingering (Al Kasimi, Nichols and Raphael, ISMIR 2007). What costs: a hand
    that reaches far, holds many notes or is idle, also within a half beat and two beats; a split between notes of like
    lengths that follow or accompany each other; one that lies far from the middle of the piece; and each move of the
    split, the less the more time it has. `hand_costs` has the numbers, fitted to pieces whose hands are named.
    The same notes give the same hands.

    Raises ValueError for arrays of different lengths or notes out of order.
    """
    on, length, key = (np.asarray(values, np.int64) for values in (onset, duration, pitch))
    given = np.zeros(on.size, np.uint8) if known is None else np.asarray(known, np.uint8)
    if not on.shape == length.shape == key.shape == given.shape == (on.size,):
        raise ValueError("hands: onset, duration, pitch and known must be flat and of one length")
    if on.size == 0:
        return np.zeros(0, np.uint8)
    if (np.diff(on * PITCHES + key) < 0).any():
        raise ValueError("hands: notes must be sorted by onset, then pitch")
    piece = _grouped(on, length, key)
    split = SPLITS[_cheapest_path(_costs(piece, given), np.diff(piece.ticks))]
    hands = np.where(key < split[piece.group], LEFT, RIGHT).astype(np.uint8)
    return np.where(given == UNKNOWN, hands, given).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Piece:
    """The notes of a piece, and the groups of those that begin together."""

    onset: Ints  # [n]
    duration: Ints
    pitch: Ints
    group: Ints  # the group of each note
    ticks: Ints  # [groups] the onset of each group
    lowest: int  # pitch, the first column of the following
    struck: Counts  # [groups + 1, pitches] how often each pitch was struck before each group
    ended: Counts  # [groups + 1, pitches] how many notes of each pitch had ended when each group began


def _grouped(onset: Ints, duration: Ints, pitch: Ints) -> Piece:
    first = np.diff(onset, prepend=onset[0] - 1) > 0
    group, ticks = np.cumsum(first) - 1, onset[first]
    lowest, highest = int(pitch.min()), int(pitch.max())
    shape = ticks.size + 1, highest - lowest + 1
    place = pitch - lowest
    tables = []
    for row in (group + 1, np.searchsorted(ticks, onset + duration, side="left")):
        counts = np.bincount(row * shape[1] + place, minlength=shape[0] * shape[1]).astype(np.int32)
        tables.append(np.cumsum(counts.reshape(shape), axis=0, dtype=np.int32))
    return Piece(onset, duration, pitch, group, ticks, lowest, *tables)


def _costs(piece: Piece, known: NDArray[np.uint8]) -> Counts:
    """Return the cost of each split at each group, but for its moves.

    The result is int32[groups, splits], in UNITs of a nat.
    """
    steps = [_window_steps(*_cells(piece, window.ticks), window) for window in WINDOWS]
    steps += [_cut_steps(*_chord_cuts(piece))]
    steps += [_cut_steps(*_link_cuts(piece, back, table)) for back, table in LINK_CUT.items()]
    for hand, sign in ((RIGHT, 1.0), (LEFT, -1.0)):
        note = np.flatnonzero(known == hand)  # a split above a right note, or not above a left one, is against it
        steps.append((piece.group[note], piece.pitch[note] + 1, np.full(note.size, sign * KNOWN)))
    groups, splits, weights = (np.concatenate(column) for column in zip(*steps, strict=True))
    width = COUNT + 1
    place = np.minimum(np.maximum(splits - SPLITS[0], 0), COUNT) + groups * width
    table = np.bincount(place, np.rint(UNIT * weights), piece.ticks.size * width).astype(np.int32)
    costs = np.cumsum(table.reshape(-1, width), axis=1, dtype=np.int32)
    costs += np.rint(UNIT * np.append(HOME + _piece_costs(piece), 0.0)).astype(np.int32)
    return np.asarray(costs[:, :COUNT], np.int32)


Steps = tuple[Ints, Ints, NDArray[np.float64]]  # group, the lowest split of what follows, how much more it costs


def _cells(piece: Piece, reach: int) -> tuple[Ints, Ints]:
    """Return (group, pitch) of what sounds at each group.

    With a `reach` other than 0: of what is struck within so many ticks of it.
    """
    if reach:
        first = np.searchsorted(piece.ticks, piece.ticks - reach, side="left")
        last = np.searchsorted(piece.ticks, piece.ticks + reach, side="right")
        present = piece.struck[last] > piece.struck[first]
    else:
        present = piece.struck[1:] > piece.ended[:-1]
    cells = np.flatnonzero(present)
    group = cells // present.shape[1]
    return group, cells - group * present.shape[1] + piece.lowest


def _window_steps(group: Ints, pitch: Ints, window: Window) -> Steps:
    """Return how the cost of a window changes at each cell.

    It is that of the spans of the hands, their numbers of notes and the gap between them.
    """
    first = np.searchsorted(group, np.arange(group[-1] + 1))  # every group has a cell: it is struck
    count = np.diff(first, append=group.size)
    below = np.arange(1, group.size + 1) - first[group]  # cells up to and with this one
    last = first + count - 1
    left = window.reach_left[pitch - pitch[first][group]] + window.count_left[below]
    right = window.reach_right[pitch[last][group] - pitch] + window.count_right[count[group] - below + 1]
    gap = window.gap[np.maximum(pitch[1:] - pitch[:-1], 0)]  # between each cell and the next
    above, before = right[1:] + gap, left[:-1] + gap  # what the other costs of a split are, above and below that gap
    above[first[1:] - 1], before[first[1:] - 1] = window.none_right, window.none_left
    change = left - right
    change[:-1] += above
    change[-1] += window.none_right
    change[1:] -= before
    change[0] -= window.none_left
    return group, pitch + 1, change


def _alike(piece: Piece, one: Ints, other: Ints) -> NDArray[np.bool_]:
    """Return whether two notes are about as long as each other, to a tenth."""
    a, b = piece.duration[one], piece.duration[other]
    return np.asarray(10 * np.abs(a - b) <= np.maximum(a, b), np.bool_)


def _cut_steps(group: Ints, low: Ints, high: Ints, cost: NDArray[np.float64]) -> Steps:
    """Return the steps of costs of splits above `low` and up to `high`."""
    return np.concatenate([group, group]), np.concatenate([low, high]) + 1, np.concatenate([cost, -cost])


def _chord_cuts(piece: Piece) -> tuple[Ints, Ints, Ints, NDArray[np.float64]]:
    upper = np.flatnonzero(np.diff(piece.group) == 0) + 1
    low, high = piece.pitch[upper - 1], piece.pitch[upper]
    cost = CHORD_CUT[_alike(piece, upper, upper - 1).astype(int), high - low]
    return piece.group[upper], low, high, cost


def _link_cuts(piece: Piece, back: int, table: NDArray[np.float64]) -> tuple[Ints, Ints, Ints, NDArray[np.float64]]:
    """Return the cuts between each note and the nearest of an earlier group.

    That is the note of `back` groups before that is nearest to it in pitch.
    """
    begins = np.searchsorted(piece.group, np.arange(piece.ticks.size + 1))
    note = np.arange(begins[min(back, piece.ticks.size)], piece.onset.size)
    before = piece.group[note] - back
    place = np.searchsorted(piece.group * PITCHES + piece.pitch, before * PITCHES + piece.pitch[note])
    lower = np.clip(place - 1, begins[before], begins[before + 1] - 1)
    upper = np.clip(place, begins[before], begins[before + 1] - 1)
    here = piece.pitch[note]
    nearest = np.where(np.abs(piece.pitch[lower] - here) <= np.abs(piece.pitch[upper] - here), lower, upper)
    other = piece.pitch[nearest]
    cost = table[_alike(piece, note, nearest).astype(int), np.abs(other - here)]
    cost = np.where(piece.onset[note] - piece.onset[nearest] <= LINK_TICKS, cost, 0.0)
    return piece.group[note], np.minimum(here, other), np.maximum(here, other), cost


def _piece_costs(piece: Piece) -> NDArray[np.float64]:
    """Return what each split costs at every group: [splits].

    It comes from how often the whole piece strikes each pitch.
    """
    heard = np.bincount(piece.pitch, minlength=PITCHES)
    share = np.concatenate([[0], heard.cumsum()]) / heard.sum()  # of the notes below each pitch
    mean = float(heard @ np.arange(PITCHES)) / float(heard.sum())
    quartiles = np.searchsorted(share[1:], (0.25, 0.75))
    total = PIECE.share(share[SPLITS]) + PIECE.mean(SPLITS - mean) + PIECE.middle(SPLITS - float(quartiles.mean()))
    for width, weight in PIECE.density.items():
        total += weight * (share[SPLITS + width] - share[SPLITS - width])
    return total


def _cheapest_path(cost: Counts, wait: Ints) -> Ints:
    """Return the index of the split at each group on the path of least cost.

    The result is int64[groups], by the Viterbi algorithm. A move costs by its semitones, the less the longer the groups
    are apart, and at most JUMP. The path is found in overlapping stretches side by side, which takes NumPy fewer calls:
    each decides CORE groups and sees MARGIN more at either end. Of the notes of the pieces that the costs were fitted
    to, 0.2 % get another hand than by one stretch.
    """
    groups = cost.shape[0]
    count = -(-groups // CORE)
    length = CORE + 2 * MARGIN
    padded = np.zeros((count * CORE + 2 * MARGIN, COUNT), np.int32)
    padded[MARGIN : MARGIN + groups] = cost
    kinds = np.zeros(padded.shape[0], np.int64)  # how long each group comes after the one before
    kinds[MARGIN + 1 : MARGIN + groups] = np.digitize(wait, STEP_TICKS)
    place = np.arange(length)[:, None] + np.arange(count) * CORE
    own, kind = padded[place], kinds[place]
    ramp = STEPS[kind][..., None] * np.arange(COUNT, dtype=np.int32)
    jump = JUMPS[kind][..., None]
    best = np.empty_like(own)  # the least cost of a path up to each group that ends with each split
    best[0] = own[0]
    for before, after, slope, most, here in zip(best, best[1:], ramp[1:], jump[1:], own[1:], strict=False):
        up = before - slope
        down = before + slope
        np.minimum.accumulate(up, axis=1, out=up)
        np.minimum.accumulate(down[:, ::-1], axis=1, out=down[:, ::-1])
        np.minimum(up + slope, down - slope, out=after)
        np.minimum(after, before.min(axis=1, keepdims=True) + most, out=after)
        after += here
    path = np.empty((length, count), np.int64)
    path[-1] = best[-1].argmin(axis=1)
    for at in range(length - 1, 0, -1):
        path[at - 1] = (best[at - 1] + MOVES[kind[at], path[at]]).argmin(axis=1)
    return np.ascontiguousarray(path[MARGIN : MARGIN + CORE].T).reshape(-1)[:groups]
