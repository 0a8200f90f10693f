"""MIDI bytes to notes and back. In: the bytes of a Standard MIDI File; out: `Notes`, every track but drums merged, on a
grid of 1/24 of a quarter note. Nothing here knows of catalogs, filters or files on disk; symusic is imported here only.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from catalog.base.console import clean
from catalog.base.errors import DatasetError, MidiError
from catalog.midi.container import midi_bytes
from dataset.notes.hands import left_notes
from dataset.notes.midi_writer import tracks_of
from dataset.notes.smf import MOST_TRACKS, file_of
from dataset.notes.timing import (
    DENOMINATORS,
    FASTEST_QPM,
    FILE_TICKS,
    MAX_NUMERATOR,
    MAX_TICK,
    SLOWEST_QPM,
    TICKS_PER_QUARTER,
    TempoChange,
    TimeSignatureChange,
    canonical_tempos,
    canonical_time_signatures,
    tick_to_seconds,
)

__all__ = [
    "MAX_TICK",
    "TICKS_PER_QUARTER",
    "Notes",
    "Reading",
    "TempoChange",
    "TimeSignatureChange",
    "beats",
    "read",
    "read_midi",
    "seconds",
    "tick_to_seconds",
    "write_midi",
]

LAST_PIANO = 7  # General MIDI programs 0-7 are pianos


@dataclass(frozen=True, slots=True, eq=False)
class Notes:
    """The notes of one piece, in the order onset, pitch, longest first, loudest first; made so whatever order comes in.

    onset, duration   int32[n], ticks of 1/24 quarter note from the start of the file, >= 0 and >= 1, up to MAX_TICK
    pitch, velocity   uint8[n], 0-127 and 1-127
    tempos            (tick, quarter notes a minute), the first at tick 0; a speed is what MIDI can say exactly,
                      a whole number of microseconds a quarter note
    time_signatures   (tick, numerator, denominator), the first at tick 0; a repetition on a bar line is dropped

    Raises DatasetError for arrays of different lengths or values out of range. The arrays cannot be written to.
    """

    onset: NDArray[np.int32]
    duration: NDArray[np.int32]
    pitch: NDArray[np.uint8]
    velocity: NDArray[np.uint8]
    tempos: tuple[TempoChange, ...] = ()
    time_signatures: tuple[TimeSignatureChange, ...] = ()

    def __post_init__(self) -> None:
        onset, duration, pitch, velocity = (
            np.asarray(values, np.int64) for values in (self.onset, self.duration, self.pitch, self.velocity)
        )
        if not onset.shape == duration.shape == pitch.shape == velocity.shape == (onset.size,):
            raise DatasetError("notes: onset, duration, pitch and velocity must be flat and of one length")
        for name, values, low, high in (
            ("onset", onset, 0, MAX_TICK),
            ("duration", duration, 1, MAX_TICK),
            ("end", onset + duration, 1, MAX_TICK),
            ("pitch", pitch, 0, 127),
            ("velocity", velocity, 1, 127),
        ):
            if values.size and not (low <= values.min() and values.max() <= high):
                raise DatasetError(f"notes: {name} must lie in {low} to {high}, not {values.min()} to {values.max()}")
        # one number a note whose order is the canonical one: 24 bits of onset, 7 of pitch, 24 of duration, 7 of velocity
        rank = (((onset << 7 | pitch) << 24 | (MAX_TICK - duration)) << 7) | (127 - velocity)
        order = rank.argsort()
        for name, values, kind in (
            ("onset", onset, np.int32),
            ("duration", duration, np.int32),
            ("pitch", pitch, np.uint8),
            ("velocity", velocity, np.uint8),
        ):
            column = values.astype(kind)[order]
            column.setflags(write=False)
            object.__setattr__(self, name, column)
        object.__setattr__(self, "tempos", canonical_tempos(self.tempos))
        object.__setattr__(self, "time_signatures", canonical_time_signatures(self.time_signatures))

    @classmethod
    def of(
        cls,
        onset: ArrayLike,
        duration: ArrayLike,
        pitch: ArrayLike,
        velocity: ArrayLike,
        tempos: Iterable[TempoChange] = (),
        time_signatures: Iterable[TimeSignatureChange] = (),
    ) -> "Notes":
        """Return notes from anything array-like, such as lists or the columns of a table."""
        onset, duration, pitch, velocity = (np.asarray(values) for values in (onset, duration, pitch, velocity))
        return cls(onset, duration, pitch, velocity, tuple(tempos), tuple(time_signatures))

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
        )

    __hash__ = None  # type: ignore[assignment]  # compared by value, and too large to hash on a whim

    @property
    def end(self) -> NDArray[np.int32]:
        """Where each note ends: int32[n], ticks."""
        return self.onset + self.duration


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file holds: its notes, and what only the file itself could say of them."""

    notes: Notes
    tracks: int  # tracks with notes, drums included
    piano_notes: int  # played by a General MIDI piano, programs 0-7
    drum_notes: int  # on the drum channel; not among `notes`
    grid_error: float  # mean distance of onsets from the grid before rounding, in ticks, 0-0.5; 0 without notes
    on_grid: float = 0.0  # share of onsets that lie on the grid before rounding, exactly; 0 without notes
    left_notes: int = 0  # played by the left hand (see dataset.notes.hands)


