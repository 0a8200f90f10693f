"""The character of a piece, bar by bar: voices, note values, motion of the top line, pitch classes. Pure NumPy.

In: a piece's notes and the bar of each. Out: classes, one per bar, for `training.events.plans`. Class 0 is always
"unknown or nothing there".
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from training.events.fields import EDGES, to_class

VOICES = 14
"""Classes of the most notes that sound at once in a bar: 0 unknown, else 1 + number, at most 12."""
SUSTAINS = 7
"""Classes of length against the step to the line's next note: 0 unknown, then the intervals of `_SUSTAIN_EDGES`."""
MOTIONS = 7
"""Classes of a share or mean of the top line: 0 unknown, then sixths of people's range."""
LENGTHS = 10
"""Classes of the mean duration of a hand's notes: 0 unknown, then the intervals of `_LENGTH_EDGES` in ticks."""
LOUDNESSES = 17
"""Classes of the mean velocity of a bar: 0 unknown, else 1 + velocity // 8."""
ACCENTS = 7
"""Classes of the standard deviation of velocities in a bar: 0 unknown, then the intervals of `_ACCENT_EDGES`."""
DETACHED, OVERLAPPING = 0.6, 1.05
"""A note is detached if it is shorter than this share of the step to its hand's next onset; it overlaps if longer."""
RATES = 7
"""Classes of a share of notes or onsets: 0 unknown, 1 none, then the intervals of `_RATE_EDGES`."""
FEW = 2
"""The class of shares below the first of `_RATE_EDGES`."""
NOTES = 48
"""Classes of the number of notes of a bar: 0 unknown, else 1 + number, at most 46."""
FULLNESSES = 8
"""Classes of the mean number of pitch classes that sound: 0 unknown, then the intervals of `_FULL_EDGES`."""
REACHED = 3
"""Classes of the highest or lowest planned pitch of a bar: 0 unknown, 1 not struck yet, 2 struck."""
SCALES = 13
"""Classes of the major scale that fits best: 0 unknown, else 1 + pitch class of its tonic."""
CHROMAS = 4096
"""Sets of pitch classes: bit k stands for pitch class k; 0 unknown."""

