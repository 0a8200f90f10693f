"""Notes to sound: a piano of a small soundfont, in stereo, as samples or as the bytes of a WAV, MP3 or Ogg file.

In: `Notes`; out: audio in which second 0 is tick 0. Tempo changes and the sustain pedal are honoured; velocity is loudness.
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
MP3_RATE = 22_050  # the font's own: above it there is nothing to keep, and encoding takes half the time
KBIT = 64  # of MP3, a second; below 56 its first frame is too small to say what a player must leave out
LONGEST_S = 20 * 60.0
MOST_SOUNDING_S = 20 * 3600.0  # of all notes together, a second more for each; the real section has 3.1 hours at most
RING_S = 20.0  # a string that is never damped is heard for so long
DAMPED_DB = 70.0  # by how much a damped string has fallen when it is left out
LONGEST_TAIL_S = 3.0  # the highest strings have no dampers
FADE_S = 0.02
PORTION = 1 << 16  # frames that an encoder gets at a time
PEAK = 0.89  # -1 dBFS, for encoders overshoot
WIDTH = 0.35  # how far to the sides the outermost keys lie, 0 to 1
MIDDLE_PITCH = 64
Form = Literal["mp3", "ogg", "wav"]


def synthesize(notes: Notes, rate: int = RATE) -> NDArray[np.float32]:
    """Return the sound of `notes`: float32[n, 2], left and right, of `rate` frames a second.

    Frame `rate * tick_to_seconds(notes.tempos, onset)`, rounded, is the first of each note, so time 0 is tick 0 and not the first
    onset. A string is damped when its note ends to sound, with the pedal (`Notes.sounding`). The loudest frame is 0.89, whatever the
    velocities; silence where there are no notes. The last note rings out.
    Raises TrainingError for more than 20 minutes, or more notes than can be played in a minute or so.
    """
    if len(notes) == 0:
        return np.zeros((rate, 2), np.float32)
    start, released, damped_at = (
        tick_to_seconds(notes.tempos, ticks) for ticks in (notes.onset, notes.end, notes.onset + notes.sounding)
    )
    held = np.minimum(damped_at - start, RING_S)
    end = np.maximum(released, start + held)
    if end.max() > LONGEST_S:
        raise TrainingError(
            f"the piece lasts {end.max() / 60:.0f} minutes, and sound is made of {LONGEST_S / 60:.0f} at most: shorten it"
        )
    if (sounding := float(held.sum()) + len(notes)) > MOST_SOUNDING_S:
        raise TrainingError(
            f"the piece's {len(notes):,} notes sound {sounding / 3600:.0f} hours one by one, and sound is made of "
            f"{MOST_SOUNDING_S / 3600:.0f} at most: shorten it, or its notes"
        )
    zones = soundfont.piano()
    tails = {pitch: _tail(soundfont.release_of(zones, pitch), rate) for pitch in np.unique(notes.pitch).tolist()}
    rings = np.array([len(tails[pitch]) for pitch in notes.pitch.tolist()])
    out = np.zeros((2, int((np.rint(end * rate) + rings).max()) + 2), np.float32)
    first = np.rint(start * rate).astype(np.int64)
    loudness = (notes.velocity / np.float32(127)) ** 2  # the standard's curve
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
    """Return samples as a file: WAV of 16 bits, MP3 of 64 kbit a second, or Ogg Vorbis of about 60.

    No form shifts time: an MP3 encoder puts silence before the music, and says in the file's first frame how much players
    must leave out, which browsers and libsndfile do; what it says there of the end is mended (`seekable`).
    """
    import soundfile

    file, how = io.BytesIO(), dict[str, Any]()
    if form == "mp3":
        most, least = (320, 32) if rate >= 32_000 else (160, 8)  # kbit that libsndfile's scale from 0 to 1 stands for
        level = (most - KBIT) / (most - least)
        how = {"subtype": "MPEG_LAYER_III", "compression_level": level, "bitrate_mode": "CONSTANT"}
    elif form == "ogg":
        how = {"subtype": "VORBIS", "compression_level": 0.8}
    with soundfile.SoundFile(file, "w", rate, sound.shape[1], format=form.upper(), **how) as out:
        for start in range(0, len(sound), PORTION):  # a minute at once overflows libsndfile's stack (Vorbis)
            out.write(sound[start : start + PORTION])
    return seekable(file.getvalue()) if form == "mp3" else file.getvalue()


def wav(notes: Notes) -> bytes:
    """Return `notes` as a WAV file; see `audio`."""
    return encode_audio(synthesize(notes), "wav")


def mp3(notes: Notes) -> bytes:
    """Return `notes` as an MP3 file that every browser plays, 8 kB a second; see `audio` and `encode`.

    It has one channel: two take the encoder twice as long, and the sides are our own invention.
    """
    middle = synthesize(notes, MP3_RATE).mean(axis=1, keepdims=True)
    return encode_audio(middle * (PEAK / max(float(np.abs(middle).max()), 1e-9)), "mp3", MP3_RATE)


def ogg(notes: Notes) -> bytes:
    """Return `notes` as an Ogg Vorbis file, smaller than an MP3, which old versions of Safari do not play."""
    return encode_audio(synthesize(notes), "ogg")


def _tail(fall_s: float, rate: int) -> NDArray[np.float32]:
    """Return how loud a string still is after its key is released, frame by frame, until it is not heard; at last 0."""
    count = max(1, round(min(LONGEST_TAIL_S, fall_s * DAMPED_DB / 100) * rate))
    fall = 10 ** (-5 / (fall_s * rate) * np.arange(count, dtype=np.float32))  # 100 dB in `fall_s`
    return np.asarray(fall * np.minimum(np.arange(count, 0, -1) / (FADE_S * rate), 1), np.float32)


def _sides(pitch: int) -> tuple[np.float32, np.float32]:
    """Return how loud a key is on the left and on the right: low ones left, as the player hears them, equal in power."""
    place = WIDTH * (pitch - MIDDLE_PITCH) / MIDDLE_PITCH
    angle = (place + 1) * np.pi / 4
    return np.float32(np.cos(angle)), np.float32(np.sin(angle))
