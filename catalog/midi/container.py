"""Whether bytes are a MIDI file, bare or in a wrapper.

`midi_bytes` decides it for import, scraping, parser and commands.

Sources: Standard MIDI Files 1.0; RP-029, "Bundling SMF and DLS data in an RMID file"; the MacBinary II standard of 1987.
"""

HEADER_BYTES = 14  # a chunk id, a length and three numbers
JUNK_BYTES = 256  # within so many bytes a file that begins with something else must have its MThd
_MACBINARY_BYTES = 128
_ZIP = b"PK\x03\x04"  # a zip file may hold a MIDI file uncompressed near its start, but it is not one


def midi_bytes(data: bytes) -> bytes | None:
    """Return the Standard MIDI File in `data`, or None where there is none.

    It may be bare (then `data` itself is returned), the `data` chunk of a RIFF file of type RMID, the data fork of a
    MacBinary file, or come after other bytes, its MThd within the first `JUNK_BYTES`. Its header has a length of 6 or
    more that fits in the file, so that no prose about MThd is MIDI; tracks are not looked at. What follows the file in its
    wrapper is cut off. Never raises.
    """
    if data.startswith(b"MThd"):
        return data if _is_header(data, 0) else None
    if data.startswith(_ZIP):
        return None
    if _is_rmid(data):
        return _of_rmid(data)
    if (fork := _of_macbinary(data)) is not None:
        return fork
    return _after_junk(data, JUNK_BYTES)


def may_be_midi(head: bytes) -> bool:
    """Return False where no file that begins with `head` is MIDI.

    Only then need the rest not be read.

    `head` has at least `JUNK_BYTES` bytes or is the whole file. `midi_bytes` of the whole file decides.
    """
    wrapped = _is_rmid(head) or _is_rmid(head[_MACBINARY_BYTES:])
    return not head.startswith(_ZIP) and (wrapped or b"MThd" in head[:JUNK_BYTES])


def _is_rmid(data: bytes) -> bool:
    return data.startswith(b"RIFF") and data[8:12] == b"RMID"


def _of_rmid(data: bytes) -> bytes | None:
    """Return the `data` chunk, or all from the first MIDI header on.

    The latter where lengths are wrong.
    """
    at = 12
    while at + 8 <= len(data):
        kind, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        start = at + 8
        if kind == b"data" and data.startswith(b"MThd", start) and size >= HEADER_BYTES:
            return midi_bytes(data[start : start + size])
        at = start + size + size % 2
    return _after_junk(data, len(data))


def _of_macbinary(data: bytes) -> bytes | None:
    """Return the data fork of a MacBinary file, or None where it is not MIDI."""
    if len(data) < _MACBINARY_BYTES or data[0] or data[74] or data[82] or not 1 <= data[1] <= 63:
        return None
    size = int.from_bytes(data[83:87])
    fork = data[_MACBINARY_BYTES : _MACBINARY_BYTES + size]
    return midi_bytes(fork) if _is_rmid(fork) or fork.startswith(b"MThd") else None


def _after_junk(data: bytes, within: int) -> bytes | None:
    """Return all from the first MThd of a header within `within` bytes."""
    at = data.find(b"MThd", 0, within)
    while at >= 0 and not _is_header(data, at):
        at = data.find(b"MThd", at + 1, within)
    return data[at:] if at >= 0 else None


def _is_header(data: bytes, at: int) -> bool:
    return 6 <= int.from_bytes(data[at + 4 : at + 8]) <= len(data) - at - 8
