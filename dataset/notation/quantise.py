"""Onsets and ends as a player reads them. In: `Notes`, their staves and bars; out: the same notes on the nearest plain
place of each beat: sixteenths, thirty-seconds or triplets, whichever moves its notes least.

Pure; bars stay where they are.

What a sequencer entered on the grid stays where it is; what somebody played is moved by a tick or two, as a copyist does.
"""

from collections.abc import Iterator
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dataset.notation.tuplets import odd_tuplet
from dataset.notes.meter import Bar
from dataset.notes.model import Notes

PLAIN = {3, 4, 6, 8, 9, 12, 15, 16, 18, 20, 21, 0}  # places in a quarter that notation has: thirty-seconds and triplets
ON_BEAT = np.select([np.arange(24) % step == 0 for step in (12, 6, 4, 3)], [1.0, 0.7, 0.3, 0.1], 0.0)
CLEARLY, ENOUGH_NOTES = 0.15, 30  # by how much more a piece must be on the beat to be moved, and how many notes show it
MOST_BESIDE = 5  # ticks: a piece that lies a sixteenth beside its beat is written there
PARTS = 4  # of a piece, each of which must lie beside the beat
STRICT_SHARE = 0.97  # with fewer of its onsets on such places a piece counts as played
PLAYED_FACTOR = 2.5  # by which odd divisions are then less likely
MERGED = 1.0  # cost of writing two onsets as one that lie more than a roll apart
ROLL = 2  # ticks
STRUCK_TWICE = 10.0  # cost of losing a note for it would be written on another one of its pitch
Grid = tuple[int, ...]


@cache
def _grids(length: int) -> tuple[tuple[Grid, float], ...]:
    """Return the places in a stretch of `length` ticks that may be written, each set with what it costs to read."""
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
    """Return the ticks by which a piece is late throughout, less than a sixteenth; below 0 where it is early, mostly 0.

    Five of the real section's 719 pieces were recorded beside the beat, such as all of one a thirty-second late.
    """
    if len(notes) < ENOUGH_NOTES:
        return 0
    shifts = [0, *(sign * late for late in range(1, MOST_BESIDE + 1) for sign in (1, -1))]
    fits = [float(ON_BEAT[(notes.onset - late) % 24].mean()) for late in shifts]
    best = max(range(len(shifts)), key=fits.__getitem__)
    if fits[best] < fits[0] + CLEARLY:
        return 0
    for part in np.array_split(notes.onset, PARTS):
        if ON_BEAT[(part - shifts[best]) % 24].mean() <= ON_BEAT[part % 24].mean():
            return 0
    return shifts[best]


def legible(notes: Notes, lower: NDArray[np.bool_], bars: list[Bar]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where each note begins and ends in print, int64[n] each, ticks; an end is later than its beginning.

    `bars` must reach to the last end; no note is moved out of them. Notes of one staff within one beat share its division.
    A piece that lies beside the beat throughout is moved to it.
    """
    late, limit = beside_beat(notes), bars[-1].end
    onset = (notes.onset.astype(np.int64) - late).clip(0, limit - 1)
    end = np.maximum(notes.end.astype(np.int64) - late, onset + 1).clip(1, limit)
    factor = PLAYED_FACTOR if len(notes) and np.isin(onset % 24, list(PLAIN)).mean() < STRICT_SHARE else 1.0
    stretches = list(_stretches(bars))
    starts = np.array([start for start, _ in stretches])
    printed, printed_end = onset.copy(), end.copy()
    for staff in (False, True):
        own = np.flatnonzero(lower == staff)
        which = (np.searchsorted(starts, onset[own], side="right") - 1).tolist()
        at = (np.searchsorted(starts, end[own], side="right") - 1).tolist()
        rows = list(zip(own.tolist(), onset[own].tolist(), notes.pitch[own].tolist(), which, strict=True))
        inside: dict[int, list[tuple[int, int]]] = {}
        for _, tick, pitch, stretch in rows:
            inside.setdefault(stretch, []).append((tick - stretches[stretch][0], pitch))
        grids = _odd_grids(inside, stretches, bars)
        for stretch, heads in inside.items():
            if stretch not in grids:
                grids[stretch] = _best(heads, stretches[stretch][1], factor)
        for (note, tick, _, stretch), last, ends in zip(rows, at, end[own].tolist(), strict=True):
            first = stretches[stretch][0]
            begin = first + _snaps(grids[stretch])[tick - first]
            if begin >= limit:  # the bar after the last one is none
                begin = first + grids[stretch][-2]
            start, length = stretches[last]
            grid = grids.get(last) or _grids(length)[0][0]
            snapped = start + _snaps(grid)[min(ends - start, length)]
            if snapped <= begin:
                snapped = start + next((place for place in grid if start + place > begin), length)
            printed[note], printed_end[note] = begin, max(snapped, begin + 1)
    return printed, printed_end


def _stretches(bars: list[Bar]) -> Iterator[tuple[int, int]]:
    """Yield (first tick, ticks) of what has a division of its own: quarters, or the parts of a longer beat."""
    for bar in bars:
        for start, end in pairwise(bar.beats):
            length = end - start
            part = length if length in (24, 12, 6) else next((p for p in (12, 6) if length % p == 0), length)
            for offset in range(start, end, part):
                yield bar.start + offset, part


def _odd_grids(
    inside: dict[int, list[tuple[int, int]]], stretches: list[tuple[int, int]], bars: list[Bar]
) -> dict[int, Grid]:
    """Return the grids of the stretches, by number, that quintuplets and septuplets fill: over a beat, or over two."""
    found: dict[int, Grid] = {}
    pairs = {bar.start + first for bar in bars for first, _ in list(pairwise(bar.beats))[::2]}
    for number, heads in inside.items():
        start, length = stretches[number]
        if length != 24 or number in found:
            continue
        places = {place for place, _ in heads if place}
        tuplet = odd_tuplet(places, 24)
        if tuplet is not None:
            found[number] = tuplet.places
        elif places and start in pairs and stretches[number + 1 : number + 2] == [(start + 24, 24)]:
            tuplet = odd_tuplet(places | {24 + place for place, _ in inside.get(number + 1, [])}, 48)
            if tuplet is not None:
                found[number] = (*(p for p in tuplet.places if p < 24), 24)
                found[number + 1] = (0, *(p - 24 for p in tuplet.places if p > 24))
    return found


def _best(heads: list[tuple[int, int]], length: int, factor: float) -> Grid:
    """Return the cheapest of the grids for notes at those places, (place, pitch) each."""
    found = set(heads)
    places = sorted({place for place, _ in heads})
    cheapest = float("inf")
    best: Grid = (0, length)
    for grid, price in _grids(length):
        if factor * price < cheapest and (cost := factor * price + _cost(places, found, grid)) < cheapest:
            cheapest, best = cost, grid
    return best


def _cost(places: list[int], heads: set[tuple[int, int]], grid: Grid) -> float:
    """Return how far the places move, and what is lost where two of them become one."""
    snaps = _snaps(grid)
    cost = float(sum(abs(place - snaps[place]) for place in places))
    if not cost:
        return 0.0
    cost += MERGED * sum(snaps[p] == snaps[q] and q - p > ROLL for p, q in pairwise(places))
    return cost + STRUCK_TWICE * (len(heads) - len({(snaps[place], pitch) for place, pitch in heads}))


@cache
def _snaps(grid: Grid) -> tuple[int, ...]:
    """Return for each tick of a stretch the nearest place of its grid, the earlier of two as near."""
    return tuple(min(grid, key=lambda place: (abs(place - tick), place)) for tick in range(grid[-1] + 1))
