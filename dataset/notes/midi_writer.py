"""Notes shared out to the tracks of a Standard MIDI File, as bytes: a track of tempos and time signatures, then one or more a hand.

In: `Notes`; out: the bodies of the tracks, for `smf.file_of`. The same notes give the same bytes.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dataset.notes.hands import is_left
from dataset.notes.smf import meta, track_of
from dataset.notes.timing import FILE_TICKS

if TYPE_CHECKING:
    from dataset.notes.model import Notes

CHANNELS = tuple(channel for channel in range(16) if channel != 9)  # channel 10 of the standard is for drums


def tracks_of(notes: "Notes", name: str) -> list[bytes]:
    """Return the bodies of the tracks, the first named `name`: then the right hand and the left, parted at middle C.

    A note that starts before an earlier one of its pitch has ended goes to a further track of its hand.
    """
    tracks = [_conductor_track(notes, name)]
    left = is_left(notes.pitch)
    for hand, chosen in (("Right hand", ~left), ("Left hand", left)):
        layers = _layers(notes, np.flatnonzero(chosen))
        for number, layer in enumerate(layers):
            label = hand if number == 0 else f"{hand} {number + 1}"
            tracks.append(_note_track(notes, layer, label, CHANNELS[(len(tracks) - 1) % len(CHANNELS)]))
    return tracks


def _layers(notes: "Notes", indices: NDArray[np.intp]) -> list[list[int]]:
    """Share notes out to as few tracks as needed for no two notes of one pitch to overlap on a track."""
    layers: list[list[int]] = []
    ends: list[dict[int, int]] = []
    columns = (indices, notes.onset[indices], notes.end[indices], notes.pitch[indices])
    for index, onset, end_of_note, pitch in zip(*(column.tolist() for column in columns), strict=True):
        number = next((n for n, last in enumerate(ends) if last.get(pitch, 0) <= onset), len(layers))
        if number == len(layers):
            layers.append([])
            ends.append({})
        layers[number].append(index)
        ends[number][pitch] = end_of_note
    return layers


def _conductor_track(notes: "Notes", name: str) -> bytes:
    events: list[tuple[int, bytes]] = [(0, meta(0x03, name.encode()))] if name else []
    for tick, numerator, denominator in notes.time_signatures:
        events.append((tick * FILE_TICKS, meta(0x58, bytes([numerator, denominator.bit_length() - 1, 24, 8]))))
    for tick, qpm in notes.tempos:
        events.append((tick * FILE_TICKS, meta(0x51, round(60e6 / qpm).to_bytes(3, "big"))))
    return track_of(sorted(events, key=lambda event: event[0]))


def _note_track(notes: "Notes", indices: list[int], label: str, channel: int) -> bytes:
    on, off = 0x90 | channel, 0x80 | channel
    columns = (notes.onset[indices], notes.end[indices], notes.pitch[indices], notes.velocity[indices])
    events: list[tuple[int, int, bytes]] = []
    for onset, end, pitch, velocity in zip(*(column.tolist() for column in columns), strict=True):
        events.append((onset * FILE_TICKS, 1, bytes([on, pitch, velocity])))
        events.append((end * FILE_TICKS, 0, bytes([off, pitch, 64])))
    events.sort()  # ends before onsets, then by pitch
    piano = [(0, meta(0x03, label.encode())), (0, bytes([0xC0 | channel, 0]))]
    return track_of(piano + [(tick, message) for tick, _, message in events])
