"""The records of a score: bars, staves, chords, note heads, and its origin.

`dataset.notation.score` makes them from `Notes`, and `dataset.notation.musicxml` writes them.
"""

from dataclasses import dataclass

from dataset.notation.rhythm import Value
from dataset.notation.staves import Clef
from dataset.notes.meter import Bar


@dataclass(frozen=True, slots=True, kw_only=True)
class Credits:
    """The origin of a piece; empty where it is not known."""

    game: str = ""
    series: str = ""
    sequencer: str = ""  # who made the MIDI file
    source: str = ""  # the site of the file, or its address


NO_CREDITS = Credits()


@dataclass(frozen=True, slots=True)
class Head:
    """One note head; `note` is its index in the `Notes`, `alter` is in semitones."""

    note: int
    pitch: int
    letter: str
    alter: int
    octave: int
    accidental: int | None  # the printed alteration in semitones, or None
    tied_from: bool
    tied_to: bool


@dataclass(frozen=True, slots=True)
class Element:
    """One written value of a voice: a chord of `heads`, or a rest."""

    value: Value | None  # None for a rest of a whole bar
    ticks: int
    heads: tuple[Head, ...]
    beams: tuple[str, ...] = ()
    is_hidden: bool = False
    tuplet: str | None = None  # "start" or "stop" of the tuplet of its value
    bracket: bool = True
    is_staccato: bool = False


@dataclass(frozen=True, slots=True)
class Staff:
    """A staff of one bar: its clef, and one or two voices that fill the bar."""

    clef: Clef
    voices: tuple[tuple[Element, ...], ...]


@dataclass(frozen=True, slots=True)
class Measure:
    """One bar of a score, and what holds for both of its staves.

    bar       where it lies, its number and time signature
    staves    upper, lower
    tempos    (tick in the bar, quarter notes a minute, whether it is printed)
    fifths    the sharps of the key signature in force, or the flats below 0
    mode      "major" or "minor"
    pedals    (tick in the bar, whether the sustain pedal goes down there); a release at the end of the bar is in this bar
    """

    bar: Bar
    staves: tuple[Staff, Staff]
    tempos: tuple[tuple[int, float, bool], ...]
    fifths: int = 0
    mode: str | None = None
    pedals: tuple[tuple[int, bool], ...] = ()


@dataclass(frozen=True, slots=True)
class Score:
    """A piece as written.

    `fifths` and `mode` are the key signature of the first bar, as in `Measure`.
    """

    title: str
    fifths: int
    mode: str | None
    measures: tuple[Measure, ...]
    credits: Credits = NO_CREDITS
