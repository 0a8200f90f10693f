"""MP3 files by LAME, with a first frame from which players know time and length exactly.

In: samples. Out: an MP3 file with a constant bit rate. Its first frame has no sound but LAME's tag: how many frames
follow, how many bytes they have, and for how long the encoder delays the sound. Players skip that delay. Browsers map the
share of the time to the share of these bytes and count from the second frame: if the first frame were among the bytes, as
LAME has it, they would seek up to a frame too far. The tag is described in "Mp3 Info Tag rev 1 specifications"
(G. Bouvigne, G. Alcazar).
"""

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

QUALITY = 3  # LAME's own default for a constant bit rate; 0 is the slowest, 9 the fastest
SCALES = {160: 0.95, 192: 0.97, 224: 0.98, 256: 1.0}  # by which LAME makes sound softer at the nearest of these kbit/s
DELAY = 576  # frames of sound by which LAME delays, without the decoder's own delay
HEADER = 4  # bytes
VERSION_BIT, PADDING_BIT, MONO_BITS = 0x08, 0x02, 0xC0  # of the second, third and last byte of a header
KBITS = {  # by version bit, and the upper half of the third byte
    1: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    0: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
ALL_FIELDS = 15  # flags: frames, bytes, table of contents and quality are present
REVERSED = 0xA001  # polynomial 0x8005 of the check, bits in the other order


def encode_mp3(sound: NDArray[np.float32], rate: int, kbit: int) -> bytes:
    """Return samples [n, channels], from -1 to 1, as an MP3 file with `kbit` kbit/s.

    Up to 60 ms of silence are added at the end. `kbit` must leave room for the tag in a frame: at least 56 at 44.1 kHz.
    """
    import lameenc

    encoder: Any = lameenc.Encoder()
    encoder.set_bit_rate(kbit)
    encoder.set_in_sample_rate(rate)
    encoder.set_out_sample_rate(rate)
    encoder.set_channels(sound.shape[1])
    encoder.set_quality(QUALITY)
    encoder.silence()  # it writes to the terminal otherwise
    softer = np.float32(SCALES[min(SCALES, key=lambda known: abs(known - kbit))])
    whole = np.rint(np.clip(sound / softer, -1, 1) * 32767).astype("<i2")
    frames = bytes(encoder.encode(whole.tobytes())) + bytes(encoder.flush())
    return first_frame(frames, rate) + frames


def first_frame(frames: bytes, rate: int) -> bytes:
    """Return the frame with the tag that belongs before these frames.

    Raises ValueError if they are none of a constant bit rate, or too small for the tag.
    """
    version = int(bool(frames[1] & VERSION_BIT))
    kbit = KBITS[version][frames[2] >> 4]
    size = (72 + 72 * version) * 1000 * kbit // rate
    count, at = 0, 0
    while at + HEADER <= len(frames):
        head = frames[at : at + HEADER]
        if head[:2] != frames[:2] or head[2] | PADDING_BIT != frames[2] | PADDING_BIT:
            raise ValueError(f"byte {at:,} is not the start of a frame with {kbit} kbit/s")
        count, at = count + 1, at + size + bool(head[2] & PADDING_BIT)
    is_mono = frames[3] & MONO_BITS == MONO_BITS
    side = (17 if is_mono else 32) if version else (9 if is_mono else 17)
    header = bytes((frames[0], frames[1], frames[2] & ~PADDING_BIT, frames[3]))
    contents = bytes(percent * 256 // 100 for percent in range(100))
    told = b"Info" + struct.pack(">III", ALL_FIELDS, count, len(frames)) + contents + struct.pack(">I", 0)
    lame = b"LAME3.100" + bytes((1, 0)) + bytes(8) + bytes((0, min(kbit, 255))) + (DELAY << 12).to_bytes(3) + bytes(4)
    tag = told + lame + struct.pack(">IH", size + len(frames), 0)
    start = header + bytes(side) + tag
    if len(start) + 2 > size:
        raise ValueError(f"{kbit} kbit/s at {rate:,} Hz are too few for the tag")
    return (start + crc16(start).to_bytes(2)).ljust(size, b"\0")


def crc16(data: bytes) -> int:
    """Return the CRC-16 of LAME's tag: polynomial 0x8005, reflected, initially 0."""
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (REVERSED if value & 1 else 0)
    return value