VALUES = np.where(EDGES <= 48, EDGES - 1, 48 + np.searchsorted([54, 60, 66, 72, 78, 84, 90, 96, 144, 192, 384], EDGES))
"""The note value of each class of time and duration: each number of ticks up to 48, then coarser; -1 for none."""
VALUE_BITS = 15
"""Note values per column of a set of them; bit k of column c stands for value 15 c + k."""
VALUE_COLUMNS = 2 * (int(VALUES.max()) // VALUE_BITS + 1)
"""Columns of two sets: of the values that occur in a part of a piece, then of those that are common there."""

_OCCURS, _COMMON = 0.02, 0.12  # shares
_PART = 4  # bars before and after
_SUSTAIN_EDGES = np.array([0.4, 0.7, 0.95, 1.05, 1.5])
_LENGTH_EDGES = np.array([5, 7, 9, 11, 14, 19, 27, 45])
_ACCENT_EDGES = np.array([0.5, 2, 5, 9, 14])
_RATE_EDGES = np.array([0.02, 0.06, 0.15, 0.35])
_FULL_EDGES = np.array([1.4, 1.7, 2, 2.3, 2.7, 3.2])
_TRIADS = [sum(1 << (root + step) % 12 for step in (0, third, 7)) for third in (3, 4) for root in range(12)]
_REPEAT_EDGES = np.array([0.02, 0.06, 0.12, 0.22, 0.4])
_STEP_EDGES = np.array([0.1, 0.2, 0.3, 0.42, 0.56])
_TURN_EDGES = np.array([0.4, 0.5, 0.6, 0.7, 0.85])
_MOVE_EDGES = np.array([0.2, 0.35, 0.5, 0.65, 0.85])
_RUN_EDGES = np.array([1.2, 1.35, 1.5, 1.7, 2.0])
_LEAP = 7  # semitones: more than a fifth
_STEP = 2  # semitones: at most a whole tone
_SNAPS = (0, -1, 1, -2, 2)  # semitones to the nearest pitch class of a set, in the order of trial
_LINE = 8  # notes of the top line that its motion needs
_DEGREES = np.array([1.02, 0, 1, 0, 1, 1, 0, 1.01, 0, 1, 0, 1])  # tonic and fifth decide between scales that fit alike
_MAJOR = _DEGREES[(np.arange(12)[None] - np.arange(12)[:, None]) % 12]  # [tonic, pitch class]
MAJOR_SCALES = _MAJOR > 0
"""Which pitch classes the major scale of each tonic has, [tonic, pitch class]."""
_STEPS = MAJOR_SCALES[:, np.arange(128) % 12].cumsum(axis=1)  # of the scale of each tonic up to each pitch
_PITCH_OF_STEP = np.stack([np.searchsorted(steps, np.arange(128)).clip(0, 127) for steps in _STEPS])  # the lowest one
_BESIDE = 2  # bars before and after that a bar's scale is taken from
_STAYS = 0.03  # share of notes by which another scale must fit better than that of the bar before

Numbers = npt.NDArray[Any]


def voices(onset: Numbers, duration: Numbers, bar: Numbers, bars: int) -> Numbers:
    """Return the class of VOICES of each bar, [bars]; arguments are those of the notes, sorted by onset."""
    begins, first = np.unique(onset, return_index=True)
    ended = np.searchsorted(np.sort(onset + duration), begins, side="right")
    begun = np.searchsorted(onset, begins, side="right")
    most = np.zeros(bars, np.int64)
    np.maximum.at(most, bar[first], begun - ended)
    return np.where(most > 0, 1 + np.minimum(most, VOICES - 2), 0)


def rates(is_so: Numbers, bar: Numbers, bars: int) -> Numbers:
    """Return the class of RATES of each bar, [bars]: how many of the notes or onsets around it are so.

    `is_so` are flags, `bar` the bar of each.
    """
    count = _around(np.bincount(bar, minlength=bars))
    share = _around(np.bincount(bar[is_so], minlength=bars)) / np.maximum(count, 1)
    kind = np.where(share > 0, 2 + np.searchsorted(_RATE_EDGES, share), 1)
    return np.where(count > 0, kind, 0)


def articulation(onset: Numbers, duration: Numbers, hand: Numbers, bar: Numbers, bars: int) -> tuple[Numbers, Numbers]:
    """Return how many notes of a hand are detached, and how many overlap its next onset: classes of RATES, [bars]."""
    begins = np.unique(onset[hand])
    following = np.searchsorted(begins, onset[hand], side="right")
    known = following < len(begins)
    step = begins[following[known]] - onset[hand][known]
    ratio, at = duration[hand][known] / step, bar[hand][known]
    return rates(ratio < DETACHED, at, bars), rates(ratio > OVERLAPPING, at, bars)


def harmony(
    onset: Numbers, duration: Numbers, pitch: Numbers, bar: Numbers, bars: int
) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Return classes of how the chords around each bar are made, each [bars].

    How many onsets have a semitone, and how many an octave, in what is struck; how many sound as a major or minor
    triad: RATES. The mean number of pitch classes that sound: FULLNESSES.
    """
    begins, first, chord = np.unique(onset, return_index=True, return_inverse=True)
    struck = np.zeros((len(begins), 128 + 12), bool)
    struck[chord, pitch] = True
    semitones, octaves = (np.any(struck[:, :128] & struck[:, by : 128 + by], axis=1) for by in (1, 12))
    change = np.zeros((len(begins) + 1, 12), np.int32)
    np.add.at(change, (chord, pitch % 12), 1)
    np.add.at(change, (np.searchsorted(begins, onset + duration), pitch % 12), -1)
    sounding = change[:-1].cumsum(axis=0) > 0
    triads = np.isin(sounding @ (1 << np.arange(12)), _TRIADS)
    at = bar[first]
    count = _around(np.bincount(at, minlength=bars))
    mean = _around(np.bincount(at, sounding.sum(axis=1), minlength=bars)) / np.maximum(count, 1)
    full = np.where(count > 0, 1 + np.searchsorted(_FULL_EDGES, mean), 0)
    return rates(semitones, at, bars), rates(octaves, at, bars), rates(triads, at, bars), full


def leaps(line: Numbers, bar: Numbers, bars: int) -> tuple[Numbers, Numbers, Numbers]:
    """Return how many moves of a line are repeats, steps, and leaps of more than a fifth: classes of RATES, [bars].

    `line` are its pitches, `bar` the bar of each.
    """
    move = np.abs(np.diff(line.astype(np.int64)))
    repeats, steps, wide = (
        rates(is_so, bar[1:], bars) for is_so in (move == 0, (move > 0) & (move <= _STEP), move > _LEAP)
    )
    return repeats, steps, wide


def sustains(onset: Numbers, duration: Numbers, hand: Numbers, bar: Numbers, bars: int) -> Numbers:
    """Return the class of SUSTAINS of each bar, [bars]: the median of the onsets of the notes `hand`, a mask.

    Of the notes of an onset, the one written first counts.
    """
    begins, first = np.unique(onset[hand], return_index=True)
    step = np.diff(begins)
    if not len(step):
        return np.zeros(bars, np.int64)
    kind = 1 + np.searchsorted(_SUSTAIN_EDGES, duration[hand][first[:-1]] / step)
    table = np.zeros((bars, SUSTAINS), np.int64)
    np.add.at(table, (bar[hand][first[:-1]], kind), 1)
    total = table.sum(axis=1)
    median = (table.cumsum(axis=1) < (total[:, None] + 1) // 2).sum(axis=1)
    return np.where(total > 0, median, 0)


def motion(pitch: Numbers) -> tuple[int, int, int]:
    """Return the classes of MOTIONS of a line of pitches.

    Share of repeated pitches, share of steps of at most a whole tone, and mean number of moves in one direction.
    """
    moves = np.diff(pitch.astype(np.int64))
    if len(moves) < _LINE:
        return 0, 0, 0
    repeats = (moves == 0).mean()
    steps = ((moves != 0) & (np.abs(moves) <= _STEP)).mean()
    directions = np.sign(moves[moves != 0])
    runs = len(directions) / (1 + np.count_nonzero(np.diff(directions))) if len(directions) else 1.0
    found = ((_REPEAT_EDGES, repeats), (_STEP_EDGES, steps), (_RUN_EDGES, runs))
    repeated, stepwise, directed = (1 + int(np.searchsorted(edges, value)) for edges, value in found)
    return repeated, stepwise, directed


def line_moves(line: Numbers, bar: Numbers, bars: int) -> tuple[Numbers, Numbers]:
    """Return how often a line turns, and how many of its moves are steps, around each bar: classes of MOTIONS, [bars].

    `line` are its pitches, `bar` the bar of each. Repeated pitches are no moves.
    """
    moves = np.diff(line.astype(np.int64))
    is_move = moves != 0
    size, at = moves[is_move], bar[1:][is_move]
    turns = np.diff(np.sign(size)) != 0
    shares = ((at[1:], turns, _TURN_EDGES), (at, np.abs(size) <= _STEP, _MOVE_EDGES))
    found = []
    for where, is_so, edges in shares:
        count = _around(np.bincount(where, minlength=bars))
        share = _around(np.bincount(where[is_so], minlength=bars)) / np.maximum(count, 1)
        found.append(np.where(count >= _LINE, 1 + np.searchsorted(edges, share), 0))
    return found[0], found[1]


def chromas(pitch: Numbers, bar: Numbers, bars: int) -> Numbers:
    """Return the set of pitch classes that begin in each bar, [bars]."""
    held = np.zeros(bars, np.int64)
    np.bitwise_or.at(held, bar, 1 << (pitch.astype(np.int64) % 12))
    return held


def scales(bar: Numbers, pitch: Numbers, bars: int) -> Numbers:
    """Return the class of SCALES of each bar, [bars], from the bars around it; that of the bar before if it fits as well."""
    count = np.zeros((bars, 12))
    np.add.at(count, (bar, pitch % 12), 1)
    total = np.concatenate([np.zeros((1, 12)), count.cumsum(axis=0)])
    at = np.arange(bars)
    around = total[np.minimum(at + _BESIDE + 1, bars)] - total[np.maximum(at - _BESIDE, 0)]
    fits = around @ _MAJOR.T / np.maximum(around.sum(axis=1, keepdims=True), 1)
    scale = np.zeros(bars, np.int64)
    for now in range(bars):
        best = int(fits[now].argmax())
        before = scale[now - 1] - 1 if now else best
        scale[now] = 1 + (before if fits[now, before] + _STAYS >= fits[now, best] else best)
    return scale


def lengths(duration: Numbers, hand: Numbers, bar: Numbers, bars: int) -> Numbers:
    """Return the class of LENGTHS of each bar, [bars]: the mean of the notes `hand`, a mask, in the bars around it."""
    total, count = (
        _around(np.bincount(bar[hand], weights, minlength=bars))
        for weights in (duration[hand].astype(np.float64), None)
    )
    kind = 1 + np.searchsorted(_LENGTH_EDGES, total / np.maximum(count, 1))
    return np.where(count > 0, kind, 0)


def loudness(velocity: Numbers, bar: Numbers, bars: int) -> tuple[Numbers, Numbers]:
    """Return the classes of LOUDNESSES and ACCENTS of each bar, each [bars]."""
    count = np.bincount(bar, minlength=bars)
    mean = np.bincount(bar, velocity, minlength=bars) / np.maximum(count, 1)
    square = np.bincount(bar, velocity.astype(np.float64) ** 2, minlength=bars) / np.maximum(count, 1)
    spread = np.sqrt(np.maximum(square - mean**2, 0))
    classes = (1 + mean.astype(np.int64) // 8, 1 + np.searchsorted(_ACCENT_EDGES, spread))
    loud, accents = (np.where(count > 0, kind, 0) for kind in classes)
    return loud, accents


def _around(count: Numbers) -> Numbers:
    """Return sums over the bars around each bar, [bars, ...]."""
    bars = len(count)
    total = np.concatenate([np.zeros_like(count[:1]), count.cumsum(axis=0)])
    at = np.arange(bars)
    sums: Numbers = total[np.minimum(at + _PART + 1, bars)] - total[np.maximum(at - _PART, 0)]
    return sums


def note_values(ticks: Numbers, bar: Numbers, bars: int) -> Numbers:
    """Return the sets of note values around each bar, int64 [bars, VALUE_COLUMNS].

    `ticks` are times or durations, `bar` the bar of each; 0 ticks have no value.
    """
    value = VALUES[to_class(ticks)]
    has_value = value >= 0
    count = np.zeros((bars, VALUE_COLUMNS // 2 * VALUE_BITS))
    np.add.at(count, (bar[has_value], value[has_value]), 1)
    around = _around(count)
    share = around / np.maximum(around.sum(axis=1, keepdims=True), 1)
    bits = 1 << np.arange(VALUE_BITS)
    sets = [(share >= least).reshape(bars, -1, VALUE_BITS) @ bits for least in (_OCCURS, _COMMON)]
    return np.concatenate(sets, axis=1)


def transposed_pitches(classes: Numbers, shift: int | Numbers) -> Numbers:
    """Return classes of pitch, 0 for none, else 1 + pitch, transposed by `shift` semitones; the limits are MIDI's."""
    return np.where(classes > 0, np.clip(classes + shift, 1, 128), 0)


def transposed_scales(classes: Numbers, shift: int | Numbers) -> Numbers:
    """Return classes of pitch class, 0 for none, else 1 + pitch class, transposed by `shift` semitones."""
    return np.where(classes > 0, (classes - 1 + shift) % 12 + 1, 0)


def transposed_sets(chroma: Numbers, shift: int | Numbers) -> Numbers:
    """Return sets of pitch classes, each transposed by `shift` semitones."""
    by = shift % 12
    return ((chroma << by) | (chroma >> (12 - by))) & (CHROMAS - 1)


def nearest_in_set(pitch: Numbers, chroma: Numbers) -> Numbers:
    """Return pitches moved by up to two semitones into sets of pitch classes; those that are further away stay."""
    found, is_done = pitch.copy(), np.zeros(pitch.shape, bool)
    for step in _SNAPS:
        fits = (chroma >> (pitch + step) % 12 & 1 > 0) & ~is_done
        found = np.where(fits, pitch + step, found)
        is_done |= fits
    return found.clip(0, 127)


def moved_in_scale(pitch: Numbers, low: Numbers, high: Numbers, scale: Numbers) -> Numbers:
    """Return the pitches as many steps of scales, classes of SCALES, above `pitch` as `high` is above `low`."""
    steps = _STEPS[scale - 1, pitch] + _STEPS[scale - 1, high] - _STEPS[scale - 1, low]
    moved: Numbers = _PITCH_OF_STEP[scale - 1, steps.clip(max=127)]
    return moved
