"""Comments of an Ogg Vorbis file.

In: a file as an encoder wrote it, and comments. Out: the same sound with these comments, first to last, and with a serial
number that depends on nothing: the same sound gives the same bytes. Ogg is specified in RFC 3533, Vorbis comments in
the Vorbis I specification, section 5.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence

HEADER = struct.Struct("<4sBBqIIIB")
VENDOR = b"vgpiano"
SERIAL = 1
MAX_SEGMENTS = 255
REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def with_comments(file: bytes, comments: Sequence[tuple[str, str]]) -> bytes:
    """Return an Ogg Vorbis file with these comments instead of its own.

    Raises ValueError if `file` is not one.
    """
    pages = list(_pages(file))
    packets, used = _first_packets(pages, 3)
    if not (packets[0].startswith(b"\x01vorbis") and packets[1].startswith(b"\x03vorbis")):
        raise ValueError("not an Ogg Vorbis file")
    entries = [f"{name}={value}".encode() for name, value in comments]
    body = struct.pack("<I", len(VENDOR)) + VENDOR + struct.pack("<I", len(entries))
    packets[1] = b"\x03vorbis" + body + b"".join(struct.pack("<I", len(each)) + each for each in entries) + b"\x01"
    written = [_page(2, 0, 0, _lacing(packets[0]), packets[0])]
    lacing, data = _lacing(packets[1]) + _lacing(packets[2]), packets[1] + packets[2]
    is_continued = False
    while lacing:
        part, lacing = lacing[:MAX_SEGMENTS], lacing[MAX_SEGMENTS:]
        granule = 0 if min(part) < 255 else -1  # -1: no packet ends on the page
        written.append(_page(int(is_continued), granule, len(written), part, data[: sum(part)]))
        data, is_continued = data[sum(part) :], part[-1] == 255
    for flags, granule, segments, content in pages[used:]:
        written.append(_page(flags, granule, len(written), segments, content))
    return b"".join(written)


def _pages(file: bytes) -> Iterator[tuple[int, int, bytes, bytes]]:
    """Yield (flags, granule position, lacing values, body) of each page."""
    at = 0
    while at < len(file):
        try:
            magic, _, flags, granule, _, _, _, count = HEADER.unpack_from(file, at)
        except struct.error as error:
            raise ValueError(f"not an Ogg file ({error})") from None
        segments = file[at + HEADER.size : at + HEADER.size + count]
        start = at + HEADER.size + count
        at = start + sum(segments)
        if magic != b"OggS" or at > len(file):
            raise ValueError("not an Ogg file")
        yield flags, granule, segments, file[start:at]


def _first_packets(pages: Sequence[tuple[int, int, bytes, bytes]], count: int) -> tuple[list[bytes], int]:
    """Return the first packets, and how many pages they take."""
    packets, now = [], b""
    for used, (_, _, segments, content) in enumerate(pages, 1):
        at = 0
        for length in segments:
            now += content[at : at + length]
            at += length
            if length < 255:
                packets.append(now)
                now = b""
        if len(packets) == count:
            return packets, used
    raise ValueError("not an Ogg Vorbis file")


def _lacing(packet: bytes) -> bytes:
    return b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255])


def _page(flags: int, granule: int, number: int, segments: bytes, content: bytes) -> bytes:
    """Return a page with its checksum."""
    head = HEADER.pack(b"OggS", 0, flags, granule, SERIAL, number, 0, len(segments)) + segments
    check = crc32(head + content)
    return head[:22] + struct.pack("<I", check) + head[26:] + content


def crc32(data: bytes) -> int:
    """Return Ogg's CRC: polynomial 0x04c11db7, most significant bit first, initially 0.

    zlib computes it with all bits in the other order.
    """
    value = zlib.crc32(data.translate(REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{value:032b}"[::-1], 2)
