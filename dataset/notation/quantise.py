"""Move onsets and ends to where a player reads them.

In: `Notes`, their staves and bars. Out: the same notes on the plain places of each beat: sixteenths, thirty-seconds or
triplets, whichever moves its notes least. Notes entered on the grid stay; played notes move by a tick or two. Bars stay. Pure.
"""

from collections.abc import Iterator
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dataset.notation.tuplets import odd_tuplet
from dataset.notes.meter import Bar
from dataset.notes.model import Notes

# ticks within a quarter that have a plain notation: thirty-seconds and triplets
PLAIN_PLACES = {*range(0, 24, 3), *range(0, 24, 4)}
BEAT_WEIGHTS = np.select([np.arange(24) % step == 0 for step in (12, 6, 4, 3)], [1.0, 0.7, 0.3, 0.1], 0.0)
MIN_GAIN, MIN_NOTES = 0.15, 30  # a piece is moved if it fits the beat this much better then, and has this many notes
MAX_SHIFT = 5  # ticks: a piece that is off the beat by a sixteenth or more is written there
PARTS = 4  # a piece is moved if each quarter of it fits better then
STRICT_SHARE = 0.97  # a piece with a smaller share of onsets on plain places counts as played
PLAYED_FACTOR = 2.5  # factor for the cost of uncommon divisions of a played piece
MERGE_COST = 1.0  # cost of merging two onsets that are further apart than a rolled chord
ROLL_TICKS = 2  # ticks
LOST_NOTE_COST = 10.0  # cost of merging two notes of the same pitch
Grid = tuple[int, ...]


@cache
def _grids(length: int) -> tuple[tuple[Grid, float], ...]:
    """Return the possible divisions of `length` ticks, each with its reading cost."""
    if length == 24:
        every = {name: tuple(range(0, 25, step)) for name, step in (("16", 6), ("8t", 8), ("32", 3), ("16t", 4))}
        return (
            (every["16"], 0.0),
            (every["8t"], 0.75),
            (every["32"], 1.5),
            ((0, 4, 8, 12, 18, 24), 1.5),
            ((0, 6, 12, 16, 20, 24), 1.5),
            (every["16t"], 1.5),
        )
    if length == 12:
        return ((0, 6, 12), 0.0), ((0, 3, 6, 9, 12), 1.5), ((0, 4, 8, 12), 1.5)
    if length == 6:
        return ((0, 3, 6), 0.0), ((0, 2, 4, 6), 1.5)
    return ((tuple(range(length + 1)), 0.0),)


def beside_beat(notes: Notes) -> int:
    """Return by how many ticks the whole piece is late; mostly 0.

    Below 0 it is early. The result is less than a sixteenth: a piece that is late by 6 to 11 ticks keeps its sixteenths or
    goes to the nearest off-beat eighth, for bars and what is on the beat stay as in the MusicXML and the piano roll.
    """
    if len(notes) < MIN_NOTES:
        return 0
    shifts = [0, *(sign * late for late in range(1, MAX_SHIFT + 1) for sign in (1, -1))]
    fits = [float(BEAT_WEIGHTS[(notes.onset - late) % 24].mean()) for late in shifts]
    best = max(range(len(shifts)), key=fits.__getitem__)
    if fits[best] < fits[0] + MIN_GAIN:
        return 0
    for part in np.array_split(notes.onset, PARTS):
        if BEAT_WEIGHTS[(part - shifts[best]) % 24].mean() <= BEAT_WEIGHTS[part % 24].mean():
            return 0
    return shifts[best]


