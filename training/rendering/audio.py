"""Notes to piano sound, as samples, WAV, MP3 or Ogg.

In: `Notes`, and optionally a soundfont. Out: stereo sound in which second 0 is tick 0. Tempo changes and the sustain pedal
are honoured; velocity is loudness and, if the soundfont has layers, timbre. Files have one loudness, and tags.
"""

import io
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from catalog.base.errors import TrainingError
from dataset.notes.hands import hands_of
from dataset.notes.model import LEFT, Notes
from dataset.notes.timing import tick_to_seconds
from training.sound.loudness import level_gain, level_sound
from training.sound.mp3 import encode_mp3
from training.sound.soundfont import piano
from training.sound.tags import Tags, tag_mp3, tag_ogg, tag_wav
from training.sound.waves import Key, Timbre

RATE = 44_100
KBIT = 128  # per second of MP3
HANDS_RATE, HANDS_KBIT = 16_000, 40  # of the small file with one hand in each channel
MAX_SECONDS = 20 * 60.0
MAX_SOUNDING_S = 20 * 3600.0  # of all notes together, plus a second per note; real pieces have 3.1 hours at most
RING_S = 20.0  # maximum sounding time of an undamped string
DAMPED_DB = 70.0  # attenuation at which a damped string is cut off
LONGEST_TAIL_S = 3.0  # the highest strings have no dampers
FADE_S = 0.02
PORTION = 1 << 16  # frames per write to an encoder
PEAK = 0.89  # -1 dBFS, because encoders overshoot
Form = Literal["mp3", "ogg", "wav"]
NO_TAGS = Tags()


def synthesize(notes: Notes, rate: int = RATE, *, soundfont: Path | None = None) -> NDArray[np.float32]:
    """Return the sound of `notes` as float32[n, 2], left and right.

    There are `rate` frames per second. Each note begins at frame `rate * tick_to_seconds(notes.tempos, onset)`,
    rounded, so time 0 is tick 0 and not the first onset. A string is damped when its note stops to sound, with the
    pedal (`Notes.sounding`). The peak is 0.89, whatever the velocities. Returns one second of silence for no notes.
    The last note rings out. `soundfont` is an SF2 or SF3 file; None takes the best that is installed. Raises
    TrainingError for a file that is not a soundfont, for more than 20 minutes, or for more notes than can be
    synthesized in about a minute.
    """
    sound = mix_notes(notes, rate, soundfont=soundfont)
    peak = float(np.abs(sound).max(initial=0.0))
    return sound * np.float32(PEAK / peak if peak > 0 else 1.0)


def mix_notes(
    notes: Notes, rate: int = RATE, *, chosen: NDArray[np.bool_] | None = None, soundfont: Path | None = None
) -> NDArray[np.float32]:
    """Return the sound of `notes` as `synthesize` does, with the soundfont's own level.

    With `chosen`, bool[n], only these notes sound, exactly as they do among all: the sounds of parts add up to the whole.
    """
    font = piano(soundfont)
    if len(notes) == 0 or (chosen is not None and not chosen.any()):
        return np.zeros((rate, 2), np.float32)
    start, released, damped_at = (
        tick_to_seconds(notes.tempos, ticks) for ticks in (notes.onset, notes.end, notes.onset + notes.sounding)
    )
    held = np.minimum(damped_at - start, RING_S)
    end = np.maximum(released, start + held)
    _check_size(len(notes), float(end.max()), float(held.sum()))
    sounds = np.ones(len(notes), bool) if chosen is None else chosen
    first, last = np.rint(start * rate).astype(np.int64), int(np.rint(end[sounds].max() * rate))
    out = np.zeros((2, last + round(LONGEST_TAIL_S * rate) + 2), np.float32)
    # of a note, used again for the next: new memory costs as much as the sound
    sound = scaled = np.empty(0, np.float32)
    length = 0
    for pitch in np.unique(notes.pitch[sounds]).tolist():
        own = np.flatnonzero(notes.pitch == pitch)
        key = Key(font.zones, pitch, float(held[own].max()) + LONGEST_TAIL_S, rate)
        gains: dict[int, np.float32] = {}
        timbres: dict[Timbre, list[int]] = {}
        for note, velocity in zip(own.tolist(), notes.velocity[own].tolist(), strict=True):
            timbre = key.timbre(velocity)
            timbres.setdefault(timbre, []).append(note)
            if velocity not in gains:
                gains[velocity] = np.float32(key.gain(timbre, velocity))
        for timbre, group in timbres.items():
            if not sounds[group].any():
                continue
            fall = _tail(key.release_s(timbre), rate)
            parts = key.parts(timbre, float(held[group].max()) + len(fall) / rate)
            for note in filter(sounds.__getitem__, group):
                damped, gain = round(float(held[note]) * rate), gains[int(notes.velocity[note])]
                for part in parts:
                    wave = part.wave[: damped + len(fall)]
                    if len(wave) > len(sound):
                        sound, scaled = np.empty((2, len(wave)), np.float32)
                    heard = np.multiply(wave, gain, out=sound[: len(wave)])
                    heard[damped:] *= fall[: len(heard) - damped]
                    stop = int(first[note]) + len(heard)
                    for side in (0, 1):
                        if part.sides[side] > 0:
                            out[side, first[note] : stop] += np.multiply(
                                heard, part.sides[side], out=scaled[: len(heard)]
                            )
                    length = max(length, stop)
    return out[:, : length + 2].T  # a side is contiguous, which suits all that follows


