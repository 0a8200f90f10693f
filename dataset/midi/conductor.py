"""Tempos, time signatures and key signatures of a file, on the grid of 1/24 quarter note.

In: `FileEvents`. Out: changes as `Notes` holds them, from the meta events of all tracks in the order in which a player takes them.
"""

from collections.abc import Sequence

import numpy as np

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

TEMPO, TIME_SIGNATURE, KEY_SIGNATURE = 0x51, 0x58, 0x59  # types of meta events


def to_grid(ticks: Ints, division: tuple[int, int]) -> Ints:
    """Return file ticks as ticks of 1/24 quarter, the nearest, halves up; exact in integers."""
    above, below = division
    return (ticks * (2 * TICKS_PER_QUARTER * below) + above) // (2 * above)


def tempos_of(events: FileEvents) -> tuple[TempoChange, ...]:
    """Return the tempo changes; of a file in SMPTE time the one tempo that stands for it."""
    if events.smpte_qpm is not None:
        return ((0, events.smpte_qpm),)
    changes = ((tick, int.from_bytes(body[:3], "big")) for tick, body in _in_order(events, TEMPO, 3))
    return tuple((tick, 60e6 / micros) for tick, micros in changes if micros)


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


def seconds_between(events: FileEvents, onset: Ints, end: Ints) -> float:
    """Return the time from the first onset to the last end, both in file ticks, under the file's tempos."""
    if not onset.size:
        return 0.0
    above, below = events.division
    micros = 60e6 / (events.smpte_qpm or DEFAULT_QPM)
    first, last = int(onset.min()), int(end.max())
    at, total = first, 0.0
    for tick, body in _found(events, TEMPO, 3) if events.smpte_qpm is None else ():
        if following := int.from_bytes(body[:3], "big"):
            until = min(max(tick, first), last)
            total += (until - at) * micros
            at, micros = until, following
    return (total + (last - at) * micros) * below / above / 1e6


def _found(events: FileEvents, kind: int, size: int) -> list[tuple[int, bytes]]:
    """Return (tick of the file, body) of the meta events of a type, as a player takes them; bodies that are too short are left out."""
    found = [(tick, body) for tick, _, type_, body in events.meta if type_ == kind and len(body) >= size]
    found.sort(key=lambda row: row[0])
    return found


def _in_order(events: FileEvents, kind: int, size: int) -> Sequence[tuple[int, bytes]]:
    """As `_found`, with ticks of the grid."""
    found = _found(events, kind, size)
    if not found:
        return found
    ticks = to_grid(np.array([tick for tick, _ in found], np.int64), events.division).tolist()
    return [(tick, body) for tick, (_, body) in zip(ticks, found, strict=True) if tick <= MAX_TICK]
