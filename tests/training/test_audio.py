"""Sound: in time, in tune, not silent, not clipped, in every format."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from catalog.base.errors import TrainingError
from dataset.midi.midi_reader import read_midi
from dataset.notes.model import Notes
from dataset.notes.timing import tick_to_seconds
from training.rendering import audio
from training.rendering.audio import RATE
from training.sound import soundfont
from training.sound.mp3 import crc16, first_frame

TEMPOS = ((0, 97.0), (100, 180.0), (230, 61.5))
HALF_RATE = RATE // 2  # enough where only levels are compared
CLICKS = Notes.of([37, 75, 113, 170, 240, 260, 300], [2] * 7, [96] * 7, [110] * 7, TEMPOS)


def onsets(sound: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    """Seconds of clicks: milliseconds with far more energy than the 50 ms before."""
    window = rate // 1000
    mono = sound.mean(axis=1)
    energy = np.square(mono[: len(mono) // window * window]).reshape(-1, window).sum(axis=1)
    found: list[int] = []
    for at in np.flatnonzero(energy > 0.02 * energy.max()).tolist():
        before = energy[max(0, at - 50) : at].max(initial=0.0)
        if energy[at] > 4 * before and (not found or at - found[-1] > 60):
            found.append(at)
    return np.array(found) * window / rate


@pytest.mark.parametrize("form", ["wav", "mp3", "ogg"])
def test_every_click_sounds_when_its_tick_says_also_after_decoding(form: str) -> None:
    data = {"wav": audio.wav, "mp3": audio.mp3, "ogg": audio.ogg}[form](CLICKS)
    sound, rate = soundfile.read(io.BytesIO(data), always_2d=True)
    heard, wanted = onsets(sound, rate), tick_to_seconds(CLICKS.tempos, CLICKS.onset)
    assert len(heard) == len(wanted)
    assert np.abs(heard - wanted).max() < 0.005


def test_a_long_piece_does_not_drift() -> None:
    late = Notes.of([24 * 599, 24 * 600], [2, 2], [96, 96], [100, 100], [(0, 120.0), (24 * 300, 133.0)])
    wanted = tick_to_seconds(late.tempos, late.onset)
    assert np.abs(onsets(audio.synthesize(late), RATE) - wanted).max() < 0.005


@pytest.mark.parametrize("pitch", [28, 45, 60, 69, 81, 100])
def test_a_key_sounds_at_its_pitch(pitch: int) -> None:
    sound = audio.synthesize(Notes.of([0], [96], [pitch], [90]))[RATE // 10 : RATE * 3 // 2, 0]
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 1 << 19))
    wanted = 440 * 2 ** ((pitch - 69) / 12)
    hertz = np.fft.rfftfreq(1 << 19, 1 / RATE)
    strengths = []
    for part in (1, 2, 3):  # a low string's fundamental is weak: the comb of its partials must fit
        near = (hertz > wanted * part * 0.97) & (hertz < wanted * part * 1.03)
        strengths.append((spectrum[near].max(), hertz[near][spectrum[near].argmax()] / part))
    cents = 1200 * np.log2(max(strengths)[1] / wanted)
    assert abs(cents) < 25


def test_loud_is_loud_and_nothing_clips() -> None:
    chord = Notes.of([0] * 10, [96] * 10, range(36, 76, 4), [127] * 10)
    for notes in (chord, Notes.of([0], [24], [60], [1]), CLICKS):
        sound = audio.synthesize(notes)
        assert sound.dtype == np.float32
        assert sound.shape[1] == 2
        assert np.abs(sound).max() == pytest.approx(0.89, abs=1e-3)
    soft_then_loud = audio.synthesize(Notes.of([0, 96], [24, 24], [60, 60], [50, 100]))
    first, second = np.abs(soft_then_loud[: 2 * RATE]).max(), np.abs(soft_then_loud[2 * RATE :]).max()
    assert second / first == pytest.approx(4, rel=0.1)


def test_low_keys_lie_left_and_high_ones_right() -> None:
    def balance(pitch: int) -> float:
        sound = audio.synthesize(Notes.of([0], [24], [pitch], [90]))
        return float(np.square(sound[:, 1]).sum() / np.square(sound[:, 0]).sum())

    assert balance(30) < 0.9 < 1.1 < balance(95)


def test_the_last_note_rings_out() -> None:
    sound = audio.synthesize(CLICKS)
    assert len(sound) / RATE > float(tick_to_seconds(CLICKS.tempos, CLICKS.end.max())) + 0.5
    assert np.abs(sound[-RATE // 20 :]).max() < 0.001


def test_nothing_is_silence_and_too_much_is_refused() -> None:
    assert not audio.synthesize(Notes.of([], [], [], [])).any()
    with pytest.raises(TrainingError, match="shorten it"):
        audio.synthesize(Notes.of([0, 24 * 3000], [1, 1], [60, 60], [9, 9], [(0, 60.0)]))


def test_a_note_that_nobody_ends_costs_no_more_than_it_is_heard() -> None:
    sound = audio.synthesize(Notes.of([0, 0], [24 * 300, 24], [40, 60], [90, 90]))
    assert len(sound) < 160 * RATE
    assert not sound[30 * RATE :].any()


def test_an_mp3_is_small_enough_to_lie_in_a_page() -> None:
    piece = Notes.of(np.arange(160) * 6, [6] * 160, [40 + n % 48 for n in range(160)], [80] * 160)
    data = audio.mp3(piece)
    seconds = soundfile.info(io.BytesIO(data)).duration
    assert 20.3 < seconds < 24
    assert 15_800 < len(data) / seconds < 16_400
    assert data[:3] == b"ID3" or data[0] == 0xFF


def test_a_long_piece_does_not_kill_the_encoder() -> None:
    silence = np.zeros((RATE * 120, 2), np.float32)
    assert soundfile.info(io.BytesIO(audio.encode_audio(silence, "ogg"))).duration == pytest.approx(120)


def test_the_same_notes_sound_the_same() -> None:
    assert audio.wav(CLICKS) == audio.wav(CLICKS)


@pytest.mark.parametrize("data", [b"", b"RIFF" + bytes(40), b"RIFF\0\0\0\0sfbk" + bytes(64)])
def test_a_damaged_font_is_said_to_be_one(data: bytes) -> None:
    with pytest.raises(TrainingError, match="test font"):
        soundfont.piano_of(data, "test font")


def test_a_missing_font_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soundfont, "PACKAGE", "no_such_package")
    with pytest.raises(TrainingError, match="pip install no_such_package"):
        soundfont.small_soundfont()


def test_the_first_frame_of_an_mp3_tells_time_and_bytes_that_agree() -> None:
    sound = np.random.default_rng(3).normal(0, 0.1, (RATE * 4, 2)).astype(np.float32)
    data = audio.encode_audio(sound, "mp3", RATE)
    at = data.index(b"Info")
    frames, told = (int.from_bytes(data[at + place : at + place + 4]) for place in (8, 12))
    second = len(data) - told
    assert second == 144 * 128_000 // RATE  # the first frame is not among the bytes, so that both begin with the second
    assert data[second : second + 2] == data[:2]
    assert frames * 1152 / RATE == pytest.approx(told * 8 / 128_000, abs=0.002)
    assert int.from_bytes(data[at + 142 : at + 144]) & 0xFFF == 0
    assert int.from_bytes(data[at + 154 : at + 156]) == crc16(data[: at + 154])
    read, _ = soundfile.read(io.BytesIO(data))
    assert 0 <= len(read) - len(sound) < 0.06 * RATE
    assert first_frame(data[second:], RATE) == data[:second]
    with pytest.raises(ValueError, match="not the start of a frame"):
        first_frame(data[second:] + b"TAG more", RATE)
    with pytest.raises(ValueError, match="32 kbit/s at 44,100 Hz are too few"):
        audio.encode_audio(sound, "mp3", RATE, kbit=32)


@pytest.mark.parametrize("rate, kbit, channels", [(RATE, 128, 2), (RATE, 64, 1), (16_000, 40, 2), (22_050, 64, 1)])
def test_other_decoders_read_an_mp3_to_the_frame(rate: int, kbit: int, channels: int) -> None:
    sound = np.zeros((rate * 2, channels), np.float32)
    sound[rate : rate + 8] = 0.5
    data = audio.encode_audio(sound, "mp3", rate, kbit=kbit)
    read, found = soundfile.read(io.BytesIO(data), always_2d=True)
    assert found == rate
    assert read.shape[1] == channels
    assert abs(int(np.abs(read[:, 0]).argmax()) - rate - 4) <= 6


@pytest.mark.parametrize("rate, kbit", [(16_000, 40), *((RATE, kbit) for kbit in (64, 128, 192, 224, 256, 320))])
def test_an_mp3_is_as_loud_as_its_sound_at_any_bit_rate(rate: int, kbit: int) -> None:
    tone = (0.5 * np.sin(np.arange(rate * 2) * 2 * np.pi * 440 / rate)).astype(np.float32)
    read, _ = soundfile.read(io.BytesIO(audio.encode_audio(tone[:, None], "mp3", rate, kbit=kbit)))
    middle = slice(rate // 2, rate * 3 // 2)
    assert np.square(read[middle]).mean() == pytest.approx(np.square(tone[middle]).mean(), rel=0.005)


def test_the_check_is_that_of_the_standard() -> None:
    assert crc16(b"123456789") == 0xBB3D  # CRC-16/ARC


def gaps_db(pedalled: Notes, dry: Notes) -> float:
    """How much louder the one is than the other in the later halves of its gaps.

    There, dry strings have been damped.
    """
    starts, ends = (tick_to_seconds(pedalled.tempos, ticks) for ticks in (pedalled.onset, pedalled.end))
    power = []
    for notes in (pedalled, dry):
        sound = audio.synthesize(notes, HALF_RATE).mean(axis=1)
        halves = [((end + start) / 2, start) for end, start in zip(ends[:-1], starts[1:], strict=True)]
        parts = [sound[round(begin * HALF_RATE) : round(stop * HALF_RATE)] for begin, stop in halves]
        power.append(float(np.square(np.concatenate(parts)).mean()))
    return float(10 * np.log10(power[0] / power[1]))


def test_the_pedal_sounds_in_the_gaps_between_the_keys(midi_cases: Path) -> None:
    wet, dry = (read_midi((midi_cases / name).read_bytes()) for name in ("pedal.mid", "pedal_none.mid"))
    assert gaps_db(wet, dry) >= 20


def test_a_chord_under_the_pedal_sounds_until_the_pedal_is_lifted_and_then_rings_out_as_any_other() -> None:
    keys = [0, 24, 48, 72], [6] * 4, [48, 60, 64, 67], [90] * 4
    wet = Notes.of(*keys, pedals=[(0, 2, 96)])
    held = Notes.of(keys[0], [96 - onset for onset in keys[0]], *keys[2:])
    assert np.array_equal(audio.synthesize(wet), audio.synthesize(held))
    assert gaps_db(wet, Notes.of(*keys)) >= 20


def test_a_pedal_that_is_never_lifted_costs_no_more_than_it_is_heard() -> None:
    sound = audio.synthesize(Notes.of([0], [24], [60], [90], pedals=[(0, 0, 24 * 5000)]), HALF_RATE)
    assert 20 < len(sound) / HALF_RATE < 24


def test_hands_have_a_channel_each_in_time_and_at_their_level() -> None:
    notes = Notes.of([0, 24, 48, 72], [20] * 4, [45, 76, 48, 79], [90, 60, 90, 60], [(0, 100.0)], hand=[2, 1, 2, 1])
    made = audio.render_hands(notes)
    assert made is not None
    hands, rate = soundfile.read(io.BytesIO(made))
    whole, whole_rate = soundfile.read(io.BytesIO(audio.mp3(notes)))
    starts = tick_to_seconds(notes.tempos, notes.onset)
    own = {2: 0, 1: 1}
    for note, begin in enumerate(starts.tolist()):
        levels = [np.sqrt(np.square(hands[int(begin * rate) :][: rate // 2, side]).mean()) for side in (0, 1)]
        heard = np.sqrt(np.square(whole[int(begin * whole_rate) :][: whole_rate // 2]).mean())
        side = own[int(notes.hand[note])]
        assert 20 * np.log10(levels[side] / heard) == pytest.approx(0, abs=2)
    silent = hands[: int((starts[1] - 0.01) * rate), 1]
    assert np.abs(silent).max() < 0.01
    first = np.flatnonzero(np.abs(hands[:, 1]) > 0.02)[0] / rate
    assert first == pytest.approx(starts[1], abs=0.015)
    assert audio.render_hands(Notes.of([0], [24], [60], [90], hand=[1])) is None
