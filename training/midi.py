"""Reads MIDI files that users name: samples, primes, files to render or compare.

In: a path. Out: bytes and notes, or one error that names the file. Only regular files up to a maximum size are read.
"""

from pathlib import Path

from catalog.base.errors import MidiError, TrainingError
from catalog.storage.reading import MAX_MIDI_BYTES, read_bytes
from dataset.midi.loop_marks import loop_of
from dataset.midi.midi_reader import read_midi
from dataset.notes.model import Notes

MAX_NOTES = 250_000


def read_piece(path: Path, remedy: str = "give another MIDI file") -> tuple[bytes, Notes]:
    """Return the bytes and notes of a MIDI file.

    Raises TrainingError, with file and `remedy`, if it cannot be read or is too long.
    """
    try:
        data = read_bytes(path, fail=TrainingError, remedy=remedy, max_bytes=MAX_MIDI_BYTES)
        notes = read_midi(data)
    except FileNotFoundError:
        raise TrainingError(f"{path}: no such file; {remedy}") from None
    except MidiError as error:
        raise TrainingError(f"{path}: {error}; {remedy}") from None
    if len(notes) > MAX_NOTES:
        raise TrainingError(f"{path}: {len(notes):,} notes, more than {MAX_NOTES:,}; {remedy}")
    return data, notes


def read_loop(path: Path) -> tuple[int, int] | None:
    """Return the loop that a MIDI file marks, in ticks, or None; see `read_piece`."""
    return loop_of(read_piece(path)[0])


def read_notes(path: Path, remedy: str = "give another MIDI file") -> Notes:
    """Return the notes of a MIDI file; see `read_piece`."""
    return read_piece(path, remedy)[1]
