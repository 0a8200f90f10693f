"""Writes `Notes` as a Standard MIDI File.

A track of tempos, time and key signatures, then one track per hand.

In: `Notes`; out: bytes. The same notes give the same bytes. `dataset.midi.midi_reader` gives the notes back, with the hands that
`dataset.notes.hands` found for those the file did not state.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catalog.base.console import clean
from catalog.base.errors import DatasetError
from dataset.midi.smf import file_of, meta, track_of
from dataset.notes.hands import hands_of
from dataset.notes.model import LEFT, RIGHT, Notes
from dataset.notes.pedal import SUSTAIN
from dataset.notes.timing import FILE_TICKS, TICKS_PER_QUARTER

CHANNELS = tuple(channel for channel in range(16) if channel != 9)  # channel 10 of the standard is for drums
RELEASE_VELOCITY = 64
MARKER = 0x06  # type of meta event
LOOP_START, LOOP_END = "loopStart", "loopEnd"
LOOP_CONTROLLER = 111  # RPG Maker's: at its tick a player begins again after the last one
DOWN, UP = 127, 0  # values of the sustain pedal
_OFF, _LIFT, _PRESS, _ON = range(4)  # the order of messages at one tick


@dataclass(frozen=True, slots=True)
class WrittenMidi:
    """The bytes of a file, and how many of its notes are not as they were."""

    data: bytes
    cut: int  # notes that end early, or are left out, because a hand strikes their key again while it is held


def write_midi(notes: Notes, *, name: str = "", loop: tuple[int, int] | None = None) -> bytes:
    """Return `notes` as a Standard MIDI File, all piano; see `midi_of`.

    It is of format 1, with 480 ticks per quarter note.
    """
    return midi_of(notes, name=name, loop=loop).data


def midi_of(notes: Notes, *, name: str = "", loop: tuple[int, int] | None = None) -> WrittenMidi:
    """Return `notes` as a Standard MIDI File, and how many of them were cut.

        Track 1 has `name`, tempos, time and key signatures; tracks 2 and 3 are the right and the left hand. Each pedal group of a hand has
        a channel of its own. A key struck again within a hand and channel ends the note before. `loop`, the first tick and the tick after
    the last, is marked in track 1: markers loopStart and loopEnd, and controller 111 at the start.
        Raises DatasetError for more pedal groups than channels.
    """
    hand = hands_of(notes)
    tracks = [_conductor_track(notes, clean(name), loop)]
    free, cut = list(CHANNELS), 0
    for number, label in ((RIGHT, "Right hand"), (LEFT, "Left hand")):
        messages = [(0, 0, meta(0x03, label.encode()))]
        for group in np.unique(notes.pedal_group[hand == number]).tolist() or [0]:
            if not free:
                raise DatasetError(f"notes: more than {len(CHANNELS)} pedals in two hands; MIDI has no more channels")
            found, lost = _messages(
                notes, np.flatnonzero((hand == number) & (notes.pedal_group == group)), group, free.pop(0)
            )
            messages += found
            cut += lost
        messages.sort(key=lambda message: message[:2])
        tracks.append(track_of([(tick, body) for tick, _, body in messages]))
    return WrittenMidi(file_of(tracks, TICKS_PER_QUARTER * FILE_TICKS), cut)


def _conductor_track(notes: Notes, name: str, loop: tuple[int, int] | None) -> bytes:
    events: list[tuple[int, bytes]] = [(0, meta(0x03, name.encode()))] if name else []
    for tick, numerator, denominator in notes.time_signatures:
        events.append((tick * FILE_TICKS, meta(0x58, bytes([numerator, denominator.bit_length() - 1, 24, 8]))))
    for tick, fifths, mode in notes.key_signatures:
        events.append((tick * FILE_TICKS, meta(0x59, bytes([fifths & 0xFF, mode]))))
    for tick, qpm in notes.tempos:
        events.append((tick * FILE_TICKS, meta(0x51, round(60e6 / qpm).to_bytes(3, "big"))))
    if loop is not None:
        start, end = (tick * FILE_TICKS for tick in loop)
        events += [(start, meta(MARKER, LOOP_START.encode())), (start, bytes([0xB0, LOOP_CONTROLLER, 0]))]
        events.append((end, meta(MARKER, LOOP_END.encode())))
    return track_of(sorted(events, key=lambda event: event[0]))


def _messages(
    notes: Notes, indices: NDArray[np.intp], group: int, channel: int
) -> tuple[list[tuple[int, int, bytes]], int]:
    """Return (tick, order, message) of a channel's notes, and how many were cut."""
    messages = [(0, 0, bytes([0xC0 | channel, 0]))]
    for each, start, end in notes.pedals:
        if each == group:
            messages.append((start * FILE_TICKS, _PRESS, bytes([0xB0 | channel, SUSTAIN, DOWN])))
            messages.append((end * FILE_TICKS, _LIFT, bytes([0xB0 | channel, SUSTAIN, UP])))
    struck: dict[int, list[tuple[int, int, int]]] = {}
    columns = (notes.onset[indices], notes.end[indices], notes.pitch[indices], notes.velocity[indices])
    for onset, end, pitch, velocity in zip(*(column.tolist() for column in columns), strict=True):
        struck.setdefault(pitch, []).append((onset, end, velocity))
    cut = 0
    for pitch, strokes in struck.items():
        for (onset, end, velocity), following in zip(strokes, [*strokes[1:], (1 << 30, 0, 0)], strict=True):
            cut += end > following[0]
            end = min(end, following[0])
            if onset < end:
                messages.append((onset * FILE_TICKS, _ON, bytes([0x90 | channel, pitch, velocity])))
                messages.append((end * FILE_TICKS, _OFF, bytes([0x80 | channel, pitch, RELEASE_VELOCITY])))
    messages[1:] = sorted(messages[1:])
    return messages, cut
