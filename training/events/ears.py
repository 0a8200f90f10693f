"""What sounds at a coming note: pitches struck with it, pitches held, and the chord before. Pure NumPy.

Each group of pitches is a slot range of `COUNTS` columns: pitch + 1, the latest and highest first; 0 for none.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from training.events import character

COUNTS = {"struck": 5, "held": 6, "chord": 5, "top": 1, "bass": 1, "left": 1, "right": 1}
"""Columns of each group: notes struck at the coming onset so far, notes held over it, and the notes, the highest note
and the lowest note of the last chord before it; and where a plan parts the hands, the lowest note of the left hand's
last chord before it and the highest note of the right hand's."""

GROUPS = tuple((name, sum([*COUNTS.values()][:at]), count) for at, (name, count) in enumerate(COUNTS.items()))
"""Name, first column and number of columns of each group."""

RELEASES = 3
"""Ticks from the last onset to the release of its highest note, and to the first and the last release of all notes."""

LINE = ("lastabove_interval", "lasttop_interval", "owntop_interval", "ownleft_interval", "ownright_interval")
"""Intervals along lines. Before the time: from the highest note of the chord before the last onset to the last note, and
to it from the highest note of the chord before. Before the pitch: to the highest note of the last chord, from that of
the chord before; and where a plan parts the hands, the same of the lowest notes of the left hand, and of the highest
notes of the right one."""
LINE_BEFORE = 2
"""Number of them that are known before the time."""
HAND_COLUMNS = 2
"""Last columns of the groups and of LINE, which depend on the plan."""
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

    `pitch`, `onset` and `end` [streams, notes] are those of the past, the latest note first, in ticks. Those of the hands
    are left empty.
    """
    out = np.zeros((len(now), SLOTS), np.int16)
    count = pitch.shape[1]
    if not count:
        return out
    struck, held, chord, top, bass, *_ = (slice(first, first + width) for _, first, width in GROUPS)
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


class HandChords:
    """The last three chords of each hand, be they one note: left, then right."""

    def __init__(self, streams: int) -> None:
        self._pitch = np.zeros(
            (2, 2, COUNTS["chord"], streams), np.int16
        )  # [latest and before, hand], ascending; 0 for none
        self._count = np.zeros((2, 2, streams), np.int16)
        self._end = np.zeros(
            (3, 2, streams), np.int16
        )  # the lowest note of the left hand, the highest of the right one
        self._onset = np.full((2, streams), -1, np.int32)
        self._rows = np.arange(streams)

    def keep(self, rows: Numbers) -> None:
        """Keep only these streams."""
        for name in ("_pitch", "_count", "_end", "_onset"):
            setattr(self, name, getattr(self, name)[..., rows])
        self._rows = np.arange(len(rows))

    def add(self, onset: Numbers, pitch: Numbers, of_left: Numbers) -> None:
        """Append a note to each stream."""
        hand, rows = 1 - of_left, self._rows
        is_new = np.array([of_left, ~of_left]) & (self._onset != onset)
        latest = np.where(is_new[:, None], 0, self._pitch[0])
        count = np.where(is_new, 0, self._count[0])
        self._pitch = np.array([latest, np.where(is_new[:, None], self._pitch[0], self._pitch[1])])
        self._count = np.array([count, np.where(is_new, self._count[0], self._count[1])])
        ends = np.where(is_new, self._end[[0, 0, 1]], self._end)
        number = count[hand, rows]
        self._pitch[0, hand, np.minimum(number, COUNTS["chord"] - 1), rows] = pitch + 1
        ends[0, hand, rows] = np.where(of_left & (number > 0), ends[0, hand, rows], pitch + 1)
        self._count[0, hand, rows] += 1
        self._end = ends
        self._onset = np.where(is_new, onset, self._onset)

    def ends(self, now: Numbers) -> Numbers:
        """Return the outer notes of the two last chords of each hand before onsets `now`, [chord, hand, streams].

        They are pitch + 1; 0 for none.
        """
        before: Numbers = np.where(self._onset == now, self._end[1:], self._end[:2])
        return before

    def next_pitch(self, last: Numbers, hand: Numbers, scale: Numbers, chroma: Numbers) -> tuple[Numbers, Numbers]:
        """Return the pitch that continues the chords that end with `last` as the hands' chords before; and if there is one.

        The interval is that above the note in the same place of the chord before. If the hand's bar, whose set of pitch
        classes is `chroma`, does not have that pitch, the interval is counted in steps of the `scale`, a class of
        `character.SCALES`, so that thirds become major or minor.
        """
        count, rows = self._count[0, hand, self._rows], self._rows
        at = np.minimum(count, COUNTS["chord"] - 1)
        below = np.maximum(at - 1, 0)
        low, high = self._pitch[1, hand, np.array([below, at]), rows].astype(np.int64) - 1
        same = last + high - low
        in_scale = character.moved_in_scale(last, np.maximum(low, 0), np.maximum(high, 0), scale)
        pitch = np.where(chroma >> same % 12 & 1 > 0, same, in_scale)
        return pitch.clip(0, 127), (high > low) & (low >= 0) & (scale > 0) & (pitch > last) & (pitch <= 127)
