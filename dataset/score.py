"""Notes to a score: two staves, bars, ties, rests, chords, key, time signatures and tempos, as music21 holds them.

Each staff has one voice: where notes of different lengths sound together they are written as chords tied together.
"""

from bisect import bisect_left
from fractions import Fraction
from itertools import pairwise
from typing import Any

from dataset.hands import is_left
from dataset.keys import key_of
from dataset.notes import TICKS_PER_QUARTER, Notes

LENGTHS = (
    96,
    72,
    48,
    36,
    32,
    24,
    18,
    16,
    12,
    9,
    8,
    6,
    4,
    3,
    2,
    1,
)  # ticks of single notes: plain, dotted or of a triplet
Span = tuple[int, int]  # first tick, tick after the last


def score_of(notes: Notes, *, title: str = "") -> Any:
    """Return `notes` as a `music21.stream.Score` of two parts, "right" and "left", parted at middle C.

    Onsets are exact on the grid of 1/24 quarter. A note that is struck again while it sounds on its staff ends there, and
    of notes of one pitch and onset the longest stays. The key signature is that of `keys.key_of`. A bar that a time
    signature cuts short is a short bar.
    """
    from music21 import key as keys
    from music21 import layout, metadata, meter, stream, tempo

    score = stream.Score()
    score.metadata = metadata.Metadata(title=title)
    bars, name = bars_of(notes), key_of(notes)
    left = is_left(notes.pitch)
    parts = []
    for hand, chosen in (("right", ~left), ("left", left)):
        part = stream.Part(id=hand)
        columns = (notes.onset[chosen], notes.end[chosen], notes.pitch[chosen])
        spans = _sounding(*(column.tolist() for column in columns))
        for number, (bar, content) in enumerate(zip(bars, _slices(spans, bars), strict=True)):
            measure = stream.Measure(number=number + 1)
            if number == 0:
                measure.clef = _clef(hand)
                if name is not None:
                    tonic, mode = name.split()
                    measure.keySignature = keys.KeySignature(keys.Key(tonic.replace("b", "-"), mode).sharps)
            if number == 0 or bar[2] != bars[number - 1][2]:
                measure.timeSignature = meter.TimeSignature("{}/{}".format(*bar[2]))
            for start, length, sounding in content:
                measure.insert(_quarters(start - bar[0]), _element(start, length, sounding))
            part.append(measure)
        parts.append(part)
        score.insert(0, part)
    starts = [bar[0] for bar in bars]
    measures = list(parts[0].getElementsByClass("Measure"))
    for tick, qpm in notes.tempos:
        at = bisect_left(starts, tick + 1) - 1
        if tick < bars[at][0] + bars[at][1]:
            measures[at].insert(_quarters(tick - starts[at]), tempo.MetronomeMark(number=round(qpm, 3)))
    score.insert(0, layout.StaffGroup(parts, symbol="brace", id="piano"))
    return score


def bars_of(notes: Notes) -> list[tuple[int, int, tuple[int, int]]]:
    """Return (first tick, ticks, (numerator, denominator)) of each bar until the last note ends; at least one."""
    end = int(notes.end.max()) if len(notes) else 1
    bars: list[tuple[int, int, tuple[int, int]]] = []
    changes = [*notes.time_signatures, (max(end, 1), 4, 4)]
    if changes[0][0] > 0:
        changes.insert(0, (0, 4, 4))
    for (tick, over, under), (until, _, _) in pairwise(changes):
        full = max(1, over * 4 * TICKS_PER_QUARTER // under)
        is_last = until >= end
        for start in range(tick, min(until, end), full):
            bars.append((start, full if is_last else min(full, until - start), (over, under)))
        if is_last:
            break
    return bars


def _sounding(onsets: list[int], ends: list[int], pitches: list[int]) -> dict[int, list[Span]]:
    """Return for each pitch when it sounds, in order and without overlap."""
    spans: dict[int, list[Span]] = {}
    for onset, end, pitch in zip(onsets, ends, pitches, strict=True):
        before = spans.setdefault(pitch, [])
        if before and before[-1][0] == onset:
            continue  # the longest comes first
        if before and before[-1][1] > onset:
            before[-1] = (before[-1][0], onset)
        before.append((onset, end))
    return spans


def _slices(
    spans: dict[int, list[Span]], bars: list[tuple[int, int, tuple[int, int]]]
) -> list[list[tuple[int, int, list[tuple[int, Span]]]]]:
    """Return for each bar its slices (first tick, ticks, what sounds), each of a length that one note can have."""
    cuts = {bar[0] for bar in bars} | {bars[-1][0] + bars[-1][1]}
    starting: dict[int, list[tuple[int, Span]]] = {}
    for pitch, own in spans.items():
        for span in own:
            cuts.update(span)
            starting.setdefault(span[0], []).append((pitch, span))
    firsts = [bar[0] for bar in bars]
    content: list[list[tuple[int, int, list[tuple[int, Span]]]]] = [[] for _ in bars]
    sounding: list[tuple[int, Span]] = []
    for start, end in pairwise(sorted(cuts)):
        sounding = sorted([s for s in sounding if s[1][1] > start] + starting.get(start, []))
        bar = bisect_left(firsts, start + 1) - 1
        while start < end:
            length = next(ticks for ticks in LENGTHS if ticks <= end - start)
            content[bar].append((start, length, sounding))
            start += length
    return content


def _element(start: int, length: int, sounding: list[tuple[int, Span]]) -> Any:
    from music21 import chord, note, tie

    if not sounding:
        return note.Rest(quarterLength=_quarters(length))
    heads = []
    for pitch, (onset, end) in sounding:
        head = note.Note(pitch, quarterLength=_quarters(length))
        before, after = onset < start, end > start + length
        if before or after:
            head.tie = tie.Tie("continue" if before and after else "stop" if before else "start")
        heads.append(head)
    return heads[0] if len(heads) == 1 else chord.Chord(heads, quarterLength=_quarters(length))


def _clef(hand: str) -> Any:
    from music21 import clef

    return clef.TrebleClef() if hand == "right" else clef.BassClef()


def _quarters(ticks: int) -> Fraction:
    return Fraction(ticks, TICKS_PER_QUARTER)
