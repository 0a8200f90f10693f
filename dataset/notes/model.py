"""The notes of one piece, on a grid of 1/24 of a quarter note: `Notes`.

NumPy arrays in one canonical order.

`dataset.midi.midi_reader` makes them from MIDI bytes, `dataset.midi.midi_writer` turns them into bytes again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from catalog.base.errors import DatasetError
from dataset.notes.order import order_of
from dataset.notes.pedal import PedalInterval, sounding_end
from dataset.notes.timing import (
    MAX_TICK,
    TICKS_PER_QUARTER,
    KeySignatureChange,
    TempoChange,
    TimeSignatureChange,
    canonical_key_signatures,
    canonical_tempos,
    canonical_time_signatures,
    tick_to_seconds,
)

UNKNOWN, RIGHT, LEFT = 0, 1, 2  # values of `Notes.hand`


def _none() -> NDArray[np.uint8]:
    return np.zeros(0, np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Notes:
    """The notes of one piece, ordered by onset, pitch, longest first, loudest first.

    onset, duration   int32[n], ticks of 1/24 quarter note from the start of the file, >= 0 and >= 1, up to MAX_TICK;
                      the duration is that of the key, see `sounding` for the pedal
    pitch, velocity   uint8[n], 0-127 and 1-127
    tempos            (tick, quarter notes per minute), the first at tick 0; a speed is what MIDI can say exactly,
                      a whole number of microseconds per quarter note
    time_signatures   (tick, numerator, denominator), the first at tick 0; a repetition on a bar line is dropped
    key_signatures    (tick, fifths, mode) as the file states them: fifths -7 to 7, mode 0 major or 1 minor; often empty
    hand              uint8[n], UNKNOWN, RIGHT or LEFT, as the file states it
    pedal_group       uint8[n], which intervals of `pedals` hold the note; all 0 where one pedal, or none, holds everything
    pedals            (group, start, end) in ticks: when the sustain pedal is down; intervals of a group do not overlap

    Raises DatasetError for arrays of different lengths or values out of range. The arrays are read-only.
    """

    onset: NDArray[np.int32]
    duration: NDArray[np.int32]
    pitch: NDArray[np.uint8]
    velocity: NDArray[np.uint8]
    tempos: tuple[TempoChange, ...] = ()
    time_signatures: tuple[TimeSignatureChange, ...] = ()
    key_signatures: tuple[KeySignatureChange, ...] = ()
    hand: NDArray[np.uint8] = field(default_factory=_none)
    pedal_group: NDArray[np.uint8] = field(default_factory=_none)
    pedals: tuple[PedalInterval, ...] = ()

    def __post_init__(self) -> None:
        onset, duration, pitch, velocity = (
            np.asarray(values, np.int64) for values in (self.onset, self.duration, self.pitch, self.velocity)
        )
        if not onset.shape == duration.shape == pitch.shape == velocity.shape == (onset.size,):
            raise DatasetError("notes: onset, duration, pitch and velocity must be flat and of one length")
        if onset.size:
            for name, values, low, high in (
                ("onset", onset, 0, MAX_TICK),
                ("duration", duration, 1, MAX_TICK),
                ("end", onset + duration, 1, MAX_TICK),
                ("pitch", pitch, 0, 127),
                ("velocity", velocity, 1, 127),
            ):
                least, most = values.min(), values.max()
                if least < low or most > high:
                    raise DatasetError(f"notes: {name} must lie in {low} to {high}, not {least} to {most}")
        hand, group = (
            np.asarray(values, np.int64) if np.size(values) else np.zeros(onset.size, np.int64)
            for values in (self.hand, self.pedal_group)
        )
        if not hand.shape == group.shape == onset.shape:
            raise DatasetError("notes: hand and pedal_group must be as long as onset, or empty")
        if onset.size and not (hand.min() >= 0 and hand.max() <= LEFT and group.min() >= 0 and group.max() <= 255):
            raise DatasetError("notes: hand must be 0 (unknown), 1 (right) or 2 (left), and pedal_group 0 to 255")
        group, pedals = _canonical_pedals(group, self.pedals)
        order = order_of(onset, pitch, duration.max(initial=0) - duration, 127 - velocity, hand, group)
        for name, values, kind in (
            ("onset", onset, np.int32),
            ("duration", duration, np.int32),
            ("pitch", pitch, np.uint8),
            ("velocity", velocity, np.uint8),
            ("hand", hand, np.uint8),
            ("pedal_group", group, np.uint8),
        ):
            column = values.astype(kind)[order]
            column.setflags(write=False)
            object.__setattr__(self, name, column)
        object.__setattr__(self, "tempos", canonical_tempos(self.tempos))
        object.__setattr__(self, "time_signatures", canonical_time_signatures(self.time_signatures))
        object.__setattr__(self, "key_signatures", canonical_key_signatures(self.key_signatures))
        object.__setattr__(self, "pedals", pedals)

    @classmethod
    def of(
        cls,
        onset: ArrayLike,
        duration: ArrayLike,
        pitch: ArrayLike,
        velocity: ArrayLike,
        tempos: Iterable[TempoChange] = (),
        time_signatures: Iterable[TimeSignatureChange] = (),
        key_signatures: Iterable[KeySignatureChange] = (),
        hand: ArrayLike = (),
        pedal_group: ArrayLike = (),
        pedals: Iterable[PedalInterval] = (),
    ) -> "Notes":
        """Return notes from anything array-like, such as lists or the columns of a table."""
        onset, duration, pitch, velocity = (np.asarray(values) for values in (onset, duration, pitch, velocity))
        changes = tuple(tempos), tuple(time_signatures), tuple(key_signatures)
        return cls(onset, duration, pitch, velocity, *changes, np.asarray(hand), np.asarray(pedal_group), tuple(pedals))

    def __len__(self) -> int:
        return int(self.onset.size)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Notes):
            return NotImplemented
        return (
            self.tempos == other.tempos
            and self.time_signatures == other.time_signatures
            and np.array_equal(self.onset, other.onset)
            and np.array_equal(self.duration, other.duration)
            and np.array_equal(self.pitch, other.pitch)
            and np.array_equal(self.velocity, other.velocity)
            and self.key_signatures == other.key_signatures
            and np.array_equal(self.hand, other.hand)
            and np.array_equal(self.pedal_group, other.pedal_group)
            and self.pedals == other.pedals
        )

    __hash__ = None  # type: ignore[assignment]  # compared by value, and too large to hash on a whim

    @property
    def end(self) -> NDArray[np.int32]:
        """Where each key is released: int32[n], ticks."""
        return self.onset + self.duration

    @property
    def sounding(self) -> NDArray[np.int32]:
        """How long each note sounds, with the pedal: int32[n], ticks, >= `duration`."""
        if not self.pedals:
            return self.duration
        return sounding_end(self.onset, self.end, self.pitch, self.pedal_group, self.pedals, self.hand) - self.onset


def _canonical_pedals(
    group: NDArray[np.int64], pedals: Sequence[PedalInterval]
) -> tuple[NDArray[np.int64], tuple[PedalInterval, ...]]:
    """Return groups in the order of their intervals, equal ones as one.

    And the intervals of the groups that have notes.
    """
    if not pedals:
        return np.zeros(group.size, np.int64), ()
    intervals: dict[int, list[tuple[int, int]]] = {}
    for number, start, end in sorted(pedals):
        mine = intervals.setdefault(int(number), [])
        if not 0 <= start < end <= MAX_TICK or (mine and mine[-1][1] > start):
            raise DatasetError(f"notes: the pedal is down from tick {start} to {end}: not in order, or out of range")
        mine.append((int(start), int(end)))
    used = np.flatnonzero(np.bincount(group)).tolist()
    kinds = sorted({tuple(intervals.get(number, ())) for number in used})
    renamed = np.zeros(256, np.int64)
    for number in used:
        renamed[number] = kinds.index(tuple(intervals.get(number, ())))
    return renamed[group], tuple((number, start, end) for number, kind in enumerate(kinds) for start, end in kind)


def seconds(notes: Notes) -> float:
    """Return the seconds from the first onset to the last end; 0 without notes."""
    if len(notes) == 0:
        return 0.0
    first, last = tick_to_seconds(notes.tempos, [notes.onset[0], notes.end.max()])
    return float(last - first)


def beats(notes: Notes) -> float:
    """Return the quarter notes from the first onset to the last end; 0 without notes."""
    if len(notes) == 0:
        return 0.0
    return float(notes.end.max() - notes.onset[0]) / TICKS_PER_QUARTER