def read_midi(data: bytes) -> Notes:
    """Return the notes of a Standard MIDI File: all tracks merged, drums left out, rounded to the grid.

    Overlapping notes of one pitch on one track end first in, first out; a note of no length becomes one tick.
    Raises MidiError with a stable reason: not_midi, smpte_time, midi_format_2, broken_midi, time_out_of_range,
    only_drums, no_notes.
    """
    reading = read(data)
    if len(reading.notes) == 0:
        raise (
            MidiError("only_drums", f"{reading.drum_notes} drum notes") if reading.drum_notes else MidiError("no_notes")
        )
    return reading.notes


def read(data: bytes, *, piano_only: bool = False) -> Reading:
    """Return all that measures need of a file; as `read_midi`, but a file without notes is no error.

    With `piano_only`, what other instruments and drums play counts as not there; a change of program within a track ends
    or begins a piano's part, and what has no program is a piano, which is General MIDI's default. A program that
    another track sets for the channel is not seen (no file of VGMusic's piano section does that).
    """
    from symusic import Score

    try:
        score = Score.from_midi(_midi_chunks(data), sanitize_data=True)
    except (RuntimeError, ValueError, OverflowError) as error:
        raise MidiError("broken_midi", clean(str(error))[:200]) from error
    division = int(score.ticks_per_quarter)
    tracks = [(track.notes.numpy(), bool(track.is_drum), int(track.program)) for track in score.tracks]
    tracks = [track for track in tracks if len(track[0]["time"])]
    if piano_only:
        tracks = [track for track in tracks if not track[1] and track[2] <= LAST_PIANO]
    voices = [(notes, program <= LAST_PIANO) for notes, is_drum, program in tracks if not is_drum]
    columns = [notes for notes, _ in voices]
    start, length, pitch, velocity = (
        np.concatenate([column[name] for column in columns] or [np.empty(0, np.int64)], dtype=np.int64)
        for name in ("time", "duration", "pitch", "velocity")
    )
    if start.size and (start.min() < 0 or length.min() < 0):
        raise MidiError("time_out_of_range", "a note starts or ends after more ticks than the parser can count")
    onset = _to_grid(start, division)
    duration = np.maximum(_to_grid(start + length, division) - onset, 1)
    if start.size and (onset + duration).max() > MAX_TICK:
        raise MidiError("time_out_of_range", f"a note ends {int((onset + duration).max()) // 24} quarter notes in")
    off_grid = np.abs(start * TICKS_PER_QUARTER - onset * division)  # in ticks of the file's and ours at once: exact
    changes = _tempos_of(score, division), _time_signatures_of(score, division)
    return Reading(
        notes=Notes.of(onset, duration, pitch, velocity, *changes),
        tracks=len(tracks),
        piano_notes=sum(len(notes["time"]) for notes, is_piano in voices if is_piano),
        drum_notes=sum(len(notes["time"]) for notes, is_drum, _ in tracks if is_drum),
        grid_error=float((off_grid / division).mean()) if off_grid.size else 0.0,
        on_grid=float((off_grid == 0).mean()) if off_grid.size else 0.0,
        left_notes=left_notes([notes["pitch"] for notes, _ in voices], [is_piano for _, is_piano in voices]),
    )


