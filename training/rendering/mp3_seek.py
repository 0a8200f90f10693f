"""The first frame of an MP3 file of constant bit rate, mended so that a browser's seek lands where it is meant to.

Chromium does not look for the place: it takes the share of the time as the share of the bytes, both as the first frame tells them. The
encoder counts that frame itself among the bytes, and leaves its padding at the end out of the time, so that seeks drift, to 80 ms
after a minute at 22,050 frames a second. Told without the first frame and without padding, the two agree.
"""

INFO = b"Info"  # what the first frame of a constant bit rate is known by (Xing's and LAME's tag)
ALL_FIELDS = 15  # flags: it tells frames, bytes, a table of contents and quality
BYTES, PADDING, CHECK = 12, 142, 154  # where fields lie, from INFO; padding is the lower 12 bits of two bytes


def seekable(file: bytes) -> bytes:
    """Return an MP3 file whose first frame tells bytes and time that agree; up to 60 ms of silence more are played at the end.

    A file that does not begin with LAME's frame for a constant bit rate is returned as it is.
    """
    at = file.find(INFO, 0, 64)
    if at < 0 or int.from_bytes(file[at + 4 : at + 8]) != ALL_FIELDS:
        return file
    second = file.find(file[:2], at + CHECK + 2)  # every frame of a file begins with the same bytes
    if second < 0:
        return file
    first = bytearray(file[:second])
    first[at + BYTES : at + BYTES + 4] = (len(file) - second).to_bytes(4)
    first[at + PADDING] &= 0xF0
    first[at + PADDING + 1] = 0
    first[at + CHECK : at + CHECK + 2] = crc16(bytes(first[: at + CHECK])).to_bytes(2)
    return bytes(first) + file[second:]


def crc16(data: bytes) -> int:
    """Return the CRC-16 (polynomial 0x8005, reflected, from 0) that LAME writes at the end of its tag."""
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value
