"""Arrange notes as a piano score of two staves.

It decides hands, voices, values, rests, beams, ties, accidentals, clefs and tempos. In: `Notes`; out: a `Score` of
plain records, which `dataset.notation.musicxml` writes. All decisions that depend on the music are made here and in the
modules used; the layout on paper is left to the engraver. Pure.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np

from dataset.notation.bounds import check_size
from dataset.notation.lengths import printed
from dataset.notation.marks import keys_of, legible_pedals, pedal_marks, pedals_of, tempos_of
from dataset.notation.quantise import quantised
from dataset.notation.records import NO_CREDITS, Credits, Element, Head, Measure, Score, Staff
from dataset.notation.rhythm import Value, beams_of, values_of
from dataset.notation.spelling import fifths_of, name_of, signature_of
from dataset.notation.staves import Clef, clefs
from dataset.notation.voices import Stroke, assign_voices, written_strokes
from dataset.notes.hands import hands_of
from dataset.notes.meter import Bar, bars_of
from dataset.notes.model import LEFT, Notes


def score_of(notes: Notes, *, title: str = "", exact: bool = False, known: Credits = NO_CREDITS) -> Score:
    """Return `notes` as a score; `known` is what is printed of its origin.

    With `exact`, every onset and length is that of the notes, on the grid of 1/24 quarter, and no dot of staccato shortens
    a note again. Otherwise the score is made
    for reading: played onsets move to the nearest plain place (`dataset.notation.quantise`), and lengths omit small gaps
    and whatever a later note of the voice cuts off (`dataset.notation.lengths`). In both cases bars are those of
    `bars_of`, staves the hands of `hands_of`, and key signatures those of `printed_keys`. A note that its hand strikes
    again while it sounds ends there, and of notes with the same hand, pitch and onset the longest is written.
    Quintuplets and septuplets are found on the grid (`dataset.notation.tuplets`). Raises DatasetError for a piece beyond
    the limits of `bounds`, before the score is made.
    """
    check_size(notes)
    lower = hands_of(notes) == LEFT
    onset, end = notes.onset.astype(np.int64), notes.end.astype(np.int64)
    bars = bars_of(notes.time_signatures, int(end.max()) if len(notes) else 1)
    keys = keys_of(notes, bars)
    of_note = np.searchsorted([bar.start for bar in bars], notes.onset, side="right") - 1
    signatures, minor = np.array([key[0] for key in keys]), np.array([key[1] == "minor" for key in keys])
    fifths = fifths_of(notes, signatures[of_note], minor[of_note])
    down = sounds = pedals_of(notes)
    if not exact:
        onset, end = quantised(notes, lower, bars)
        sounds = legible_pedals(down, np.unique(onset).tolist())
    staves = []
    rows = list(zip(notes.pitch.tolist(), onset.tolist(), end.tolist(), strict=True))
    for is_lower in (False, True):
        strokes = written_strokes([Stroke(note, *rows[note]) for note in np.flatnonzero(lower == is_lower).tolist()])
        signs = clefs(_pitch_ranges(strokes, bars), lower=is_lower)
        voices = [voice if exact else printed(voice, bars, down) for voice in assign_voices(strokes, bars)]
        spans = [_spans(voice, bars) for voice in voices]
        staves.append(list(_staves(bars, signs, spans, fifths.tolist(), [key[0] for key in keys])))
    columns = zip(bars, *staves, tempos_of(notes, bars), keys, pedal_marks(sounds, bars), strict=True)
    measures = tuple(
        Measure(bar, (upper, below), tempos, fifths=key[0], mode=key[1], pedals=pedals)
        for bar, upper, below, tempos, key, pedals in columns
    )
    return Score(title, *keys[0], measures, known)


Span = tuple[int, int, tuple[tuple[Stroke, bool, bool], ...]]  # first tick, tick after; strokes, tied from, tied to


def _spans(strokes: list[Stroke], bars: list[Bar]) -> list[list[Span]]:
    """Return for each bar what the voice plays; spans without strokes are rests."""
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


def _staves(
    bars: list[Bar], clefs: list[Clef], voices: list[list[list[Span]]], fifths: list[int], signatures: list[int]
) -> Iterator[Staff]:
    """Yield the staff of each bar."""
    for place, bar in enumerate(bars):
        spans = [voice[place] for voice in voices]
        used = [any(strokes for _, _, strokes in voice) for voice in spans]
        if not used[0] and used[1]:
            spans = spans[1:]
        elif not used[1]:
            spans = spans[:1]
        signs = _accidentals([span for voice in spans for span in voice], fifths, signatures[place])
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
        dotted = len(own) == 1 and all(
            s.is_staccato and not (tied_from or tied_to) for s, tied_from, tied_to in strokes
        )
        element = Element(
            value,
            value.ticks,
            heads,
            beams[place],
            is_hidden=second and not heads,
            is_staccato=bool(strokes) and dotted,
        )
        elements.append(_bracketed(element, place, [(v, b) for (_, v, _), b in zip(flat, beams, strict=True)]))
    return tuple(elements)


def _bracketed(element: Element, place: int, row: list[tuple[Value, tuple[str, ...]]]) -> Element:
    """Return the element with the start or stop of its tuplet, if at an end.

    A tuplet under one beam needs no bracket.
    """
    number = row[place][0].tuplet
    if number is None:
        return element
    inside = [index for index, (value, _) in enumerate(row) if value.tuplet == number]
    if len(inside) < 2 or place not in (inside[0], inside[-1]):
        return element
    outer = [beams[0] if beams else "" for _, beams in (row[index] for index in inside)]
    beamed = outer[0] in ("begin", "continue") and outer[-1] in ("continue", "end") and set(outer[1:-1]) <= {"continue"}
    return replace(element, tuplet="start" if place == inside[0] else "stop", bracket=not beamed)


def _pitch_ranges(strokes: list[Stroke], bars: list[Bar]) -> list[tuple[int, int] | None]:
    """Return the lowest and highest pitch that starts in each bar, or None."""
    firsts = [bar.start for bar in bars]
    found: list[tuple[int, int] | None] = [None] * len(bars)
    for stroke in strokes:
        at = bisect_right(firsts, stroke.start) - 1
        low, high = found[at] or (stroke.pitch, stroke.pitch)
        found[at] = min(low, stroke.pitch), max(high, stroke.pitch)
    return found
