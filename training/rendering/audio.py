"""Notes to piano sound, as samples, WAV, MP3 or Ogg.

In: `Notes`. Out: audio in which second 0 is tick 0. Tempo changes and the sustain pedal are honoured; velocity is loudness.
"""

import io
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from catalog.base.errors import TrainingError
from dataset.notes.model import Notes
from dataset.notes.timing import tick_to_seconds
from training.rendering import soundfont
from training.rendering.mp3_seek import seekable

RATE = 44_100
MP3_RATE = 22_050  # the soundfont's own rate; encoding takes half the time
KBIT = 64  # per second of MP3; below 56 the first frame is too small for the encoder delay
MAX_SECONDS = 20 * 60.0
MAX_SOUNDING_S = 20 * 3600.0  # of all notes together, plus a second per note; real pieces have 3.1 hours at most
RING_S = 20.0  # maximum sounding time of an undamped string
DAMPED_DB = 70.0  # attenuation at which a damped string is cut off
LONGEST_TAIL_S = 3.0  # the highest strings have no dampers
FADE_S = 0.02
PORTION = 1 << 16  # frames per write to an encoder
PEAK = 0.89  # -1 dBFS, because encoders overshoot
WIDTH = 0.35  # stereo width of the outermost keys, 0 to 1
MIDDLE_PITCH = 64
Form = Literal["mp3", "ogg", "wav"]


def synthesize(notes: Notes, rate: int = RATE) -> NDArray[np.float32]:
    """Return the sound of `notes` as float32[n, 2], left and right.

    There are `rate` frames per second. Each note begins at frame `rate * tick_to_seconds(notes.tempos, onset)`,
    rounded, so time 0 is tick 0 and not the first onset. A string is damped when its note stops to sound, with the
    pedal (`Notes.sounding`). The peak is 0.89, whatever the velocities. Returns one second of silence for no notes.
    The last note rings out. Raises TrainingError for more than 20 minutes, or for more notes than can be synthesized
    in about a minute.
    """
    if len(notes) == 0:
        return np.zeros((rate, 2), np.float32)
    start, released, damped_at = (
        tick_to_seconds(notes.tempos, ticks) for ticks in (notes.onset, notes.end, notes.onset + notes.sounding)
    )
    held = np.minimum(damped_at - start, RING_S)
    end = np.maximum(released, start + held)
    if end.max() > MAX_SECONDS:
        raise TrainingError(
            f"the piece lasts {end.max() / 60:.0f} minutes, sound has at most {MAX_SECONDS / 60:.0f}: shorten it"
        )
    if (sounding := float(held.sum()) + len(notes)) > MAX_SOUNDING_S:
        raise TrainingError(
            f"the piece's {len(notes):,} notes sound {sounding / 3600:.0f} hours in total, at most "
            f"{MAX_SOUNDING_S / 3600:.0f} are possible: shorten it, or its notes"
        )
    zones = soundfont.piano()
    tails = {pitch: _tail(soundfont.release_of(zones, pitch), rate) for pitch in np.unique(notes.pitch).tolist()}
    rings = np.array([len(tails[pitch]) for pitch in notes.pitch.tolist()])
    out = np.zeros((2, int((np.rint(end * rate) + rings).max()) + 2), np.float32)
    first = np.rint(start * rate).astype(np.int64)
    loudness = (notes.velocity / np.float32(127)) ** 2  # the curve of the SoundFont standard
    for pitch, fall in tails.items():
        own = np.flatnonzero(notes.pitch == pitch)
        wave = soundfont.wave_of(zones, pitch, float(held[own].max()) + len(fall) / rate, rate)
        sides = _sides(pitch)
        for note in own.tolist():
            damped = round(float(held[note]) * rate)
            sound = wave[: damped + len(fall)] * loudness[note]
            sound[damped:] *= fall[: len(sound) - damped]
            for side in (0, 1):
                out[side, first[note] : first[note] + len(sound)] += sides[side] * sound
    peak = float(np.abs(out).max())
    return np.ascontiguousarray(out.T * np.float32(PEAK / peak if peak > 0 else 1.0))


def encode_audio(sound: NDArray[np.float32], form: Form, rate: int = RATE) -> bytes:
    """Encode samples: WAV with 16 bits, MP3 with 64 kbit/s, Ogg Vorbis with about 60.

    No format shifts time: an MP3 encoder adds silence at the start and records its length in the first frame, which
    browsers and libsndfile skip. The recorded length of the end is corrected (`seekable`).
    """
    import soundfile

    file, how = io.BytesIO(), dict[str, Any]()
    if form == "mp3":
        most, least = (320, 32) if rate >= 32_000 else (160, 8)  # kbit range of libsndfile's scale from 0 to 1
        level = (most - KBIT) / (most - least)
        how = {"subtype": "MPEG_LAYER_III", "compression_level": level, "bitrate_mode": "CONSTANT"}
    elif form == "ogg":
        how = {"subtype": "VORBIS", "compression_level": 0.8}
    with soundfile.SoundFile(file, "w", rate, sound.shape[1], format=form.upper(), **how) as out:
        for start in range(0, len(sound), PORTION):  # a minute at once overflows libsndfile's stack (Vorbis)
            out.write(sound[start : start + PORTION])
    return seekable(file.getvalue()) if form == "mp3" else file.getvalue()


def wav(notes: Notes) -> bytes:
    """Return `notes` as a WAV file; see `synthesize`."""
    return encode_audio(synthesize(notes), "wav")


def mp3(notes: Notes) -> bytes:
    """Return `notes` as a mono MP3 file, 8 kB per second; see `synthesize`.

    Mono halves the encoding time, and the stereo positions are synthetic.
    """
    middle = synthesize(notes, MP3_RATE).mean(axis=1, keepdims=True)
    return encode_audio(middle * (PEAK / max(float(np.abs(middle).max()), 1e-9)), "mp3", MP3_RATE)


def ogg(notes: Notes) -> bytes:
    """Return `notes` as an Ogg Vorbis file.

    Smaller than an MP3, but old versions of Safari do not play it.
    """
    return encode_audio(synthesize(notes), "ogg")


def _tail(fall_s: float, rate: int) -> NDArray[np.float32]:
    """Return the decay of a string after its key is released, frame by frame, to 0."""
    count = max(1, round(min(LONGEST_TAIL_S, fall_s * DAMPED_DB / 100) * rate))
    fall = 10 ** (-5 / (fall_s * rate) * np.arange(count, dtype=np.float32))  # 100 dB in `fall_s`
    return np.asarray(fall * np.minimum(np.arange(count, 0, -1) / (FADE_S * rate), 1), np.float32)


def _sides(pitch: int) -> tuple[np.float32, np.float32]:
    """Return the gain of a key on the left and on the right, with equal power.

    Low keys are on the left, as the player hears them.
    """
    place = WIDTH * (pitch - MIDDLE_PITCH) / MIDDLE_PITCH
    angle = (place + 1) * np.pi / 4
    return np.float32(np.cos(angle)), np.float32(np.sin(angle))
