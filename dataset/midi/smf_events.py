"""Reads the events of a Standard MIDI File into NumPy arrays, a whole file at once.

In: the bytes of a file from its MThd on. Out: `FileEvents`. A short loop finds where events start; all else is read with array
operations.
Tolerated, because players tolerate it: longer headers, unknown chunks, more tracks than the header says, a file that
ends early, running status after SysEx and meta events. Everything else that is wrong raises MidiError.
"""

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catalog.base.errors import MidiError

LONGEST_DELTA = 4  # bytes of a variable-length quantity
PADDING = 32  # bytes of zero after the file, so that look-ahead never leaves the array
END_OF_TRACK = 0x2F
DOUBLINGS = 2  # the loop passes four ordinary events at once

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]

_DATA_BYTES = np.zeros(256, np.int32)  # of a message by its status byte
_DATA_BYTES[0x80:0xF0] = 2
_DATA_BYTES[0xC0:0xE0] = 1
_DATA_BYTES[[0xF1, 0xF3]] = 1
_DATA_BYTES[0xF2] = 2
_SIZES = tuple(int(count) + 1 for count in _DATA_BYTES)
# bytes of a delta time of one or two bytes and of the message after it, by the byte after the delta; 0 for other messages
_AFTER_DELTA = tuple(
    bytes(delta + (2 if byte < 0x80 else 3) if byte < 0xC0 or 0xE0 <= byte < 0xF0 else 0 for byte in range(256))
    for delta in (1, 2)
)


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
    starts, counts, short = _event_starts(data, tracks)
    return _events(padded, data, starts, counts, ticks, qpm, is_cut_short or short)


def _tracks(data: bytes, at: int) -> tuple[list[tuple[int, int]], bool]:
    """Return the first and the last byte (exclusive) of each track's body, and whether the last one is cut short."""
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
    """Return file ticks a quarter note as a fraction and, of SMPTE time, the tempo that makes them so."""
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


def _event_starts(data: bytes, tracks: list[tuple[int, int]]) -> tuple[Ints, list[int], bool]:
    """Return the byte at which each event starts, how many each track has, and whether one ends within an event."""
    readable = data + bytes(PADDING)
    steps = _steps(readable)
    jumps, index = steps, np.arange(len(data))
    for _ in range(DOUBLINGS):
        jumps = _doubled(jumps, index)
    starts: list[int] = []
    leaps: list[int] = []
    is_cut_short = False
    lengths = jumps.tobytes()
    for number, (begin, end) in enumerate(tracks):
        after = _walk(readable, lengths, begin, end, starts, leaps)
        if after < 0:
            where = starts[-1] - begin
            raise MidiError("broken_midi", f"track {number + 1}, byte {where}: no MIDI event can be read here")
        if after > end:
            starts.pop()
            is_cut_short = True
    found = [np.fromiter(each, np.int64, len(each)) for each in (starts, leaps)]
    for _ in range((1 << DOUBLINGS) - 1):
        found.append(found[-1] + steps[found[-1]])
    every = np.sort(np.concatenate(found))
    bounds = np.searchsorted(every, [begin for begin, _ in tracks] + [len(data)])
    return every, np.diff(bounds).tolist(), is_cut_short


def _steps(data: bytes) -> Bytes:
    """Return for each byte how long an ordinary event that starts there is, 0 where none does.

    An ordinary event is a channel message of two data bytes, with or without a status, after a delta time of one or two bytes.
    """
    high = np.frombuffer(data, np.uint8) >> np.uint8(7)
    one, two = (np.frombuffer(data.translate(lengths), np.uint8) for lengths in _AFTER_DELTA)
    return one[1:-1] * (high[:-2] ^ 1) + two[2:] * (high[:-2] > high[1:-1])


def _doubled(jumps: Bytes, index: Ints) -> Bytes:
    """Return the lengths of twice as many events, 0 where not all of them are ordinary."""
    following = jumps[index + jumps[: len(index)]]
    found = np.zeros_like(jumps)
    np.multiply(jumps[: len(index)] + following, following > 0, out=found[: len(index)])
    return found


def _walk(data: bytes, jumps: bytes, at: int, end: int, starts: list[int], leaps: list[int]) -> int:
    """Append where the events of one track start; return the byte after the last event, or -1 where none can be read.

    starts, leaps   the first byte of single events, and of rows of `1 << DOUBLINGS` ordinary ones, which `jumps` passes at once
    """
    add, leap, sizes = starts.append, leaps.append, _SIZES
    running = 0  # data bytes of the last channel message, and one; 0 before the first
    while at < end:
        jump = jumps[at]
        if jump and running == 3 and at + jump <= end:
            leap(at)
            at += jump
            continue
        add(at)
        if data[at] > 127:
            first = at
            while data[at] > 127:
                at += 1
            if at - first >= LONGEST_DELTA:
                return -1
        status = data[at + 1]
        if status < 128:
            if not running:
                return -1
            at += running
        elif status < 0xF0:
            running = sizes[status]
            at += running + 1
        elif status == 0xFF and data[at + 2] == END_OF_TRACK:
            return end
        elif status in (0xF0, 0xF7, 0xFF):
            at += 3 if status == 0xFF else 2
            size = 0
            for _ in range(LONGEST_DELTA):
                digit = data[at] if at < end else 0
                size = size << 7 | digit & 127
                at += 1
                if digit < 128:
                    break
            else:
                return -1
            at += size
        else:
            at += sizes[status] + 1
    return at


def _quantities(data: Bytes, at: Ints) -> tuple[Ints, Ints]:
    """Return the variable-length quantities that start at these bytes, and how many bytes each has."""
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
    """Return the status bytes, where the last one holds on: that of the last channel message of the track."""
    is_channel = (status >= 0x80) & (status < 0xF0)
    source = np.maximum.accumulate(np.where(is_channel, np.arange(len(status)), -1))
    if (wrong := is_running & (source < first[track])).any():
        place = int(np.flatnonzero(wrong)[0])
        raise MidiError("broken_midi", f"track {track[place] + 1}: its first event is a data byte without a status")
    return np.where(is_running, status[source], status)


def _meta(
    padded: Bytes, data: bytes, places: Ints, status_at: Ints, tick: Ints, track: NDArray[np.int32]
) -> list[tuple[int, int, int, bytes]]:
    """Return (tick, track, type, body) of the meta events, which stand at `places` among all events."""
    at = status_at[places]
    sizes, widths = _quantities(padded, at + 2)
    begin = at + 2 + widths
    columns = (tick[places], track[places], padded[at + 1], begin, begin + sizes)
    return [
        (when, where, kind, data[start:end])
        for when, where, kind, start, end in zip(*(column.tolist() for column in columns), strict=True)
    ]
