"""The title in a MIDI file: the name of its first track, or its first text event.

In the Standard MIDI Files 1.0 specification, the name (meta event 3) of the first track is the name of the sequence.
Pure functions; any bytes are accepted.
"""

from catalog.midi.container import midi_bytes
from catalog.midi.text import decode_text

_TEXT, _NAME, _END = 0x01, 0x03, 0x2F
_DATA_BYTES = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2}  # data bytes of a message, by status byte
_MAX_EVENTS = 10_000  # a title is near the start


def title_of(data: bytes) -> str | None:
    """Return the title in the MIDI file `data` (in a wrapper or not), or None."""
    texts = dict[int, str]()
    data = midi_bytes(data) or b""
    at = data.find(b"MTrk")
    if at < 0:
        return None
    end = min(len(data), at + 8 + int.from_bytes(data[at + 4 : at + 8]))
    at, running = at + 8, 0
    for _ in range(_MAX_EVENTS):
        _, at = _number(data, at, end)  # the delta time
        if at >= end:
            break
        status = running
        if data[at] & 0x80:
            status, at = data[at], at + 1
            running = status if status < 0xF0 else running  # many programs go on with it after a meta event
        if status in (0xFF, 0xF0, 0xF7):
            kind = data[at] if status == 0xFF and at < end else None
            length, at = _number(data, at + (kind is not None), end)
            if kind in (_TEXT, _NAME) and at + length <= end:
                text = decode_text(data[at : at + length])
                if text:
                    texts.setdefault(kind, text)
            if kind in (_NAME, _END) and kind in (*texts, _END):
                break
            at += length
        elif status & 0xF0 in _DATA_BYTES:
            at += _DATA_BYTES[status & 0xF0]
        else:
            break  # not a valid message
    return texts.get(_NAME) or texts.get(_TEXT)


def _number(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Return the variable-length number at `at` and the position after it.

    At most four bytes are read, and none at or after `end`.
    """
    value = 0
    for place in range(at, min(at + 4, end)):
        value = value << 7 | data[place] & 0x7F
        if not data[place] & 0x80:
            return value, place + 1
    return value, end
