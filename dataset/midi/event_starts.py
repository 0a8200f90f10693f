"""Finds where the events of MIDI tracks start, which is all that must be found in order.

An event's length depends on its status, which may be that of an event before it: hence a loop in Python. So that it is short, array
operations first find for each byte of the file how long four ordinary events from there would be, and the loop leaps over them.
"""

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


def event_starts(data: bytes, tracks: list[tuple[int, int]]) -> tuple[Ints, list[int], bool]:
    """Return the byte at which each event starts, and how many each track has.

    Also whether a track ends within an event.
    """
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
    """Return the length of the ordinary event at each byte, 0 where none is.

    An ordinary event is a channel message of two data bytes, with or without a status, after a delta time of one or two bytes.
    """
    high = np.frombuffer(data, np.uint8) >> np.uint8(7)
    one, two = (np.frombuffer(data.translate(lengths), np.uint8) for lengths in _AFTER_DELTA)
    return one[1:-1] * (high[:-2] ^ 1) + two[2:] * (high[:-2] > high[1:-1])


def _doubled(jumps: Bytes, index: Ints) -> Bytes:
    """Return the lengths of twice as many events, 0 where one is not ordinary."""
    following = jumps[index + jumps[: len(index)]]
    found = np.zeros_like(jumps)
    np.multiply(jumps[: len(index)] + following, following > 0, out=found[: len(index)])
    return found


def _walk(data: bytes, jumps: bytes, at: int, end: int, starts: list[int], leaps: list[int]) -> int:
    """Append where the events of one track start; return the byte after the last.

    It is -1 where no event can be read.

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
