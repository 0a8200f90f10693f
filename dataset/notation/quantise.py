"""Move onsets and ends to where a player reads them.

In: `Notes`, their staves and bars. Out: the same notes on the plain places of each beat: sixteenths, thirty-seconds or
triplets, whichever moves its notes least. Notes entered on the grid stay; played notes move by a tick or two. Pure.
"""

from collections.abc import Iterator
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dataset.notes.meter import Bar
from dataset.notes.model import Notes

# ticks within a quarter that have a plain notation: thirty-seconds and triplets
PLAIN_PLACES = {*range(0, 24, 3), *range(0, 24, 4)}
BEAT_WEIGHTS = np.select([np.arange(24) % step == 0 for step in (12, 6, 4, 3)], [1.0, 0.7, 0.3, 0.1], 0.0)
MIN_GAIN, MIN_NOTES = 0.15, 30  # a piece is moved if it fits the beat this much better then, and has this many notes
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


def lead_in(notes: Notes) -> int:
    """Return by how many ticks the whole piece is late; mostly 0.

    Below 0 it is early. The result is less than a quarter. Ten of 721 real pieces were recorded off the beat, such as
    one a thirty-second late.
    """
    if len(notes) < MIN_NOTES:
        return 0
    share = np.bincount(notes.onset % 24, minlength=24) / len(notes)
    fits = [float(share @ np.roll(BEAT_WEIGHTS, late)) for late in range(24)]
    late = int(np.argmax(fits))
    if fits[late] < fits[0] + MIN_GAIN:
        return 0
    return late if late <= notes.onset[0] and late <= 12 else late - 24


def quantised(
    notes: Notes, lower: NDArray[np.bool_], bars: list[Bar], late: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the written start and end of each note, int64[n] each, in ticks.

    An end is later than its start. `bars` must reach to the last end. Notes of one staff within one beat share its
    division. All notes are moved by `late` ticks.
    """
    onset, end = notes.onset.astype(np.int64) - late, notes.end.astype(np.int64) - late
    factor = PLAYED_FACTOR if len(notes) and np.isin(onset % 24, list(PLAIN_PLACES)).mean() < STRICT_SHARE else 1.0
    starts = np.array([start for start, _ in _divisions(bars)])
    lengths = np.array([length for _, length in _divisions(bars)])
    printed, printed_end = onset.copy(), end.copy()
    for staff in (False, True):
        own = np.flatnonzero(lower == staff)
        which = np.searchsorted(starts, onset[own], side="right") - 1
        grids: dict[int, Grid] = {}
        for division in np.unique(which).tolist():
            inside = own[which == division]
            places = onset[inside] - starts[division]
            grid = _cheapest_grid(places.tolist(), notes.pitch[inside].tolist(), int(lengths[division]), factor)
            grids[division] = grid
            printed[inside] = starts[division] + _snapped(places, grid)
        at = np.searchsorted(starts, end[own], side="right") - 1
        for note, division in zip(own.tolist(), at.tolist(), strict=True):
            start, length = int(starts[division]), int(lengths[division])
            grid = grids.get(division) or _grids(length)[0][0]
            snapped = start + int(_snapped(np.array([end[note] - start]), grid)[0])
            if snapped <= printed[note]:
                snapped = start + next((p for p in grid if start + p > printed[note]), length)
            printed_end[note] = max(snapped, printed[note] + 1)
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


def _cheapest_grid(places: list[int], pitches: list[int], length: int, factor: float) -> Grid:
    """Return the grid with the lowest cost for notes at these places."""
    return min(_grids(length), key=lambda grid: factor * grid[1] + _cost(places, pitches, grid[0]))[0]


def _cost(places: list[int], pitches: list[int], grid: Grid) -> float:
    """Return how far the places move, plus the cost of onsets and notes that merge."""
    moved = {place: int(_snapped(np.array([place]), grid)[0]) for place in dict.fromkeys(places)}
    cost = float(sum(abs(place - to) for place, to in moved.items()))
    cost += MERGE_COST * sum(
        to == after and q - p > ROLL_TICKS for (p, to), (q, after) in pairwise(sorted(moved.items()))
    )
    written = {(moved[place], pitch) for place, pitch in zip(places, pitches, strict=True)}
    return cost + LOST_NOTE_COST * (len(set(zip(places, pitches, strict=True))) - len(written))


def _snapped(places: NDArray[np.int64], grid: Grid) -> NDArray[np.int64]:
    """Return the nearest place of the grid; of two as near, the earlier one."""
    edges = np.array(grid)
    return np.asarray(edges[np.searchsorted((edges[:-1] + edges[1:]) / 2, places, side="left")], np.int64)
