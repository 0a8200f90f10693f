"""Notes to a score of two staves as a pianist reads it: hands, voices, values, rests, beams, ties, accidentals, clefs, tempos.

In: `Notes`; out: a `Score` of plain records, which `dataset.notation.musicxml` writes. Pure: every decision of engraving that depends
on the music is made here and in the modules it calls; where things stand on paper is the engraver's.
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

TEMPO_THRESHOLD = 0.06  # a tempo that differs by less from the one that was printed is not printed
MIN_TEMPO_QUARTERS = 4  # nor is one that does not last so long: a slowing down is no row of metronome marks


@dataclass(frozen=True, slots=True)
class Head:
    """One note head: `note` is the index in the `Notes`; an alteration is in semitones; `accidental` is what stands before it."""

    note: int
    pitch: int
    letter: str
    alter: int
    octave: int
    accidental: int | None  # the alteration that is printed, None for none
    tied_from: bool
    tied_to: bool


@dataclass(frozen=True, slots=True)
class Element:
    """What one voice does for one written value: a chord of `heads`, or a rest, which may be left to the eye of the reader."""

    value: Value | None  # None for a rest of a whole bar
    ticks: int
    heads: tuple[Head, ...]
    beams: tuple[str, ...] = ()
    is_hidden: bool = False
    triplet: str | None = None  # "start" or "stop" of the triplet of its value
    bracket: bool = True


@dataclass(frozen=True, slots=True)
class Staff:
    """A staff of one bar: its clef, and one or two voices, each of which fills the bar."""

    clef: Clef
    voices: tuple[tuple[Element, ...], ...]


@dataclass(frozen=True, slots=True)
class Measure:
    """One bar of a score, and the tempos within it: (tick in the bar, quarters a minute, whether it is printed)."""

    bar: Bar
    staves: tuple[Staff, Staff]  # upper, lower
    tempos: tuple[tuple[int, float, bool], ...]


@dataclass(frozen=True, slots=True)
class Score:
    """A piece as it is written. `fifths` are the sharps of its signature, or the flats below 0; `mode` is major or minor."""

    title: str
    fifths: int
    mode: str | None
    measures: tuple[Measure, ...]


def score_of(notes: Notes, *, title: str = "", exact: bool = False) -> Score:
    """Return `notes` as a score.

    With `exact`, every onset and length is that of the notes, on the grid of 1/24 quarter. Without, it is the score that
    one would print: onsets that somebody played stand on the nearest plain place (`dataset.notation.quantise`), all are moved
    where a piece lies beside its beat throughout, and a note is
    as long as a player reads it, without the little gaps between notes and without what a later note of its voice
    cuts off. Either way a note that is struck again while it sounds ends there, and of notes of one pitch and onset the
    longest is written. The key signature is that of `keys.key_of`; a bar that a time signature cuts short is a short bar.
    Raises DatasetError, before anything is made, for a piece beyond `bounds`.
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
    """Return for each bar what the voice does from its first tick to its last; spans without strokes are rests."""
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
    """Return the strokes of a voice as one reads them: chords that end together, at the next chord or at a plain place."""
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
    """Return where a chord ends in print that sounds from `start` to `end`, before the chord at `following`."""
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
    """Return the alterations to print in one bar of a staff: (start, pitch) → semitones, in the order in which they are read."""
    state: dict[tuple[str, int], int] = {}
    usual, found = signature_of(signature), {}
    for start, _, heads in sorted(spans, key=lambda span: span[0]):
        for stroke, tied_from, _ in heads:
            letter, alter, octave = name_of(fifths[stroke.note], stroke.pitch)
            if tied_from:
                continue  # the sign stands before the note where it began
            if state.get((letter, octave), usual[letter]) != alter or _shares_line(
                heads, stroke, fifths, letter, octave
            ):
                found[start, stroke.pitch] = alter
            state[letter, octave] = alter
    return found


def _shares_line(
    heads: tuple[tuple[Stroke, bool, bool], ...], stroke: Stroke, fifths: list[int], letter: str, octave: int
) -> bool:
    """Return whether another note of the chord stands on the same line with another alteration."""
    names = [name_of(fifths[other.note], other.pitch) for other, _, _ in heads if other.pitch != stroke.pitch]
    return any((name, height) == (letter, octave) for name, _, height in names)


def _voice(
    bar: Bar, spans: list[Span], fifths: list[int], signs: dict[tuple[int, int], int], *, second: bool
) -> tuple[Element, ...]:
    if bar.is_whole and not any(strokes for _, _, strokes in spans):  # else readers take it for longer than it is
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
    """Return the element with the end of a triplet that it is at; a triplet under one beam needs no bracket."""
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
    """Return the lowest and the highest pitch that begins in each bar."""
    firsts = [bar.start for bar in bars]
    found: list[tuple[int, int] | None] = [None] * len(bars)
    for stroke in strokes:
        at = bisect_right(firsts, stroke.start) - 1
        low, high = found[at] or (stroke.pitch, stroke.pitch)
        found[at] = min(low, stroke.pitch), max(high, stroke.pitch)
    return found


def _tempos(notes: Notes, bars: list[Bar]) -> list[tuple[tuple[int, float, bool], ...]]:
    """Return the tempos of each bar; printed are those that last and that differ from the one before."""
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
