"""The piano of a soundfont: the waveform of a key and duration.

In: the bytes of an .sf2 file. Out: float32 samples. Reads the parts of SoundFont 2.04 that a piano needs: the zones
of one preset, one velocity layer, loops, tuning, volume and modulation envelopes, and the low-pass filter. The
soundfont is part of another package.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalog.base.errors import TrainingError

Samples = NDArray[np.float32]
PACKAGE, FONT = "pretty_midi", "TimGM6mb.sf2"  # T. Brechbill's General MIDI font, GPL-2; 6 MB

# generators of SoundFont 2.04, section 8.1.2, and their default values
FILTER_CUTOFF, MOD_TO_FILTER = 8, 11
MOD_HOLD, MOD_DECAY, MOD_SUSTAIN = 27, 28, 29
ATTACK, HOLD, DECAY, SUSTAIN, RELEASE = 34, 35, 36, 37, 38
INSTRUMENT, KEYS, VELOCITIES, ATTENUATION, COARSE, FINE, SAMPLE = 41, 43, 44, 48, 51, 52, 53
LOOPS, SCALE, ROOT = 54, 56, 58
DEFAULTS = {
    FILTER_CUTOFF: 13500, MOD_TO_FILTER: 0, MOD_HOLD: -12000, MOD_DECAY: -12000, MOD_SUSTAIN: 0,
    ATTACK: -12000, HOLD: -12000, DECAY: -12000, SUSTAIN: 0, RELEASE: -12000,
    ATTENUATION: 0, COARSE: 0, FINE: 0, LOOPS: 0, SCALE: 100, ROOT: -1,
}  # fmt: skip
LOUD = 100  # the layer of this velocity is used
OPEN_HZ = 18_000.0  # a cutoff above this has no effect
BLOCK = 1024  # samples with the same filter cutoff


@dataclass(frozen=True, slots=True)
class Zone:
    """A range of keys: a recording and the generators that shape it."""

    low: int
    high: int
    sound: Samples  # within -1 to 1
    rate: int
    loop: tuple[int, int] | None
    root: float  # the (fractional) key at which the recording plays at its original pitch
    scale: float  # semitones per key
    generators: dict[int, int]


@lru_cache(maxsize=1)
def piano() -> list[Zone]:
    """Return the piano zones of the installed soundfont.

    Raises TrainingError if it is not installed.
    """
    found = find_spec(PACKAGE)
    folders = [Path(place) for place in (found.submodule_search_locations or ())] if found else []
    path = next((folder / FONT for folder in folders if (folder / FONT).is_file()), None)
    if path is None:
        raise TrainingError(f"the package {PACKAGE} with its soundfont {FONT} is not installed: pip install {PACKAGE}")
    return zones_of(path.read_bytes(), str(path))


def zones_of(data: bytes, name: str = "soundfont") -> list[Zone]:
    """Return the zones of bank 0, program 0.

    Raises TrainingError, naming the font, if it cannot be read.
    """
    try:
        zones = list(_zones(_chunks(data)))
    except (struct.error, KeyError, IndexError, ValueError) as error:
        raise TrainingError(f"{name}: not a valid soundfont ({error}); install it again") from None
    if not zones:
        raise TrainingError(f"{name}: has no piano (bank 0, program 0); use another soundfont")
    return zones


def wave_of(zones: list[Zone], pitch: int, seconds: float, rate: int) -> Samples:
    """Return the waveform of a held MIDI pitch: float32[seconds * rate].

    It is not scaled by velocity.
    """
    zone = min(zones, key=lambda zone: max(zone.low - pitch, pitch - zone.high, 0))
    count = max(1, round(seconds * rate))
    step = zone.rate / rate * 2 ** ((pitch - zone.root) * zone.scale / 12)
    wave = _filtered(_played(zone, np.arange(count, dtype=np.float64) * step), zone.generators, rate)
    return np.asarray(wave * _volume(count, zone.generators, rate), np.float32)


def release_of(zones: list[Zone], pitch: int) -> float:
    """Return the seconds in which a released key falls by 100 dB."""
    zone = min(zones, key=lambda zone: max(zone.low - pitch, pitch - zone.high, 0))
    return max(0.05, _time(zone.generators[RELEASE]))


def _played(zone: Zone, places: NDArray[np.float64]) -> Samples:
    """Return the recording at fractional positions, with its loop repeated.

    Catmull-Rom cubic interpolation.
    """
    whole = places.astype(np.int64)
    part = (places - whole).astype(np.float32)
    if zone.loop is None:
        length = len(zone.sound)
        sound = np.concatenate([zone.sound, np.zeros(3, np.float32)])
        near = [np.clip(whole + shift, 0, length) for shift in (-1, 0, 1, 2)]
    else:
        sound, (start, end) = zone.sound, zone.loop
        shifted = [whole + shift for shift in (-1, 0, 1, 2)]
        near = [np.where(at < end, np.maximum(at, 0), start + (at - start) % (end - start)) for at in shifted]
    a, b, c, d = (sound[at] for at in near)
    return np.asarray(
        b + 0.5 * part * (c - a + part * (2 * a - 5 * b + 4 * c - d + part * (3 * (b - c) + d - a))), np.float32
    )


def _volume(count: int, generators: dict[int, int], rate: int) -> Samples:
    """Return the volume envelope of a held key: attack, hold, decay linear in dB."""
    time = np.arange(count, dtype=np.float32) / rate
    attack, hold = _time(generators[ATTACK]), _time(generators[HOLD])
    level = -np.minimum((time - attack - hold).clip(0) * (100 / _time(generators[DECAY])), generators[SUSTAIN] / 10)
    gain = 10 ** ((level - generators[ATTENUATION] / 10) / 20)
    return np.asarray(gain * np.minimum(time / attack, 1), np.float32)


def _filtered(wave: Samples, generators: dict[int, int], rate: int) -> Samples:
    """Return the wave through a two-pole low-pass filter.

    The modulation envelope moves the cutoff. It is constant within a block; blocks are cross-faded (overlap and add).
    """
    starts = np.arange(0, len(wave) + BLOCK // 2, BLOCK // 2)
    time = starts / rate
    fall = (time - _time(generators[MOD_HOLD])).clip(0) / _time(generators[MOD_DECAY])
    envelope = np.maximum(1 - fall, 1 - generators[MOD_SUSTAIN] / 1000)
    cutoff = 8.176 * 2 ** ((generators[FILTER_CUTOFF] + generators[MOD_TO_FILTER] * envelope) / 1200)
    if cutoff.min() > OPEN_HZ:
        return wave
    padded = np.zeros(len(starts) * BLOCK // 2 + BLOCK, np.float32)
    padded[BLOCK // 2 : BLOCK // 2 + len(wave)] = wave
    window = np.hanning(BLOCK + 1)[:-1].astype(np.float32)
    blocks = np.lib.stride_tricks.sliding_window_view(padded, BLOCK)[:: BLOCK // 2][: len(starts)] * window
    ratio = np.fft.rfftfreq(2 * BLOCK, 1 / rate).astype(np.float32)[None] / cutoff.astype(np.float32)[:, None]
    passed = np.fft.irfft(np.fft.rfft(blocks, 2 * BLOCK) / (1 - ratio**2 + 1j * np.sqrt(np.float32(2)) * ratio))
    out = np.zeros(len(padded) + 2 * BLOCK, np.float32)
    half = BLOCK // 2
    for quarter in range(4):  # each filtered block has four half-blocks; add one of them for all blocks at a time
        piece = passed[:, quarter * half : (quarter + 1) * half].reshape(-1)
        out[quarter * half : quarter * half + len(piece)] += piece
    return out[half : half + len(wave)]


def _time(timecents: int) -> float:
    """Convert timecents to seconds."""
    return float(2 ** (timecents / 1200))


def _chunks(data: bytes) -> dict[str, bytes]:
    """Return the body of each chunk in the lists of a RIFF file."""
    if data[:4] != b"RIFF" or data[8:12] != b"sfbk":
        raise ValueError("not a RIFF soundfont")
    found: dict[str, bytes] = {}
    at = 12
    while at + 8 <= len(data):
        name, size = data[at : at + 4], struct.unpack_from("<I", data, at + 4)[0]
        if name == b"LIST":
            at += 12
            continue
        found[name.decode("ascii")] = data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    return found


def _zones(chunks: dict[str, bytes]) -> Iterator[Zone]:
    presets = list(struct.iter_unpack("<20sHHHIII", chunks["phdr"]))
    instruments = list(struct.iter_unpack("<20sH", chunks["inst"]))
    samples = list(struct.iter_unpack("<20sIIIIIBbHH", chunks["shdr"]))
    sound = np.frombuffer(chunks["smpl"], "<i2")
    which = next((n for n, preset in enumerate(presets[:-1]) if preset[1] == preset[2] == 0), None)
    if which is None:
        return
    for outer in _bags(chunks, "p", presets[which][3], presets[which + 1][3], INSTRUMENT):
        first, last = instruments[outer[INSTRUMENT]][1], instruments[outer[INSTRUMENT] + 1][1]
        for inner in _bags(chunks, "i", first, last, SAMPLE):
            quiet, loud = _range(inner.get(VELOCITIES))
            if not quiet <= LOUD <= loud:
                continue
            generators = {name: inner.get(name, default) for name, default in DEFAULTS.items()}
            for name in set(outer) & set(DEFAULTS):
                generators[name] += outer[name]  # preset generators are added to those of the instrument
            yield _zone(samples[inner[SAMPLE]], sound, generators, _range(inner.get(KEYS)))


def _zone(
    header: tuple[bytes, int, int, int, int, int, int, int, int, int],
    sound: NDArray[np.int16],
    generators: dict[int, int],
    keys: tuple[int, int],
) -> Zone:
    _, start, end, loop_start, loop_end, rate, key, correction, _, _ = header
    root = (generators[ROOT] if generators[ROOT] >= 0 else key) - generators[COARSE]
    cents = generators[FINE] + correction
    return Zone(
        *keys,
        sound=(sound[start:end] / np.float32(32768)).astype(np.float32),
        rate=rate,
        loop=(loop_start - start, loop_end - start) if generators[LOOPS] & 1 and loop_end > loop_start else None,
        root=root - cents / 100,
        scale=generators[SCALE] / 100,
        generators=generators,
    )


def _bags(chunks: dict[str, bytes], kind: str, first: int, last: int, ends: int) -> Iterator[dict[int, int]]:
    """Yield the generators of each zone, on top of those of the global zone.

    `ends` is the generator that ends a zone.
    """
    bags = list(struct.iter_unpack("<HH", chunks[f"{kind}bag"]))
    generators = list(struct.iter_unpack("<Hh", chunks[f"{kind}gen"]))
    shared: dict[int, int] = {}
    for place in range(first, last):
        own = dict(generators[bags[place][0] : bags[place + 1][0]])
        if ends in own:
            yield {**shared, **own}
        elif place == first:
            shared = own


def _range(packed: int | None) -> tuple[int, int]:
    """Return the lowest and highest key or velocity of two bytes; None means all."""
    return (0, 127) if packed is None else (packed & 0xFF, packed >> 8 & 0xFF)
