"""What sounds at a coming note: pitches struck with it, pitches held, and the chord before. Pure NumPy.

Each group of pitches is a slot range of `COUNTS` columns: pitch + 1, the latest and highest first; 0 for none.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

COUNTS = {"struck": 5, "held": 6, "chord": 5, "top": 1, "bass": 1}
"""Columns of each group: notes struck at the coming onset so far, notes held over it, and the notes, the highest note
and the lowest note of the last chord before it."""

GROUPS = tuple((name, sum([*COUNTS.values()][:at]), count) for at, (name, count) in enumerate(COUNTS.items()))
"""Name, first column and number of columns of each group."""

RELEASES = 3
"""Ticks from the last onset to the release of its highest note, and to the first and the last release of all notes."""

LINE = ("lastabove_interval", "lasttop_interval", "owntop_interval")
"""Intervals along the top line. Before the time: from the highest note of the chord before the last onset to the last
note, and to it from the highest note of the chord before. Before the pitch: to the highest note of the last chord, from
that of the chord before."""
INTERVALS = 50
"""Classes of an interval: 0 unknown, else 25 + semitones, from −24 to 24."""

SOUNDING = COUNTS["struck"] + COUNTS["held"]
"""First columns of all: pitches that sound at the coming onset."""

SLOTS = sum(COUNTS.values())
RECENT = 64  # latest notes that are searched

Numbers = npt.NDArray[Any]


def releases(onset: Numbers, end: Numbers, last: Numbers, limit: int) -> npt.NDArray[np.int16]:
    """Return the ticks [streams, RELEASES] from the last onset to releases, at most `limit`.

    `onset` and `end` [streams, notes] are those of the past, the latest note first; `last` [streams] is the last onset.
    """
    left = end - last[:, None]
    sounds = (left > 0) & (onset >= 0)
    first = np.where(sounds, left, limit).min(axis=1, initial=limit)
    longest = np.where(sounds, left, 0).max(axis=1, initial=0)
    ticks = np.empty((len(last), RELEASES), np.int16)
    ticks[:, 0], ticks[:, 1], ticks[:, 2] = np.minimum(left[:, 0], limit), first, np.minimum(longest, limit)
    return ticks


def interval(lower: Numbers, upper: Numbers) -> Numbers:
    """Return the class of INTERVALS from one pitch to another, both as pitch + 1; 0 stands for none."""
    steps = np.minimum(np.maximum(upper.astype(np.int16) - lower, -24), 24) + 25  # np.clip is slow
    return np.where((lower > 0) & (upper > 0), steps, 0)


def heard(pitch: Numbers, onset: Numbers, end: Numbers, now: Numbers) -> npt.NDArray[np.int16]:
    """Return the groups of pitches [streams, SLOTS] at the onsets `now` [streams].

    `pitch`, `onset` and `end` [streams, notes] are those of the past, the latest note first, in ticks.
    """
    out = np.zeros((len(now), SLOTS), np.int16)
    count = pitch.shape[1]
    if not count:
        return out
    struck, held, chord, top, bass = (slice(first, first + width) for _, first, width in GROUPS)
    before, one_above = onset < now[:, None], pitch.astype(np.int16) + 1
    nearest = slice(min(count, COUNTS["struck"]))
    out[:, struck][:, nearest] = one_above[:, nearest] * ~before[:, nearest]
    rows, notes = np.nonzero(before & (end > now[:, None]))
    nth = np.arange(len(rows)) - rows.searchsorted(rows)  # of the notes of its row
    few = nth < COUNTS["held"]
    out[:, held][rows[few], nth[few]] = one_above[rows[few], notes[few]]
    # the notes of the last chord follow one another, the highest first
    each = np.arange(len(now))
    first = before.argmax(axis=1)
    last = np.where(before[:, -1], onset[each, first], -1)
    at = first[:, None] + np.arange(COUNTS["chord"])
    within = np.minimum(at, count - 1)
    out[:, chord] = one_above[each[:, None], within] * ((onset[each[:, None], within] == last[:, None]) & (at < count))
    out[:, top] = out[:, chord][:, :1]
    lowest = (onset >= last[:, None]).sum(axis=1) - 1
    out[:, bass] = (one_above[each, lowest] * before[:, -1])[:, None]
    return out
