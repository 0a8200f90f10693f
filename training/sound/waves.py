"""Waveforms of one key of a soundfont, for each velocity and duration.

In: the zones of a font. Out: float32 samples per side. Loops, tuning, volume and modulation envelopes and the resonant
low-pass filter are followed. Velocity chooses the layer of recordings, and shapes what the font's modulators say.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from training.sound.recordings import Recording, Samples
from training.sound.zones import (
    ATTACK,
    ATTENUATION,
    DECAY,
    FILTER_CUTOFF,
    FILTER_Q,
    HOLD,
    LOOPS,
    MOD_DECAY,
    MOD_HOLD,
    MOD_SUSTAIN,
    MOD_TO_FILTER,
    PAN,
    RELEASE,
    SCALE,
    SUSTAIN,
    Zone,
)  # fmt: skip

OPEN_HZ = 18_000.0  # a cutoff above this has no effect
PORTION = 1 << 13  # frames of a recording that are interpolated together, in a processor's cache
HALF = 512  # frames; half a block with one filter cutoff
STILL = 1.001  # a cutoff that changes by less is constant
LONGEST_RESPONSE = 512  # samples that a block rings on after its filter
VELOCITY_STEP = 8  # velocities with the same timbre, where it depends on velocity
UNHEARD_DB = 40.0  # a layer that is softer than the loudest by this is left out
MAX_OCTAVES = 4.0  # by which a recording is played at another pitch
WIDTH = 0.35  # stereo width of the outermost keys, 0 to 1, of a font that is mono
MIDDLE_PITCH = 64
LEAST_RELEASE_S = 0.05

Timbre = tuple[tuple[Zone, ...], int]
"""The zones that sound, and the velocity that stands for all with this timbre."""


@dataclass(frozen=True, slots=True)
class Part:
    """A waveform, and its gain on the left and on the right."""

    wave: Samples
    sides: tuple[np.float32, np.float32]


@dataclass(frozen=True, slots=True)
class Blocks:
    """How a wave is filtered: in blocks of `hop` or, if they overlap, of twice that (overlap and add)."""

    hop: int
    overlaps: bool

    @property
    def start(self) -> int:
        """How many frames the first block begins before the wave."""
        return self.hop if self.overlaps else 0

    @property
    def size(self) -> int:
        """The size of the Fourier transform: the block, and the time for which it rings on."""
        return self.start + self.hop + LONGEST_RESPONSE

    def split(self, wave: Samples) -> NDArray[np.complex64]:
        """Return the spectrum of each block; blocks that overlap are windowed (Hann)."""
        block = self.start + self.hop
        blocks = (len(wave) + self.start) // self.hop + 1
        padded = np.zeros(blocks * self.hop + block, np.float32)
        padded[self.start : self.start + len(wave)] = wave
        cut = np.lib.stride_tricks.sliding_window_view(padded, block)[:: self.hop][:blocks]
        if self.overlaps:
            cut = cut * np.hanning(block + 1)[:-1].astype(np.float32)
        return np.asarray(np.fft.rfft(cut, self.size), np.complex64)

    def join(self, passed: NDArray[np.floating], count: int) -> Samples:
        """Return the first `count` frames of the filtered blocks."""
        blocks, rows = len(passed), -(-self.size // self.hop)
        out = np.zeros((blocks + rows) * self.hop, np.float32)
        for row in range(rows):  # add one hop of all blocks at a time
            piece = passed[:, row * self.hop : (row + 1) * self.hop]
            out[row * self.hop : (row + blocks) * self.hop].reshape(blocks, self.hop)[:, : piece.shape[1]] += piece
        return out[self.start : self.start + count]


MOVING_BLOCKS = Blocks(HALF, overlaps=True)
STILL_BLOCKS = Blocks(8 * HALF, overlaps=False)


@dataclass(slots=True)
class Key:
    """One key of a piano; `seconds` is the longest time for which it sounds."""

    zones: list[Zone]
    pitch: int
    seconds: float
    rate: int
    _timbres: dict[int, Timbre] = field(default_factory=dict)
    _values: dict[tuple[Zone, int], dict[int, float]] = field(default_factory=dict)
    _resampled: dict[tuple[int, float], Samples] = field(default_factory=dict)
    _spectra: dict[tuple[int, float, "Blocks"], NDArray[np.complex64]] = field(default_factory=dict)

    def timbre(self, velocity: int) -> Timbre:
        """Return the timbre of the key at a velocity.

        A key or velocity for which the font has nothing sounds as the nearest one.
        """
        if velocity not in self._timbres:
            self._timbres[velocity] = self._timbre(velocity)
        return self._timbres[velocity]

    def _timbre(self, velocity: int) -> Timbre:
        zones = tuple(zone for zone in self.zones if zone.matches(self.pitch, velocity))
        if not zones:
            away = [
                _distance(zone.keys, self.pitch) * 128 + _distance(zone.velocities, velocity) for zone in self.zones
            ]
            zones = tuple(zone for zone, each in zip(self.zones, away, strict=True) if each == min(away))
        if not any(zone.has_timbre for zone in zones):
            return zones, 127
        low, high = max(zone.velocities[0] for zone in zones), min(zone.velocities[1] for zone in zones)
        middle = velocity // VELOCITY_STEP * VELOCITY_STEP + VELOCITY_STEP // 2
        return zones, max(1, min(max(middle, low), high))

    def gain(self, timbre: Timbre, velocity: int) -> float:
        """Return the factor from the waves of a timbre to a note of this velocity."""
        loudest = min(timbre[0], key=lambda zone: self._of(zone, velocity)[ATTENUATION])
        own, other = (self._of(loudest, each)[ATTENUATION] for each in (velocity, timbre[1]))
        return float(10 ** ((other - own) / 200))

    def release_s(self, timbre: Timbre) -> float:
        """Return the seconds in which the released key falls by 100 dB."""
        times = [_seconds(values[RELEASE]) for _, values in self._heard(timbre, self.seconds)]
        return max(LEAST_RELEASE_S, *times)

    def parts(self, timbre: Timbre, seconds: float) -> list[Part]:
        """Return the sound of the held key: waveforms of `seconds * rate` frames."""
        count = max(1, round(min(seconds, self.seconds) * self.rate))
        heard = self._heard(timbre, seconds)
        is_stereo = any(abs(values[PAN]) >= 50 for _, values in heard)
        summed: dict[float, Samples] = {}
        for zone, values in heard:
            wave = self._filtered(zone, values, count) * _volume(count, values, self.rate)
            place = values[PAN] if is_stereo else 0.0
            summed[place] = summed[place] + wave if place in summed else wave
        return [Part(wave, _sides(place / 500 if is_stereo else _place(self.pitch))) for place, wave in summed.items()]

    def _of(self, zone: Zone, velocity: int) -> dict[int, float]:
        """Return the values of a zone for this key."""
        if (zone, velocity) not in self._values:
            self._values[zone, velocity] = zone.values(self.pitch, velocity)
        return self._values[zone, velocity]

    def _heard(self, timbre: Timbre, seconds: float) -> list[tuple[Zone, dict[int, float]]]:
        """Return the zones that are loud enough, with their values."""
        rows = [(zone, self._of(zone, timbre[1])) for zone in timbre[0]]
        levels = [
            -values[ATTENUATION] / 10 + 20 * np.log10(min(1.0, seconds / _seconds(values[ATTACK])))
            for _, values in rows
        ]
        return [row for row, level in zip(rows, levels, strict=True) if level > max(levels) - UNHEARD_DB]

    def _filtered(self, zone: Zone, values: dict[int, float], count: int) -> Samples:
        """Return the recording at the key's pitch through the low-pass filter.

        The modulation envelope moves the cutoff. It is constant within a block, and blocks are cross-faded.
        """
        octaves = (self.pitch - zone.root()) * values[SCALE] / 1200
        step = zone.recording.rate / self.rate * 2 ** min(max(octaves, -MAX_OCTAVES), MAX_OCTAVES)
        name, is_looped = (id(zone.recording), step), bool(int(values[LOOPS]) & 1)
        if name not in self._resampled:
            longest = max(1, round(self.seconds * self.rate))
            self._resampled[name] = _played(zone.recording, step, longest, is_looped)
        cutoff = _cutoffs(values, (count + HALF) // HALF + 1, self.rate)
        if cutoff.min() > OPEN_HZ:
            return self._resampled[name][:count]
        is_still = bool(cutoff.max() < cutoff.min() * STILL)
        shape = STILL_BLOCKS if is_still else MOVING_BLOCKS
        if (*name, shape) not in self._spectra:
            self._spectra[*name, shape] = shape.split(self._resampled[name])
        spectra = self._spectra[*name, shape][: (count + shape.start) // shape.hop + 1]
        response = _response(cutoff[:1] if is_still else cutoff, values[FILTER_Q] / 10, shape.size, self.rate)
        return shape.join(np.fft.irfft(spectra * response, shape.size), count)


def _response(cutoff: Samples, quality_db: float, size: int, rate: int) -> NDArray[np.complex64]:
    """Return the response of the two-pole filter for each cutoff: complex64[cutoffs, size // 2 + 1]."""
    ratio = np.fft.rfftfreq(size, 1 / rate).astype(np.float32)[None] / cutoff[:, None]
    damping = np.complex64(1j * 10 ** ((3.01 - quality_db) / 20))
    return np.asarray(np.float32(10 ** (-quality_db / 40)) / (1 - ratio**2 + damping * ratio), np.complex64)


def _played(recording: Recording, step: float, count: int, is_looped: bool) -> Samples:
    """Return `count` frames of a recording at another speed, with its loop repeated.

    Catmull-Rom cubic interpolation.
    """
    needed = int((count - 1) * step) + 4
    start, end = recording.loop
    sound = recording.frames(needed)
    if is_looped and 0 <= start < end - 1 and needed > end:
        whole = recording.frames(end)
        sound = np.concatenate([whole, *[whole[start:]] * (-(-(needed - len(whole)) // (end - start)) + 1)])[:needed]
    padded = np.zeros(needed + 1, np.float32)
    padded[1 : 1 + len(sound)] = sound
    if step == 1.0:
        return padded[1 : 1 + count]
    played = np.empty(count, np.float32)
    for first in range(0, count, PORTION):
        places = np.arange(first, min(first + PORTION, count), dtype=np.float64) * step
        whole = places.astype(np.int64)
        part = (places - whole).astype(np.float32)
        a, b, c, d = (padded[whole + shift] for shift in range(4))
        played[first : first + PORTION] = b + 0.5 * part * (
            c - a + part * (2 * a - 5 * b + 4 * c - d + part * (3 * (b - c) + d - a))
        )
    return played


def _cutoffs(values: dict[int, float], blocks: int, rate: int) -> Samples:
    """Return the cutoff of each block in Hz."""
    time = np.arange(blocks, dtype=np.float32) * (HALF / rate)
    fall = (time - _seconds(values[MOD_HOLD])).clip(0) / _seconds(values[MOD_DECAY])
    envelope = np.maximum(1 - fall, 1 - values[MOD_SUSTAIN] / 1000)
    cents = (values[FILTER_CUTOFF] + values[MOD_TO_FILTER] * envelope).clip(1500, 16000)
    return np.asarray(8.176 * 2 ** (cents / 1200), np.float32)


def _volume(count: int, values: dict[int, float], rate: int) -> Samples:
    """Return the volume envelope of a held key: attack, hold, decay linear in dB."""
    attack, hold = _seconds(values[ATTACK]), _seconds(values[HOLD])
    gain = np.full(count, 10 ** (-values[ATTENUATION] / 200), np.float32)
    rising, falling = min(count, int(attack * rate) + 1), int((attack + hold) * rate)
    gain[:rising] *= np.minimum(np.arange(rising, dtype=np.float32) / (attack * rate), 1)
    if falling < count:
        time = np.arange(falling, count, dtype=np.float32) / rate
        drop = np.minimum((time - attack - hold).clip(0) * (100 / _seconds(values[DECAY])), values[SUSTAIN] / 10)
        gain[falling:] *= 10 ** (drop / -20)
    return gain


def _seconds(timecents: float) -> float:
    """Convert timecents to seconds, within the standard's limits."""
    return float(2 ** (min(max(timecents, -12000.0), 8000.0) / 1200))


def _distance(within: tuple[int, int], value: int) -> int:
    return max(within[0] - value, value - within[1], 0)


def _place(pitch: int) -> float:
    """Return where a key of a mono font lies, -1 (left) to 1; low keys are on the left, as the player hears them."""
    return WIDTH * (pitch - MIDDLE_PITCH) / MIDDLE_PITCH


def _sides(place: float) -> tuple[np.float32, np.float32]:
    """Return the gain on the left and on the right of a place from -1 to 1, with equal power."""
    angle = (place + 1) * np.pi / 4
    return np.float32(np.cos(angle)), np.float32(max(0.0, np.sin(angle)))