def write_midi(notes: Notes, *, name: str = "") -> bytes:
    """Return `notes` as a Standard MIDI File of format 1, 480 ticks a quarter, all piano; `read_midi` gives them back.

    Track 1 holds tempos and time signatures, then one track a hand, parted at middle C. A note that starts before an
    earlier one of its pitch has ended goes to a further track, so that no reader can pair the wrong ends. The same notes
    give the same bytes. Raises DatasetError where there are more notes of one pitch at once than MIDI has tracks.
    """
    tracks = tracks_of(notes, clean(name))
    if len(tracks) > MOST_TRACKS:
        raise DatasetError(
            f"notes: {len(tracks)} notes of one pitch sound at once; MIDI has at most {MOST_TRACKS} tracks"
        )
    return file_of(tracks, TICKS_PER_QUARTER * FILE_TICKS)


def seconds(notes: Notes) -> float:
    """Return the seconds from the first onset to the last end, under the piece's own tempos; 0 without notes."""
    if len(notes) == 0:
        return 0.0
    first, last = tick_to_seconds(notes.tempos, [notes.onset[0], notes.end.max()])
    return float(last - first)


def beats(notes: Notes) -> float:
    """Return the quarter notes from the first onset to the last end; 0 without notes."""
    if len(notes) == 0:
        return 0.0
    return float(notes.end.max() - notes.onset[0]) / TICKS_PER_QUARTER


def _midi_chunks(data: bytes) -> bytes:
    """Return the file without its wrapper (`catalog.midi.container`); raise MidiError where none can be read."""
    midi = midi_bytes(data)
    if midi is None:
        raise MidiError("not_midi", f"{len(data)} bytes without a MIDI header")
    kind, _, division = struct.unpack_from(">HHH", midi, 8)
    if kind == 2:
        raise MidiError("midi_format_2", "its tracks are separate sequences, not one piece")
    if division & 0x8000:
        raise MidiError("smpte_time", "its time is in film frames, not in beats")
    if division == 0:
        raise MidiError("broken_midi", "a quarter note has no ticks")
    return midi


def _to_grid(ticks: NDArray[np.int64], division: int) -> NDArray[np.int64]:
    """Return file ticks as ticks of 1/24 quarter, the nearest, halves up; exact in integers."""
    return (ticks * (2 * TICKS_PER_QUARTER) + division) // (2 * division)


def _tempos_of(score: Any, division: int) -> tuple[TempoChange, ...]:
    columns = score.tempos.numpy()
    micros = columns["mspq"].astype(np.int64)
    ticks = _to_grid(columns["time"].astype(np.int64), division)
    sane = (micros >= 60e6 / FASTEST_QPM) & (micros <= 60e6 / SLOWEST_QPM) & (ticks >= 0) & (ticks <= MAX_TICK)
    return tuple(zip(ticks[sane].tolist(), (60e6 / micros[sane]).tolist(), strict=True))


def _time_signatures_of(score: Any, division: int) -> tuple[TimeSignatureChange, ...]:
    if len(score.time_signatures) == 0:
        return ()
    columns = score.time_signatures.numpy()
    numerator, denominator = columns["numerator"].astype(np.int64), columns["denominator"].astype(np.int64)
    ticks = _to_grid(columns["time"].astype(np.int64), division)
    sane = (numerator >= 1) & (numerator <= MAX_NUMERATOR)
    sane &= (denominator >= 1) & (denominator <= max(DENOMINATORS)) & (denominator & (denominator - 1) == 0)
    sane &= (ticks >= 0) & (ticks <= MAX_TICK)
    return tuple(zip(ticks[sane].tolist(), numerator[sane].tolist(), denominator[sane].tolist(), strict=True))
