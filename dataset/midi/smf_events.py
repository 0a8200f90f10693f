"""Reads the events of a Standard MIDI File into NumPy arrays.

In: the bytes of a file from its MThd on. Out: `FileEvents`. `event_starts` finds where events start; all else is
read with array operations.
Tolerated, because players tolerate it: longer headers, unknown chunks, more tracks than the header says, a file that
ends early, running status after SysEx and meta events. Everything else that is wrong raises MidiError.
"""

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catalog.base.errors import MidiError
from dataset.midi.event_starts import PADDING, event_starts

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FileEvents:
    """The events of a file, in the order of its tracks.

    tick, track, status, data1, data2   [n], channel messages: tick of the file, number of the track, status byte, data bytes
    controls      index of each controller message among the channel messages
    track_end     [tracks], tick of each track's end
    meta          (tick, track, type, body) of each meta event
    division      file ticks of a quarter note (numerator, denominator); of SMPTE time at 120 quarter notes a minute
    smpte_qpm     tempo of a file in SMPTE time, whose tempo events have no effect; None for others
    is_cut_short  whether the file ends within a track
    """

    tick: Ints
    track: NDArray[np.int32]
    status: Bytes
    data1: Bytes
    data2: Bytes
    controls: Ints
    track_end: Ints
    meta: list[tuple[int, int, int, bytes]]
    division: tuple[int, int]
    smpte_qpm: float | None
    is_cut_short: bool


def read_events(data: bytes) -> FileEvents:
    """Return the events of a Standard MIDI File.

    Raises MidiError: not_midi for a header that is not whole, midi_format_2 for several independent sequences, smpte_time for an
    unknown frame rate, broken_midi for events that cannot be read.
    """
    if len(data) < 14 or not data.startswith(b"MThd"):
        raise MidiError("not_midi", f"{len(data)} bytes without a MIDI header")
    header, kind, _, division = struct.unpack_from(">IHHH", data, 4)
    if header < 6:
        raise MidiError("broken_midi", f"a header of {header} bytes; it has at least 6")
    tracks, is_cut_short = _tracks(data, 8 + header)
    if not tracks:
        raise MidiError("broken_midi", "no track in the file")
    if kind == 2 and len(tracks) > 1:
        raise MidiError("midi_format_2", "its tracks are separate sequences, not one piece")
    ticks, qpm = _division(division)
    padded = np.zeros(len(data) + PADDING, np.uint8)
    padded[: len(data)] = np.frombuffer(data, np.uint8)
    starts, counts, short = event_starts(data, tracks)
    return _events(padded, data, starts, counts, ticks, qpm, is_cut_short or short)


def _tracks(data: bytes, at: int) -> tuple[list[tuple[int, int]], bool]:
    """Return where each track's body begins and ends.

    The end is exclusive; also whether the last one is cut short.
    """
    tracks: list[tuple[int, int]] = []
    is_cut_short = False
    while at + 8 <= len(data):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "big")
        if name != b"MTrk" and not (name.isalnum() and at + 8 + size <= len(data)):
            at = data.find(b"MTrk", at + 1)  # padding, or bytes after the last track
            if at < 0:
                break
            continue
        end = at + 8 + size
        if name == b"MTrk":
            is_cut_short = end > len(data)
            tracks.append((at + 8, min(end, len(data))))
        at = end
    return tracks, is_cut_short


def _division(division: int) -> tuple[tuple[int, int], float | None]:
    """Return file ticks a quarter as a fraction and, of SMPTE time, the tempo."""
    if division & 0x8000:
        frames, per_frame = 256 - (division >> 8), division & 0xFF
        if frames not in (24, 25, 29, 30) or per_frame == 0:
            raise MidiError("smpte_time", f"{frames} frames a second of {per_frame} ticks: no such film format")
        return (frames * per_frame, 2) if frames != 29 else (
            30 * per_frame,
            2,
        ), 120.0 if frames != 29 else 120_000 / 1001
    if division == 0:
        raise MidiError("broken_midi", "a quarter note has no ticks")
    return (division, 1), None


def _quantities(data: Bytes, at: Ints) -> tuple[Ints, Ints]:
    """Return the variable-length quantities at these bytes, and their lengths."""
    digit = data[at]
    value, width = (digit & 0x7F).astype(np.int64), np.ones(len(at), np.int64)
    longer = np.flatnonzero(digit > 127)
    step = 1
    while longer.size:
        digit = data[at[longer] + step]
        value[longer] = value[longer] << 7 | (digit & 0x7F)
        width[longer] += 1
        longer = longer[digit > 127]
        step += 1
    return value, width


def _events(
    padded: Bytes,
    data: bytes,
    starts: Ints,
    counts: list[int],
    division: tuple[int, int],
    smpte_qpm: float | None,
    is_cut_short: bool,
) -> FileEvents:
    """Return the events that start at these bytes, `counts` of them in each track."""
    delta, width = _quantities(padded, starts)
    first = np.concatenate([[0], np.cumsum(counts)])
    elapsed = np.cumsum(delta)
    before = np.concatenate([[0], elapsed])[first[:-1]]
    tick = elapsed - np.repeat(before, counts)
    track = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    status_at = starts + width
    status = padded[status_at]
    is_running = status < 0x80
    data_at = status_at + 1
    if is_running.any():
        status = _with_running_status(status, is_running, track, first)
        data_at -= is_running
    channel = np.flatnonzero(status < 0xF0)
    data_at, status_of, track_of = data_at[channel], status[channel], track[channel]
    data1, data2 = padded[data_at], padded[data_at + 1]
    if data1.size and data1.max() > 127:
        place = int(np.flatnonzero(data1 > 127)[0])
        raise MidiError(
            "broken_midi", f"track {track_of[place] + 1}: a channel message has a first data byte above 127"
        )
    np.minimum(data2, 127, out=data2)  # a velocity of 255 is meant as the loudest
    data2[status_of & 0xE0 == 0xC0] = 0  # messages of one data byte
    ends = elapsed[first[1:] - 1] - before if starts.size else np.zeros(len(counts), np.int64)
    ends[np.array(counts) == 0] = 0
    return FileEvents(
        tick[channel],
        track_of,
        status_of,
        data1,
        data2,
        np.flatnonzero(status_of >> 4 == 0xB),
        ends,
        _meta(padded, data, np.flatnonzero(status == 0xFF), status_at, tick, track),
        division,
        smpte_qpm,
        is_cut_short,
    )


def _with_running_status(status: Bytes, is_running: NDArray[np.bool_], track: NDArray[np.int32], first: Ints) -> Bytes:
    """Return the status bytes, with that of the last channel message held on."""
    is_channel = (status >= 0x80) & (status < 0xF0)
    source = np.maximum.accumulate(np.where(is_channel, np.arange(len(status)), -1))
    if (wrong := is_running & (source < first[track])).any():
        place = int(np.flatnonzero(wrong)[0])
        raise MidiError("broken_midi", f"track {track[place] + 1}: its first event is a data byte without a status")
    return np.where(is_running, status[source], status)


def _meta(
    padded: Bytes, data: bytes, places: Ints, status_at: Ints, tick: Ints, track: NDArray[np.int32]
) -> list[tuple[int, int, int, bytes]]:
    """Return (tick, track, type, body) of the meta events, those at `places`."""
    at = status_at[places]
    sizes, widths = _quantities(padded, at + 2)
    begin = at + 2 + widths
    columns = (tick[places], track[places], padded[at + 1], begin, begin + sizes)
    return [
        (when, where, kind, data[start:end])
        for when, where, kind, start, end in zip(*(column.tolist() for column in columns), strict=True)
    ]
