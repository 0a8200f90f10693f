"""The zones of a soundfont's preset: which recording sounds for a key and velocity, and how.

In: the chunks of a SoundFont 2.04 or SF3 file. Out: `Zone`s, whose generators (section 8.1.2 of the standard) and
modulators (8.2) give the values of one note. Of the sources of modulators, key and velocity are followed; controllers
are not. The default modulator of the filter is left out, as in most synthesizers.
"""

import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from training.sound.recordings import Recording

FILTER_CUTOFF, FILTER_Q, MOD_TO_FILTER, PAN = 8, 9, 11, 17
MOD_HOLD, MOD_DECAY, MOD_SUSTAIN = 27, 28, 29
ATTACK, HOLD, DECAY, SUSTAIN, RELEASE = 34, 35, 36, 37, 38
INSTRUMENT, KEYS, VELOCITIES, ATTENUATION, COARSE, FINE, SAMPLE = 41, 43, 44, 48, 51, 52, 53
LOOPS, SCALE, ROOT = 54, 56, 58
DEFAULTS = {
    FILTER_CUTOFF: 13500, FILTER_Q: 0, MOD_TO_FILTER: 0, PAN: 0, MOD_HOLD: -12000, MOD_DECAY: -12000, MOD_SUSTAIN: 0,
    ATTACK: -12000, HOLD: -12000, DECAY: -12000, SUSTAIN: 0, RELEASE: -12000,
    ATTENUATION: 0, COARSE: 0, FINE: 0, LOOPS: 0, SCALE: 100, ROOT: -1,
}  # fmt: skip
LIMITS = {  # of the standard; modulators and damaged fonts may exceed them
    FILTER_Q: (0, 960), PAN: (-500, 500), MOD_SUSTAIN: (0, 1000), SUSTAIN: (0, 1440), ATTENUATION: (0, 1440), SCALE: (0, 1200),
}  # fmt: skip
KEY_SCALED = {HOLD: 39, DECAY: 40, MOD_HOLD: 31, MOD_DECAY: 32}  # timecents per key below 60
NOT_ADDED = {ROOT, LOOPS, SAMPLE, KEYS, VELOCITIES, INSTRUMENT}  # of a preset's zone
WRITTEN_ATTENUATION = 0.4  # the first synthesizers applied this share of it, and fonts are made for that since
VORBIS = 0x10  # sample types of SF3 with this bit are compressed
NO_SOURCE, VELOCITY, KEY = 0, 2, 3  # sources of modulators that depend on the note
LINEAR, CONCAVE, CONVEX, SWITCH = range(4)

Identity = tuple[int, int, int]  # source, destination, source of the amount
VELOCITY_TO_ATTENUATION: Identity = (0x0502, ATTENUATION, 0)
DEFAULT_MODULATORS: dict[Identity, int] = {VELOCITY_TO_ATTENUATION: 960}


@dataclass(frozen=True, slots=True, eq=False)
class Zone:
    """One recording, and the keys and velocities for which it sounds."""

    keys: tuple[int, int]
    velocities: tuple[int, int]
    recording: Recording
    generators: dict[int, int]
    modulators: tuple[tuple[Identity, int], ...]

    def matches(self, key: int, velocity: int) -> bool:
        """Return whether the zone sounds for a note."""
        return self.keys[0] <= key <= self.keys[1] and self.velocities[0] <= velocity <= self.velocities[1]

    def values(self, key: int, velocity: int) -> dict[int, float]:
        """Return the generators of a note, with what key and velocity change."""
        found = {name: float(value) for name, value in self.generators.items()}
        found[ATTENUATION] *= WRITTEN_ATTENUATION
        for (source, destination, scale), amount in self.modulators:
            change = amount * _source(source, key, velocity) * _source(scale, key, velocity)
            found[destination] = found.get(destination, 0.0) + change
        for name, scaled in KEY_SCALED.items():
            found[name] += found.get(scaled, 0.0) * (60 - key)
        for name, (least, most) in LIMITS.items():
            found[name] = min(max(found[name], least), most)
        return found

    def root(self) -> float:
        """Return the (fractional) key at which the recording plays at its own speed."""
        root = self.generators[ROOT] if self.generators[ROOT] >= 0 else self.recording.key
        return root - self.generators[COARSE] - (self.generators[FINE] + self.recording.cents) / 100

    @property
    def has_timbre(self) -> bool:
        """Whether velocity changes more than loudness."""
        return any(
            amount and destination != ATTENUATION and VELOCITY in (source & 0x7F, scale & 0x7F)
            for (source, destination, scale), amount in self.modulators
        )


