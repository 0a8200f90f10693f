"""Arrange notes as a piano score of two staves.

It decides hands, voices, values, rests, beams, ties, accidentals, clefs and tempos. In: `Notes`; out: a `Score` of
plain records, which `dataset.notation.musicxml` writes. All decisions that depend on the music are made here and in the
modules used; the layout on paper is left to the engraver. Pure.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from dataset.measures.keys import key_of
from dataset.notation.bounds import check_size
from dataset.notation.quantise import lead_in, quantised
from dataset.notation.rhythm import Value, beams_of, values_of
from dataset.notation.spelling import FIFTHS, fifths_of, name_of, signature_of
from dataset.notation.staves import Clef, clefs, lower_staff
from dataset.notation.voices import Stroke, assign_voices, written_strokes
from dataset.notes.meter import Bar, bars_of
from dataset.notes.model import Notes

TEMPO_THRESHOLD = 0.06  # a tempo closer than this to the last printed one is not printed
MIN_TEMPO_QUARTERS = 4  # nor is a shorter one, so that a ritardando does not become a row of metronome marks


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
    triplet: str | None = None  # "start" or "stop" of the triplet of its value
    bracket: bool = True


@dataclass(frozen=True, slots=True)
class Staff:
    """A staff of one bar: its clef, and one or two voices that fill the bar."""

    clef: Clef
    voices: tuple[tuple[Element, ...], ...]


@dataclass(frozen=True, slots=True)
class Measure:
    """One bar of a score, with its tempos.

    A tempo is (tick in the bar, quarters a minute, is printed).
    """

    bar: Bar
    staves: tuple[Staff, Staff]  # upper, lower
    tempos: tuple[tuple[int, float, bool], ...]


@dataclass(frozen=True, slots=True)
class Score:
    """A piece as written.

    `fifths` are the sharps of the key signature, or below 0 the flats; `mode` is major or minor.
    """

    title: str
    fifths: int
    mode: str | None
    measures: tuple[Measure, ...]


def score_of(notes: Notes, *, title: str = "", exact: bool = False) -> Score:
    """Return `notes` as a score.

    With `exact`, every onset and length is that of the notes, on the grid of 1/24 quarter. Otherwise the score is made
    for reading: played onsets move to the nearest plain place (`dataset.notation.quantise`), a piece that is off the
    beat throughout is shifted, and lengths omit small gaps between notes and whatever a later note of the voice cuts
    off. In both cases a note that is struck again while it sounds ends there, and of notes with the same pitch and
    onset the longest is written. The key signature is that of `keys.key_of`; a bar that a time signature cuts short
    becomes a short bar. Raises DatasetError for a piece beyond the limits of `bounds`, before the score is made.
    """
    check_size(notes)
    key, lower = key_of(notes) if len(notes) else None, lower_staff(notes)
    onset, end = notes.onset.astype(np.int64), notes.end.astype(np.int64)
    last = int(end.max()) if len(notes) else 1
    late = 0 if exact else lead_in(notes)
    bars = bars_of(notes.time_signatures, last - late)
    if not exact:
        onset, end = quantised(notes, lower, bars, late)
        if len(notes) and end.max() > bars[-1].end:
            bars = bars_of(notes.time_signatures, int(end.max()))
    fifths = fifths_of(notes, key)
    signature = FIFTHS[key] if key is not None else 0
    staves = []
    columns = (notes.pitch.tolist(), onset.tolist(), end.tolist())
    all_strokes = written_strokes([Stroke(note, *row) for note, row in enumerate(zip(*columns, strict=True))])
    for is_lower in (False, True):
        strokes = [stroke for stroke in all_strokes if lower[stroke.note] == is_lower]
        signs = clefs(_pitch_ranges(strokes, bars), lower=is_lower)
        voices = [_spans(voice, bars, exact=exact) for voice in assign_voices(strokes, bars)]
        staves.append(list(_staves(bars, signs, voices, fifths.tolist(), signature)))
    tempos = _tempos(notes, bars)
    measures = tuple(
        Measure(bar, (upper, below), marks) for bar, upper, below, marks in zip(bars, *staves, tempos, strict=True)
    )
    return Score(title, signature, key.split()[1] if key else None, measures)


Span = tuple[int, int, tuple[tuple[Stroke, bool, bool], ...]]  # first tick, tick after; strokes, tied from, tied to


def _spans(voice: list[Stroke], bars: list[Bar], *, exact: bool) -> list[list[Span]]:
    """Return for each bar what the voice plays; spans without strokes are rests."""
    strokes = voice if exact else _with_plain_ends(voice, bars)
    cuts = {bar.start for bar in bars} | {bars[-1].end}
    starting: dict[int, list[Stroke]] = {}
    for stroke in strokes:
        cuts.update((stroke.start, stroke.end))
        starting.setdefault(stroke.start, []).append(stroke)
    firsts = [bar.start for bar in bars]
    found: list[list[Span]] = [[] for _ in bars]
    sounding: list[Stroke] = []
    for start, end in pairwise(sorted(cuts)):
        sounding = [stroke for stroke in sounding if stroke.end > start] + starting.get(start, [])
        heads = tuple(
            (stroke, stroke.start < start, stroke.end > end) for stroke in sorted(sounding, key=lambda s: s.pitch)
        )
        own = found[bisect_right(firsts, start) - 1]
        if own and not heads and not own[-1][2]:
            own[-1] = (own[-1][0], end, ())
        else:
            own.append((start, end, heads))
    return found


def _with_plain_ends(voice: list[Stroke], bars: list[Bar]) -> list[Stroke]:
    """Return the strokes of a voice with ends for reading.

    A chord ends as a whole, at the next chord or at a plain place.
    """
    found: list[Stroke] = []
    starts = sorted({stroke.start for stroke in voice})
    ends: dict[int, int] = {}
    for stroke in voice:
        ends[stroke.start] = max(ends.get(stroke.start, 0), stroke.end)
    firsts = [bar.start for bar in bars]
    for start, following in pairwise([*starts, bars[-1].end]):
        bar = bars[bisect_right(firsts, start) - 1]
        ends[start] = _plain_end(start, min(ends[start], following), following, bar)
    for stroke in voice:
        found.append(replace(stroke, end=ends[stroke.start]))
    return found


def _plain_end(start: int, end: int, following: int, bar: Bar) -> int:
    """Return the written end of a chord that sounds from `start` to `end`.

    The next chord is at `following`.
    """
    free = following - start
    beat = bar.start + next(b for b in bar.beats if bar.start + b > start) - start
    if end - start >= free / 2 and following - end <= 24:
        return following
    if free <= beat and (end - start) * 3 >= free:
        return following  # a short note within its beat is a note of that beat
    lengths = (6, 12, 24, 36, 48, 72, 96) if (start - bar.start) % 3 == 0 else (8, 16, 24, 48)
    length = next((length for length in lengths if start + length >= end), end - start)
    return min(following, start + length) if end - start < 96 else end


def _staves(
    bars: list[Bar], clefs: list[Clef], voices: list[list[list[Span]]], fifths: list[int], signature: int
) -> Iterator[Staff]:
    """Yield the staff of each bar."""
    for place, bar in enumerate(bars):
        spans = [voice[place] for voice in voices]
        used = [any(strokes for _, _, strokes in voice) for voice in spans]
        if not used[0] and used[1]:
            spans = spans[1:]
        elif not used[1]:
            spans = spans[:1]
        signs = _accidentals([span for voice in spans for span in voice], fifths, signature)
        yield Staff(
            clefs[place], tuple(_voice(bar, voice, fifths, signs, second=n > 0) for n, voice in enumerate(spans))
        )


def _accidentals(spans: list[Span], fifths: list[int], signature: int) -> dict[tuple[int, int], int]:
    """Return the accidentals to print in one bar of a staff.

    The result is {(start, pitch): semitones}.
    """
    state: dict[tuple[str, int], int] = {}
    usual, found = signature_of(signature), {}
    for start, _, heads in sorted(spans, key=lambda span: span[0]):
        for stroke, tied_from, _ in heads:
            letter, alter, octave = name_of(fifths[stroke.note], stroke.pitch)
            if tied_from:
                continue  # the accidental is at the start of the tied note
            if state.get((letter, octave), usual[letter]) != alter or _shares_line(
                heads, stroke, fifths, letter, octave
            ):
                found[start, stroke.pitch] = alter
            state[letter, octave] = alter
    return found


def _shares_line(
    heads: tuple[tuple[Stroke, bool, bool], ...], stroke: Stroke, fifths: list[int], letter: str, octave: int
) -> bool:
    """Return whether a note of the chord has the same line, altered differently."""
    names = [name_of(fifths[other.note], other.pitch) for other, _, _ in heads if other.pitch != stroke.pitch]
    return any((name, height) == (letter, octave) for name, _, height in names)


def _voice(
    bar: Bar, spans: list[Span], fifths: list[int], signs: dict[tuple[int, int], int], *, second: bool
) -> tuple[Element, ...]:
    if bar.is_whole and not any(strokes for _, _, strokes in spans):  # otherwise readers expect a whole bar
        return (Element(None, bar.ticks, ()),)
    values = values_of(bar, [(start - bar.start, end - bar.start, not heads) for start, end, heads in spans])
    flat = [(span, value, own) for span, own in zip(spans, values, strict=True) for value in own]
    beams = beams_of(bar, [(value, bool(span[2])) for span, value, _ in flat])
    elements = []
    for place, ((_, _, strokes), value, own) in enumerate(flat):
        heads = tuple(
            Head(
                stroke.note,
                stroke.pitch,
                *name_of(fifths[stroke.note], stroke.pitch),
                accidental=signs.get((bar.start + value.start, stroke.pitch)),
                tied_from=tied_from or value is not own[0],
                tied_to=tied_to or value is not own[-1],
            )
            for stroke, tied_from, tied_to in strokes
        )
        element = Element(value, value.ticks, heads, beams[place], is_hidden=second and not heads)
        elements.append(_bracketed(element, place, [(v, b) for (_, v, _), b in zip(flat, beams, strict=True)]))
    return tuple(elements)


def _bracketed(element: Element, place: int, row: list[tuple[Value, tuple[str, ...]]]) -> Element:
    """Return the element with the start or stop of its triplet, if at an end.

    A triplet under one beam needs no bracket.
    """
    number = row[place][0].triplet
    if number is None:
        return element
    inside = [index for index, (value, _) in enumerate(row) if value.triplet == number]
    if len(inside) < 2 or place not in (inside[0], inside[-1]):
        return element
    outer = [beams[0] if beams else "" for _, beams in (row[index] for index in inside)]
    beamed = outer[0] in ("begin", "continue") and outer[-1] in ("continue", "end") and set(outer[1:-1]) <= {"continue"}
    return replace(element, triplet="start" if place == inside[0] else "stop", bracket=not beamed)


def _pitch_ranges(strokes: list[Stroke], bars: list[Bar]) -> list[tuple[int, int] | None]:
    """Return the lowest and highest pitch that starts in each bar, or None."""
    firsts = [bar.start for bar in bars]
    found: list[tuple[int, int] | None] = [None] * len(bars)
    for stroke in strokes:
        at = bisect_right(firsts, stroke.start) - 1
        low, high = found[at] or (stroke.pitch, stroke.pitch)
        found[at] = min(low, stroke.pitch), max(high, stroke.pitch)
    return found


def _tempos(notes: Notes, bars: list[Bar]) -> list[tuple[tuple[int, float, bool], ...]]:
    """Return the tempos of each bar; printed are those that last and differ enough."""
    found: list[list[tuple[int, float, bool]]] = [[] for _ in bars]
    starts, last_printed = [bar.start for bar in bars], 0.0
    for (tick, qpm), (until, _) in pairwise([*notes.tempos, (bars[-1].end, 0.0)]):
        if tick >= bars[-1].end:
            break
        lasts = until - tick >= MIN_TEMPO_QUARTERS * 24 or tick == 0
        is_printed = lasts and abs(qpm - last_printed) > TEMPO_THRESHOLD * last_printed
        last_printed = qpm if is_printed else last_printed
        at = bisect_left(starts, tick + 1) - 1
        found[at].append((tick - starts[at], qpm, is_printed))
    return [tuple(marks) for marks in found]
