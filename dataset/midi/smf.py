"""The bytes of a Standard MIDI File: chunks, delta times, meta events.

It takes timed messages and knows nothing of notes.
"""

import struct
from collections.abc import Iterable, Sequence


def file_of(tracks: Sequence[bytes], ticks_a_quarter: int) -> bytes:
    """Return a file of format 1 from the bodies of its tracks (see `track_of`)."""
    header = struct.pack(">4sIHHH", b"MThd", 6, 1, len(tracks), ticks_a_quarter)
    return header + b"".join(struct.pack(">4sI", b"MTrk", len(track)) + track for track in tracks)


def track_of(events: Iterable[tuple[int, bytes]]) -> bytes:
    """Return the body of a track from (tick of the file, message), in order."""
    parts: list[bytes] = []
    now = 0
    for tick, message in events:
        parts += (_variable_length(tick - now), message)
        now = tick
    return b"".join(parts) + b"\x00\xff\x2f\x00"


def meta(kind: int, body: bytes) -> bytes:
    """Return a meta event: 0x03 a track's name, 0x51 a tempo, 0x58 a time signature."""
    return bytes([0xFF, kind]) + _variable_length(len(body)) + body


def _variable_length(value: int) -> bytes:
    """Return MIDI's variable-length quantity: seven bits a byte.

    The highest bit is set on all but the last.
    """
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.append(value & 0x7F | 0x80)
    return bytes(reversed(digits))
