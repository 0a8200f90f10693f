"""The first notes of a piece, prepared for features: bars, chords, what sounds.

`cut` takes the first notes, on one keyboard, and drops hands and pedal, which composed pieces lack: a `Cut` holds the
arrays that all features share. The hands are the project's own estimate from these notes alone. `share` and `entropy`
summarise.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dataset.notes.form import bar_lines
from dataset.notes.hand_estimate import estimate_hands
from dataset.notes.model import Notes
from dataset.notes.pedal import next_onset

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Reals = npt.NDArray[np.float64]

LEAST = 32
"""Notes that a piece needs."""


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """The first notes of a piece. A chord is what begins at one tick, be it one note."""

    onset: Ints  # [notes], ticks of 1/24 quarter
    duration: Ints
    pitch: Ints
    velocity: Ints
    left: Flags  # the left hand plays the note, by our estimate
    lines: Ints  # [bars + 1] bar lines, from the bar of the first note
    bar: Ints  # the bar of each note
    place: Ints  # ticks from the bar line
    chord: Ints  # the chord of each note
    first: Ints  # [chords] its lowest note
    struck: Flags  # [chords, 128] pitches that begin
    sounding: Flags  # [chords, 128] pitches that begin or are still held
    notes: Notes

    @property
    def ticks(self) -> Ints:
        """The onset of each chord."""
        return self.onset[self.first]

    @property
    def bars(self) -> int:
        """Bars up to that of the last note."""
        return int(self.bar[-1]) + 1

    @property
    def top(self) -> Ints:
        """The highest pitch of each chord."""
        return self.pitch[np.append(self.first[1:], len(self.pitch)) - 1]

    @property
    def bottom(self) -> Ints:
        """The lowest pitch of each chord."""
        return self.pitch[self.first]


def cut(notes: Notes, first: int) -> Cut:
    """Return the first `first` notes; raises ValueError for fewer than LEAST notes."""
    columns = on_one_keyboard(notes.onset, notes.duration, notes.pitch, notes.velocity)
    if min(len(columns[0]), first) < LEAST:
        raise ValueError(f"a piece needs {LEAST} notes for its features, not {min(len(columns[0]), first)}")
    plain = Notes(*(column[:first] for column in columns), time_signatures=notes.time_signatures)
    onset, duration, pitch, velocity = (
        column.astype(np.int64) for column in (plain.onset, plain.duration, plain.pitch, plain.velocity)
    )
    lines = bar_lines(plain).astype(np.int64)
    bar = np.searchsorted(lines, onset, side="right") - 1
    begins = np.diff(onset, prepend=onset[0] - 1) > 0
    chord, lowest = np.cumsum(begins) - 1, np.flatnonzero(begins)
    struck = np.zeros((len(lowest), 128), np.bool_)
    struck[chord, pitch] = True
    held = np.zeros((len(lowest) + 1, 128), np.int64)
    np.add.at(held, (chord, pitch), 1)
    np.add.at(held, (np.searchsorted(onset[lowest], onset + duration), pitch), -1)
    left = estimate_hands(onset, duration, pitch) == 2
    sounding = held[:-1].cumsum(axis=0) > 0
    return Cut(
        onset, duration, pitch, velocity, left, lines, bar, onset - lines[bar], chord, lowest, struck, sounding, plain
    )


def on_one_keyboard(onset: Ints, duration: Ints, pitch: Ints, velocity: Ints) -> tuple[Ints, ...]:
    """Return the notes as one keyboard plays them, sorted by onset, then pitch.

    Files with several tracks strike a key twice at once, or again while it is down, and no pianist can. Of two notes at
    once the longer one is kept, and a note ends where its key is struck again.
    """
    order = np.lexsort((-duration, pitch, onset))
    once = order[np.append(True, (np.diff(onset[order]) != 0) | (np.diff(pitch[order]) != 0))]
    onset, duration, pitch, velocity = (column[once].astype(np.int64) for column in (onset, duration, pitch, velocity))
    return onset, np.minimum(duration, next_onset(onset, pitch) - onset), pitch, velocity


def share(flags: npt.ArrayLike) -> float:
    """Return the share of true values, 0 of none."""
    values = np.asarray(flags)
    return float(values.mean()) if values.size else 0.0


def entropy(values: npt.ArrayLike) -> float:
    """Return the entropy of the values' histogram, in bits."""
    count = np.unique(np.asarray(values), return_counts=True)[1]
    part = count / max(1, count.sum())
    return abs(float(part @ np.log2(part)))