def quantised(notes: Notes, lower: NDArray[np.bool_], bars: list[Bar]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the written start and end of each note, int64[n] each, in ticks.

    An end is later than its start. `bars` must reach to the last end, and no note moves out of them. Notes of one staff
    within one beat share its division. A piece that is off the beat throughout is moved to it.
    """
    late, limit = beside_beat(notes), bars[-1].end
    onset = (notes.onset.astype(np.int64) - late).clip(0, limit - 1)
    end = np.maximum(notes.end.astype(np.int64) - late, onset + 1).clip(1, limit)
    factor = PLAYED_FACTOR if len(notes) and np.isin(onset % 24, list(PLAIN_PLACES)).mean() < STRICT_SHARE else 1.0
    divisions = list(_divisions(bars))
    starts = np.array([start for start, _ in divisions])
    printed, printed_end = onset.copy(), end.copy()
    for staff in (False, True):
        own = np.flatnonzero(lower == staff)
        which = (np.searchsorted(starts, onset[own], side="right") - 1).tolist()
        at = (np.searchsorted(starts, end[own], side="right") - 1).tolist()
        rows = list(zip(own.tolist(), onset[own].tolist(), notes.pitch[own].tolist(), which, strict=True))
        inside: dict[int, list[tuple[int, int]]] = {}
        for _, tick, pitch, division in rows:
            inside.setdefault(division, []).append((tick - divisions[division][0], pitch))
        grids = _odd_grids(inside, divisions, bars)
        for division, heads in inside.items():
            if division not in grids:
                grids[division] = _cheapest_grid(heads, divisions[division][1], factor)
        for (note, tick, _, division), last, ends in zip(rows, at, end[own].tolist(), strict=True):
            first = divisions[division][0]
            begin = first + _snaps(grids[division])[tick - first]
            if begin >= limit:  # the bar after the last one is none
                begin = first + grids[division][-2]
            start, length = divisions[last]
            grid = grids.get(last) or _grids(length)[0][0]
            snapped = start + _snaps(grid)[min(ends - start, length)]
            if snapped <= begin:
                snapped = start + next((place for place in grid if start + place > begin), length)
            printed[note], printed_end[note] = begin, max(snapped, begin + 1)
    return printed, printed_end


def _divisions(bars: list[Bar]) -> Iterator[tuple[int, int]]:
    """Yield (first tick, ticks) of each unit with its own division.

    A unit is a quarter, or a part of a longer beat.
    """
    for bar in bars:
        for start, end in pairwise(bar.beats):
            length = end - start
            part = length if length in (24, 12, 6) else next((p for p in (12, 6) if length % p == 0), length)
            for offset in range(start, end, part):
                yield bar.start + offset, part


def _odd_grids(
    inside: dict[int, list[tuple[int, int]]], divisions: list[tuple[int, int]], bars: list[Bar]
) -> dict[int, Grid]:
    """Return {division: grid} of those with quintuplets and septuplets.

    Such a tuplet takes a beat, or two.
    """
    found: dict[int, Grid] = {}
    pairs = {bar.start + first for bar in bars for first, _ in list(pairwise(bar.beats))[::2]}
    for number, heads in inside.items():
        start, length = divisions[number]
        if length != 24 or number in found:
            continue
        places = {place for place, _ in heads if place}
        tuplet = odd_tuplet(places, 24)
        if tuplet is not None:
            found[number] = tuplet.places
        elif places and start in pairs and divisions[number + 1 : number + 2] == [(start + 24, 24)]:
            tuplet = odd_tuplet(places | {24 + place for place, _ in inside.get(number + 1, [])}, 48)
            if tuplet is not None:
                found[number] = (*(p for p in tuplet.places if p < 24), 24)
                found[number + 1] = (0, *(p - 24 for p in tuplet.places if p > 24))
    return found


def _cheapest_grid(heads: list[tuple[int, int]], length: int, factor: float) -> Grid:
    """Return the grid with the lowest cost for notes, (place, pitch) each."""
    found = set(heads)
    places = sorted({place for place, _ in heads})
    cheapest = float("inf")
    best: Grid = (0, length)
    for grid, price in _grids(length):
        if factor * price < cheapest and (cost := factor * price + _cost(places, found, grid)) < cheapest:
            cheapest, best = cost, grid
    return best


def _cost(places: list[int], heads: set[tuple[int, int]], grid: Grid) -> float:
    """Return how far the places move, plus the cost of onsets and notes that merge."""
    snaps = _snaps(grid)
    cost = float(sum(abs(place - snaps[place]) for place in places))
    if not cost:
        return 0.0
    cost += MERGE_COST * sum(snaps[p] == snaps[q] and q - p > ROLL_TICKS for p, q in pairwise(places))
    return cost + LOST_NOTE_COST * (len(heads) - len({(snaps[place], pitch) for place, pitch in heads}))


@cache
def _snaps(grid: Grid) -> tuple[int, ...]:
    """Return the nearest place of a grid for each tick.

    Of two as near it is the earlier one.
    """
    return tuple(min(grid, key=lambda place: (abs(place - tick), place)) for tick in range(grid[-1] + 1))