def _check_size(notes: int, seconds: float, held: float) -> None:
    """Raise TrainingError if a piece takes too long to synthesize."""
    if seconds > MAX_SECONDS:
        raise TrainingError(
            f"the piece lasts {seconds / 60:.0f} minutes, sound has at most {MAX_SECONDS / 60:.0f}: shorten it"
        )
    if (sounding := held + notes) > MAX_SOUNDING_S:
        raise TrainingError(
            f"the piece's {notes:,} notes sound {sounding / 3600:.0f} hours in total, at most "
            f"{MAX_SOUNDING_S / 3600:.0f} are possible: shorten it, or its notes"
        )


def encode_audio(
    sound: NDArray[np.float32], form: Form, rate: int = RATE, tags: Tags = NO_TAGS, *, kbit: int = KBIT
) -> bytes:
    """Encode samples, with tags: WAV with 16 bits, MP3 with `kbit` kbit/s, Ogg Vorbis with about 90.

    No format shifts time: an MP3 encoder adds silence at the start, which players skip (`mp3`).
    """
    import soundfile

    if form == "mp3":
        return tag_mp3(encode_mp3(sound, rate, kbit), tags)
    file, how = io.BytesIO(), {"subtype": "VORBIS", "compression_level": 0.5} if form == "ogg" else {}
    with soundfile.SoundFile(file, "w", rate, sound.shape[1], format=form.upper(), **how) as out:
        for start in range(0, len(sound), PORTION):  # a minute at once overflows libsndfile's stack (Vorbis)
            out.write(sound[start : start + PORTION])
    data = file.getvalue()
    return tag_ogg(data, tags) if form == "ogg" else tag_wav(data, tags, rate)


def render_stem(notes: Notes, form: Form, hand: int, *, tags: Tags = NO_TAGS, soundfont: Path | None = None) -> bytes:
    """Return the sound of one hand, RIGHT or LEFT, in a file as long as the whole piece.

    It has the level that the hand has in the file of `render_sound`: the two stems add up to it.
    """
    own = hands_of(notes) == hand
    sounds = [mix_notes(notes, chosen=chosen, soundfont=soundfont) for chosen in (own, ~own)]
    whole = np.zeros((max(map(len, sounds)), 2), np.float32)
    for sound in sounds:
        whole[: len(sound)] += sound
    gain = level_gain(whole, RATE)
    whole[:] = 0
    whole[: len(sounds[0])] = sounds[0]
    return encode_audio(whole * gain[:, None], form, RATE, with_origin(tags, soundfont))


def render_hands(notes: Notes, *, soundfont: Path | None = None) -> bytes | None:
    """Return a small MP3 with the left hand in the left channel and the right hand in the right; None if only one plays.

    The hands are as loud as in the file of `render_sound`, beside which a player needs this one to mute a hand. It has a
    third of the size, nothing above 8 kHz, and no tags.
    """
    is_left = hands_of(notes) == LEFT
    if is_left.all() or not is_left.any():
        return None
    sounds = [mix_notes(notes, HANDS_RATE, chosen=chosen, soundfont=soundfont) for chosen in (is_left, ~is_left)]
    hands, whole = (np.zeros((max(map(len, sounds)), 2), np.float32) for _ in range(2))
    for channel, sound in enumerate(sounds):
        whole[: len(sound)] += sound
        hands[: len(sound), channel] = sound.mean(axis=1)
    return encode_audio(hands * level_gain(whole, HANDS_RATE)[:, None], "mp3", HANDS_RATE, kbit=HANDS_KBIT)


def render_sound(notes: Notes, form: Form, *, tags: Tags = NO_TAGS, soundfont: Path | None = None) -> bytes:
    """Return `notes` as a stereo file at 44.1 kHz and -16 LUFS; see `synthesize`.

    True peaks are below -1 dB. Tags without `sound` get the origin and licence of the soundfont.
    """
    sound = level_sound(mix_notes(notes, soundfont=soundfont), RATE)
    return encode_audio(sound, form, RATE, with_origin(tags, soundfont))


def with_origin(tags: Tags, soundfont: Path | None) -> Tags:
    """Return tags that name the origin and licence of the soundfont, unless they do."""
    return replace(tags, sound=tags.sound or f"piano: {piano(soundfont).licence}")


def wav(notes: Notes) -> bytes:
    """Return `notes` as a WAV file; see `render_sound`."""
    return render_sound(notes, "wav")


def mp3(notes: Notes) -> bytes:
    """Return `notes` as an MP3 file, 16 kB per second; see `render_sound`."""
    return render_sound(notes, "mp3")


def ogg(notes: Notes) -> bytes:
    """Return `notes` as an Ogg Vorbis file; see `render_sound`.

    Smaller than an MP3, but old versions of Safari do not play it.
    """
    return render_sound(notes, "ogg")


def _tail(fall_s: float, rate: int) -> NDArray[np.float32]:
    """Return the decay of a string after its key is released, frame by frame, to 0."""
    count = max(1, round(min(LONGEST_TAIL_S, fall_s * DAMPED_DB / 100) * rate))
    fall = 10 ** (-5 / (fall_s * rate) * np.arange(count, dtype=np.float32))  # 100 dB in `fall_s`
    return np.asarray(fall * np.minimum(np.arange(count, 0, -1) / (FADE_S * rate), 1), np.float32)
