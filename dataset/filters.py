"""Which pieces a corpus leaves out by what their notes measure: each filter gives a stable reason, or None.

Pure. The limits only part music from what is none (a jingle of one chord, an endless loop, a machine's wall of notes, a
song without piano); how a piece is played or quantised is never a reason. Lengths are in beats and seconds, never ticks.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from dataset.measure import Measures


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The thresholds, with what the 721 pieces of VGMusic's piano section measure (smallest, median, largest)."""

    least_notes: int = 16  # 8, 693, 7107: one piece of 8 notes falls, the next has 20
    least_beats: float = 4.0  # 6, 196, 1729
    least_seconds: float = 2.0  # 2.9, 96, 864: a game-over jingle is music
    most_beats: float = 4000.0
    most_seconds: float = 1800.0
    least_pitches: int = 4  # 4, 33, 80
    most_notes_a_second: float = 100.0  # 0.9, 7.1, 27
    least_piano_share: float = 0.5  # 0, 1, 1: three pieces have no piano at all, the next one 0.72
    most_drum_share: float = 0.5  # 0, 0, 0.28


DEFAULT_LIMITS = Limits()


class Verdict(NamedTuple):
    """Why a piece is left out: a stable snake_case reason, and the value that decided."""

    reason: str
    detail: str


Filter = Callable[[Measures, Limits], Verdict | None]


def too_few_notes(piece: Measures, limits: Limits) -> Verdict | None:
    """Too few notes to learn anything from."""
    if piece.notes < limits.least_notes:
        return Verdict("too_few_notes", f"{piece.notes} notes, at least {limits.least_notes}")
    return None


def too_short(piece: Measures, limits: Limits) -> Verdict | None:
    """Shorter than a bar, in beats or in seconds."""
    beats, length_s = piece.beats or 0.0, piece.duration_s or 0.0
    if beats < limits.least_beats:
        return Verdict("too_short", f"{beats:.2f} beats, at least {limits.least_beats:g}")
    if length_s < limits.least_seconds:
        return Verdict("too_short", f"{length_s:.2f} s, at least {limits.least_seconds:g}")
    return None


def too_long(piece: Measures, limits: Limits) -> Verdict | None:
    """Longer than music is, in beats or in seconds: an endless loop or a broken time."""
    beats, length_s = piece.beats or 0.0, piece.duration_s or 0.0
    if beats > limits.most_beats:
        return Verdict("too_long", f"{beats:.0f} beats, at most {limits.most_beats:g}")
    if length_s > limits.most_seconds:
        return Verdict("too_long", f"{length_s:.0f} s, at most {limits.most_seconds:g}")
    return None


def too_few_pitches(piece: Measures, limits: Limits) -> Verdict | None:
    """A beep rather than a tune."""
    if piece.pitches < limits.least_pitches:
        return Verdict("too_few_pitches", f"{piece.pitches} different pitches, at least {limits.least_pitches}")
    return None


def too_dense(piece: Measures, limits: Limits) -> Verdict | None:
    """More notes a second than any number of hands could play."""
    density = piece.note_density or 0.0
    if density > limits.most_notes_a_second:
        return Verdict("too_dense", f"{density:.1f} notes a second, at most {limits.most_notes_a_second:g}")
    return None


def not_piano(piece: Measures, limits: Limits) -> Verdict | None:
    """Mostly played by other instruments than a General MIDI piano."""
    share = piece.piano_share or 0.0
    if share < limits.least_piano_share:
        return Verdict("not_piano", f"{share:.2f} of the notes are piano, at least {limits.least_piano_share:g}")
    return None


def mostly_drums(piece: Measures, limits: Limits) -> Verdict | None:
    """What is left without the drums is the smaller part of the piece."""
    share = piece.drum_share or 0.0
    if share > limits.most_drum_share:
        return Verdict("mostly_drums", f"{share:.2f} of the notes are drums, at most {limits.most_drum_share:g}")
    return None


FILTERS: tuple[Filter, ...] = (
    mostly_drums,
    not_piano,
    too_few_notes,
    too_short,
    too_long,
    too_few_pitches,
    too_dense,
)


def judge(piece: Measures, limits: Limits) -> Verdict | None:
    """Return the first verdict against a piece in the order of FILTERS, or None where it stays."""
    return next((verdict for each in FILTERS if (verdict := each(piece, limits)) is not None), None)
