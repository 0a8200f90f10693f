"""Write spans of time as note values, with dots, triplets, ties and beams.

In: the spans of one voice of one bar, end to end; out: `Value`s. Ticks are of 1/24 quarter note, from the bar line.
Every span on the grid can be written: as a plain or dotted value, in a tuplet, or cut and tied. Pure.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from dataset.notation.tuplets import Tuplet, odd_tuplet
from dataset.notes.meter import Bar

KINDS = {192: "whole", 96: "half", 48: "quarter", 24: "eighth", 12: "16th", 6: "32nd", 3: "64th"}  # half ticks
VALUES = {length * 3 // 2: (kind, 1) for length, kind in KINDS.items() if length % 2 == 0} | {
    length: (kind, 0) for length, kind in KINDS.items()
}
FLAGS = {"eighth": 1, "16th": 2, "32nd": 3, "64th": 4}
LONGEST_FIRST = sorted(VALUES, reverse=True)


@dataclass(frozen=True, slots=True)
class Value:
    """One written value: start and length in ticks, and tuplet number or None.

    `ratio` is (3, 2) in a triplet: three in the time of two.
    """

    start: int
    ticks: int
    kind: str  # MusicXML's name: whole, half, quarter, eighth, 16th …
    dots: int
    tuplet: int | None = None
    ratio: tuple[int, int] = (1, 1)


def values_of(bar: Bar, spans: Sequence[tuple[int, int, bool]]) -> list[list[Value]]:
    """Return the values of each span (first tick, tick after the last, is a rest).

    The spans fill the bar. A value does not hide a beat that players expect to see: the middle of a bar of four, the
    beats of 6/8.
    """
    cuts = sorted({bound for start, end, _ in spans for bound in (start, end)})
    tuplets = _tuplets(bar, cuts)
    starts = [start for start, _, _ in tuplets]
    found: list[list[Value]] = []
    for start, end, is_rest in spans:
        own: list[Value] = []
        while start < end:
            number = bisect_right(starts, start) - 1
            if number >= 0 and start < tuplets[number][1]:
                value = _in_tuplet(start, min(end, tuplets[number][1]), number, tuplets[number])
            else:
                until = min(end, starts[number + 1]) if number + 1 < len(starts) else end
                value = _plain(bar, start, until, is_rest)
            own.append(value)
            start += value.ticks
        found.append(own)
    return found


Stretch = tuple[int, int, Tuplet | None]  # first tick, tick after the last; None for a triplet


def _tuplets(bar: Bar, cuts: list[int]) -> list[Stretch]:
    """Return the tuplets of a bar, in order."""
    beats = list(pairwise(bar.beats))
    found: list[Stretch] = []
    place = 0
    while place < len(beats):
        start, end = beats[place]
        if place + 1 < len(beats) and place % 2 == 0 and end - start == beats[place + 1][1] - end == 24:
            inside = [cut - start for cut in cuts if start < cut < start + 48]
            odd = odd_tuplet(inside, 48)
            if odd or (inside and all(cut % 16 == 0 for cut in inside)):
                found.append((start, start + 48, odd))
                place += 2
                continue
        odd = odd_tuplet([cut - start for cut in cuts if start < cut < end], 24) if end - start == 24 else None
        if odd:
            found.append((start, end, odd))
            place += 1
            continue
        step = (
            24 if end - start == 24 else 12 if (end - start) % 12 == 0 else 6 if (end - start) % 6 == 0 else end - start
        )
        for part in range(start, end, step):
            inside = [cut for cut in cuts if part < cut < part + step]
            found += [(first, last, None) for first, last in _within(part, step, inside)]
        place += 1
    return found


def _within(start: int, length: int, cuts: list[int]) -> list[tuple[int, int]]:
    """Return the triplets of a beat or a part of it.

    They are the shortest that contain every cut off the plain places.
    """
    inside = [cut - start for cut in cuts]
    if all(cut % 3 == 0 for cut in inside) and length % 3 == 0:
        return []
    third, half = length // 3, length // 2
    whole = length % 6 or all(cut % third == 0 for cut in inside) or half not in inside or length <= 6
    if whole:
        return [(start, start + length)]
    middle = start + half
    return _within(start, half, [cut for cut in cuts if cut < middle]) + _within(
        middle, half, [cut for cut in cuts if cut > middle]
    )


def _in_tuplet(start: int, end: int, number: int, stretch: Stretch) -> Value:
    """Return the longest value from `start` that fits in a tuplet up to `end`."""
    first, _, odd = stretch
    if odd is None:
        length = next(length for length in LONGEST_FIRST if length <= 3 * (end - start) and length % 3 == 0)
        kind, dots = VALUES[length]
        return Value(start, length // 3, kind, dots, number, (3, 2))
    places = [first + place for place in odd.places]
    place, last, unit = places.index(start), places.index(end), 2 * odd.span // odd.normal
    count = next(count for count in range(last - place, 0, -1) if unit * count in VALUES)
    kind, dots = VALUES[unit * count]
    return Value(start, places[place + count] - start, kind, dots, number, (odd.actual, odd.normal))


def _plain(bar: Bar, start: int, end: int, is_rest: bool) -> Value:
    """Return the longest value from `start` that does not hide a beat.

    There is one for every multiple of 3 ticks.
    """
    beats = bar.beats
    place = bisect_right(beats, start) - 1
    for length in LONGEST_FIRST:
        ticks, odd = divmod(length, 2)
        if odd or start + ticks > end:
            continue
        kind, dots = VALUES[length]
        if _shows_beats(bar, place, start, ticks, dots, is_rest):
            return Value(start, ticks, kind, dots)
    return Value(start, end - start, "64th", 0)  # a bar cut at a place off the plain grid


def _shows_beats(bar: Bar, place: int, start: int, ticks: int, dots: int, is_rest: bool) -> bool:
    beats = bar.beats
    beat, after, end = beats[place], beats[place + 1], start + ticks
    if end <= after:
        return _within_beat(start - beat, ticks, dots, after - beat, is_rest)
    middle = bar.middle
    crosses = middle is not None and start < middle < end
    if start == beat and end in beats:
        if end - start == bar.ticks:
            return True
        if is_rest:
            return not dots and not crosses and middle is not None and start in (0, middle)
        if crosses:
            return len(beats) == 5 and after - beat == 24 and place < 2
        return after - beat == 24 or place % 2 == 0
    if is_rest or after - beat != 24 or crosses:
        return False
    if start == beat:  # one and a half beats
        return ticks == 36
    off = start - beat
    return off == 12 and (ticks == 24 or (ticks == 36 and end in beats))


def _within_beat(offset: int, ticks: int, dots: int, beat: int, is_rest: bool) -> bool:
    """Return whether a value that ends within a beat may start at this offset."""
    if ticks == beat:
        return offset == 0
    if beat % 36 == 0 or beat == 18:  # three parts
        part = beat // 3
        if ticks >= part:
            fits = offset % part == 0 and (not is_rest or offset == 0 or ticks == part)
            return fits if not dots else not is_rest and (fits or offset == beat // 2)
        offset %= part
    if dots:
        unit = ticks // 3
        return not is_rest and offset % (4 * unit) in (0, unit)
    return offset % ticks == 0 or (not is_rest and ticks % 2 == 0 and offset % (2 * ticks) == ticks // 2)


def beams_of(bar: Bar, values: Sequence[tuple[Value, bool]]) -> list[tuple[str, ...]]:
    """Return the beams of each (value, is a note), outermost first.

    Terms are begin, continue … Notes of a beat are beamed, and so are eighths throughout half a bar of four or a bar of
    three. A beam contains a tuplet as a whole or lies within it.
    """
    groups: list[list[int]] = []
    previous: tuple[int, int | None] | None = None
    merged = _halves_of_eighths(bar, values)
    broken = {value.tuplet for value, is_note in values if not is_note or value.kind not in FLAGS}
    firsts: dict[int, int] = {}  # where each tuplet starts
    for index, (value, is_note) in enumerate(values):
        if not is_note or value.kind not in FLAGS:
            previous = None
            continue
        since = value.start if value.tuplet is None else firsts.setdefault(value.tuplet, value.start)
        beat = bisect_right(bar.beats, since) - 1
        key = merged.get(beat, beat), value.tuplet if value.tuplet in broken else None
        if previous == key:
            groups[-1].append(index)
        else:
            groups.append([index])
        previous = key
    found: list[tuple[str, ...]] = [()] * len(values)
    for group in groups:
        own = [values[index][0] for index in group]
        for place, index in enumerate(group if len(group) > 1 else ()):
            found[index] = tuple(_beam(own, place, level) for level in range(1, FLAGS[own[place].kind] + 1))
    return found


def _halves_of_eighths(bar: Bar, values: Sequence[tuple[Value, bool]]) -> dict[int, int]:
    """Return {beat: first beat of its beam} for halves of a bar with only eighths.

    A bar of three counts as a half.
    """
    beats = bar.beats
    if bar.is_triple or any(end - start != 24 for start, end in pairwise(beats)):
        return {}
    halves = {2: [(0, 2)], 3: [(0, 3)], 4: [(0, 2), (2, 4)]}.get(len(beats) - 1, [])
    merged: dict[int, int] = {}
    for first, last in halves:
        inside = [(v, is_note) for v, is_note in values if v.start < beats[last] and v.start + v.ticks > beats[first]]
        if all(is_note and v.ticks == 12 and v.tuplet is None for v, is_note in inside):
            merged.update(dict.fromkeys(range(first, last), first))
    return merged


def _beam(values: list[Value], place: int, level: int) -> str:
    before = place > 0 and _joined_by_beam(values[place - 1], values[place], level)
    after = place + 1 < len(values) and _joined_by_beam(values[place], values[place + 1], level)
    if before and after:
        return "continue"
    if before or after:
        return "end" if before else "begin"
    return "forward hook" if place == 0 or values[place].start % 12 == 0 else "backward hook"


def _joined_by_beam(one: Value, other: Value, level: int) -> bool:
    """Return whether a beam of that level joins two values.

    Tuplets share only the outer one.
    """
    return min(FLAGS[one.kind], FLAGS[other.kind]) >= level and (level == 1 or one.tuplet == other.tuplet)