def _source(operator: int, key: int, velocity: int) -> float:
    """Return the value of a modulator's source for a note (section 8.2): -1 to 1."""
    index = operator & 0x7F
    if index == NO_SOURCE and not operator & 0x80:
        return 1.0
    if operator & 0x80 or index not in (VELOCITY, KEY):
        return 0.0  # controllers and wheels stand still
    place = (velocity if index == VELOCITY else key) / 127
    if operator & 0x100:
        place = 1 - place
    curve = operator >> 10
    if operator & 0x200:  # bipolar
        place = 2 * place - 1
        return math.copysign(_curve(curve, abs(place)), place)
    return _curve(curve, place)


def _curve(kind: int, place: float) -> float:
    if kind == CONCAVE:
        return min(1.0, -40 / 96 * math.log10(max(1 - place, 1e-9)))
    if kind == CONVEX:
        return 1 - min(1.0, -40 / 96 * math.log10(max(place, 1e-9)))
    return float(place >= 0.5) if kind == SWITCH else place


def zones_of_preset(name: str, chunks: dict[str, memoryview], bank: int = 0, program: int = 0) -> list[Zone]:
    """Return the zones of a preset; none if there is no such preset.

    Raises struct.error, KeyError, IndexError or ValueError if the font is damaged. `name` is for later errors.
    """
    presets = list(struct.iter_unpack("<20sHHHIII", chunks["phdr"]))
    instruments = list(struct.iter_unpack("<20sH", chunks["inst"]))
    samples = list(struct.iter_unpack("<20sIIIIIBbHH", chunks["shdr"]))
    which = next((n for n, each in enumerate(presets[:-1]) if (each[2], each[1]) == (bank, program)), None)
    if which is None:
        return []
    recordings: dict[int, Recording] = {}
    zones = []
    for outer, outer_modulators in _bags(chunks, "p", presets[which][3], presets[which + 1][3], INSTRUMENT):
        first, last = instruments[outer[INSTRUMENT]][1], instruments[outer[INSTRUMENT] + 1][1]
        for inner, inner_modulators in _bags(chunks, "i", first, last, SAMPLE):
            number = inner[SAMPLE]
            if number not in recordings:
                recordings[number] = _recording(name, samples[number], chunks["smpl"])
            generators = {**DEFAULTS, **inner}
            for generator in set(outer) - NOT_ADDED:
                generators[generator] = generators.get(generator, 0) + outer[generator]
            modulators = {**DEFAULT_MODULATORS, **inner_modulators}
            for identity, amount in outer_modulators.items():
                modulators[identity] = modulators.get(identity, 0) + amount
            keys, velocities = (_overlap(inner.get(what), outer.get(what)) for what in (KEYS, VELOCITIES))
            if keys[0] <= keys[1] and velocities[0] <= velocities[1]:
                zones.append(Zone(keys, velocities, recordings[number], generators, tuple(modulators.items())))
    return zones


def _recording(name: str, header: Sequence[int], sound: memoryview) -> Recording:
    _, start, end, loop_start, loop_end, rate, key, correction, _, kind = header
    is_vorbis = bool(kind & VORBIS)
    width = 1 if is_vorbis else 2
    if not (0 <= start < end and end * width <= len(sound) and 1000 <= rate <= 200_000):
        raise ValueError("a recording lies outside of the file")
    if not is_vorbis:
        loop_start, loop_end = loop_start - start, loop_end - start
    data, loop = sound[start * width : end * width], (loop_start, loop_end)
    return Recording(name, data, rate, key if key <= 127 else 60, correction, loop, is_vorbis)


def _bags(
    chunks: dict[str, memoryview], kind: str, first: int, last: int, ends: int
) -> Iterator[tuple[dict[int, int], dict[Identity, int]]]:
    """Yield the generators and modulators of each zone, on top of those of the global zone.

    `ends` is the generator that ends a zone.
    """
    bags = list(struct.iter_unpack("<HH", chunks[f"{kind}bag"]))
    generators = list(struct.iter_unpack("<Hh", chunks[f"{kind}gen"]))
    modulators = list(struct.iter_unpack("<HHhHH", chunks[f"{kind}mod"]))
    shared: tuple[dict[int, int], dict[Identity, int]] = ({}, {})
    for place in range(first, last):
        own = dict(generators[bags[place][0] : bags[place + 1][0]])
        changes = {
            (source, destination, scale): amount
            for source, destination, amount, scale, _ in modulators[bags[place][1] : bags[place + 1][1]]
        }
        if ends in own:
            yield {**shared[0], **own}, {**shared[1], **changes}
        elif place == first:
            shared = own, changes


def _overlap(*packed: int | None) -> tuple[int, int]:
    """Return the range that lies in all of these; two bytes each, None means all."""
    pairs = [(each & 0xFF, each >> 8 & 0xFF) for each in packed if each is not None]
    return max((low for low, _ in pairs), default=0), min((high for _, high in pairs), default=127)
