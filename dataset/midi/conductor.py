"""Tempos, time signatures and key signatures of a file, on the grid.

In: `FileEvents`. Out: changes as `Notes` holds them, from the meta events of all tracks in the order in which a player takes them.
"""

from collections.abc import Sequence
from operator import itemgetter
from typing import TypeVar

from dataset.midi.smf_events import FileEvents, Ints
from dataset.notes.timing import (
    DEFAULT_QPM,
    DENOMINATORS,
    MAX_NUMERATOR,
    MAX_TICK,
    MOST_SHARPS,
    TICKS_PER_QUARTER,
    KeySignatureChange,
    TempoChange,
    TimeSignatureChange,
)

Ticks = TypeVar("Ticks", Ints, int)

TEMPO, TIME_SIGNATURE, KEY_SIGNATURE = 0x51, 0x58, 0x59  # types of meta events


def to_grid(ticks: Ticks, division: tuple[int, int]) -> Ticks:
    """Return file ticks as ticks of 1/24 quarter, the nearest, halves up."""
    above, below = division
    return (ticks * (2 * TICKS_PER_QUARTER * below) + above) // (2 * above)


def tempo_changes(events: FileEvents) -> list[tuple[int, float]]:
    """Return (tick of the file, microseconds a quarter) of each tempo change.

    A file in SMPTE time has one tempo.
    """
    if events.smpte_qpm is not None:
        return [(0, 60e6 / events.smpte_qpm)]
    changes = [(tick, int.from_bytes(body[:3], "big")) for tick, body in _found(events, TEMPO, 3)]
    return [change for change in changes if change[1]]


def tempos_of(events: FileEvents, changes: Sequence[tuple[int, float]]) -> tuple[TempoChange, ...]:
    """Return tempo changes as `Notes` holds them."""
    if events.smpte_qpm is not None:
        return ((0, events.smpte_qpm),)
    on_grid = ((to_grid(tick, events.division), 60e6 / micros) for tick, micros in changes)
    return tuple(change for change in on_grid if change[0] <= MAX_TICK)


def time_signatures_of(events: FileEvents) -> tuple[TimeSignatureChange, ...]:
    """Return the time-signature changes; impossible ones are left out."""
    return tuple(
        (tick, body[0], 1 << body[1])
        for tick, body in _in_order(events, TIME_SIGNATURE, 2)
        if 1 <= body[0] <= MAX_NUMERATOR and body[1] < len(DENOMINATORS)
    )


def key_signatures_of(events: FileEvents) -> tuple[KeySignatureChange, ...]:
    """Return the key signatures of all tracks; impossible ones are left out."""
    stated = (
        (tick, int.from_bytes(body[:1], "big", signed=True), body[1])
        for tick, body in _in_order(events, KEY_SIGNATURE, 2)
    )
    return tuple(change for change in stated if abs(change[1]) <= MOST_SHARPS and change[2] <= 1)


def seconds_between(events: FileEvents, changes: Sequence[tuple[int, float]], onset: Ints, end: Ints) -> float:
    """Return the seconds from the first onset to the last end, in file ticks."""
    if not onset.size:
        return 0.0
    above, below = events.division
    first, last = int(onset.min()), int(end.max())
    at, micros, total = first, 60e6 / DEFAULT_QPM, 0.0
    for tick, following in changes:
        until = min(max(tick, first), last)
        total += (until - at) * micros
        at, micros = until, following
    return (total + (last - at) * micros) * below / above / 1e6


def _found(events: FileEvents, kind: int, size: int) -> list[tuple[int, bytes]]:
    """Return (tick of the file, body) of the meta events of a type.

    They come as a player takes them; bodies that are too short are left out.
    """
    found = [(tick, body) for tick, _, type_, body in events.meta if type_ == kind and len(body) >= size]
    found.sort(key=itemgetter(0))
    return found


def _in_order(events: FileEvents, kind: int, size: int) -> list[tuple[int, bytes]]:
    """As `_found`, with ticks of the grid."""
    found = [(to_grid(tick, events.division), body) for tick, body in _found(events, kind, size)]
    return [change for change in found if change[0] <= MAX_TICK]
