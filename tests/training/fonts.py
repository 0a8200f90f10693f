"""Soundfonts written by the tests: SF2 or SF3, with velocity layers, sides, loops and modulators."""

import io
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import soundfile
from numpy.typing import NDArray

RATE = 44_100
KEYS, VELOCITIES, SAMPLE, INSTRUMENT = 43, 44, 53, 41


@dataclass(frozen=True)
class FontZone:
    """One zone: a recording, its velocities, and more generators and modulators."""

    wave: NDArray[np.floating]
    velocities: tuple[int, int] = (0, 127)
    generators: dict[int, int] = field(default_factory=dict)
    modulators: Sequence[tuple[int, int, int, int, int]] = ()
    loop: tuple[int, int] = (0, 0)


def tone(hertz: Sequence[float], seconds: float = 1.0) -> NDArray[np.float64]:
    """A sum of sines, 0.5 at most."""
    time = np.arange(round(seconds * RATE)) / RATE
    return np.asarray(sum(np.sin(2 * np.pi * each * time) for each in hertz) * (0.5 / len(hertz)), np.float64)


def font(zones: Sequence[FontZone], *, vorbis: bool = False, is_padded: bool = True, terms: str = "CC0") -> bytes:
    """Return a soundfont with one preset; every recording's key is 60. `is_padded`: odd chunks end with a zero byte."""
    sound, headers, generators, modulators, bags = b"", b"", b"", b"", b""
    for number, zone in enumerate(zones):
        if vorbis:
            file = io.BytesIO()
            soundfile.write(file, zone.wave, RATE, format="OGG", subtype="VORBIS")
            data, start, loop = file.getvalue(), len(sound), zone.loop
            end, kind = start + len(data), 0x11
        else:
            data, start = np.round(zone.wave * 32767).astype("<i2").tobytes() + bytes(92), len(sound) // 2
            end, kind = start + len(zone.wave), 1
            loop = (start + zone.loop[0], start + zone.loop[1])
        sound += data
        headers += struct.pack("<20sIIIIIBbHH", b"tone", start, end, *loop, RATE, 60, 0, 0, kind)
        bags += struct.pack("<HH", len(generators) // 4, len(modulators) // 10)
        low, high = zone.velocities
        for name, value in {KEYS: 127 << 8, VELOCITIES: high << 8 | low, **zone.generators, SAMPLE: number}.items():
            generators += struct.pack("<Hh", name, value)
        for each in zone.modulators:
            modulators += struct.pack("<HHhHH", *each)
    bags += struct.pack("<HH", len(generators) // 4, len(modulators) // 10)
    if vorbis:
        sound += bytes(1 - len(sound) % 2)  # an odd number of bytes
    parts = {
        b"phdr": struct.pack("<20sHHHIII", b"Piano", 0, 0, 0, 0, 0, 0)
        + struct.pack("<20sHHHIII", b"EOP", 0, 0, 1, 0, 0, 0),
        b"pbag": struct.pack("<4H", 0, 0, 1, 0),
        b"pmod": bytes(10),
        b"pgen": struct.pack("<HhHh", INSTRUMENT, 0, 0, 0),
        b"inst": struct.pack("<20sH20sH", b"Piano", 0, b"EOI", len(zones)),
        b"ibag": bags,
        b"imod": modulators + bytes(10),
        b"igen": generators + bytes(4),
        b"shdr": headers + struct.pack("<20sIIIIIBbHH", b"EOS", 0, 0, 0, 0, 0, 0, 0, 0, 0),
    }
    info = _chunk(b"ifil", struct.pack("<HH", 3 if vorbis else 2, 1)) + _chunk(b"INAM", b"Test Piano\0\0")
    info += _chunk(b"ICOP", terms.encode() + b"\0" * (2 - len(terms) % 2))
    lists = _chunk(b"LIST", b"INFO" + info) + _chunk(b"LIST", b"sdta" + _chunk(b"smpl", sound, is_padded), is_padded)
    lists += _chunk(b"LIST", b"pdta" + b"".join(_chunk(name, body) for name, body in parts.items()))
    return _chunk(b"RIFF", b"sfbk" + lists)


def _chunk(name: bytes, body: bytes, is_padded: bool = True) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (is_padded and len(body) % 2)
