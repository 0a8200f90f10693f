"""Loudness and true peak against known values, and sound brought to one loudness."""

import io

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from dataset.notes.model import Notes
from training.rendering import audio
from training.sound.loudness import level_sound, loudness, true_peak

RATE = 48_000


def sine(db: float, seconds: float, rate: int = RATE, hertz: float = 997.0, phase: float = 0.0) -> NDArray[np.float32]:
    """A stereo sine with its peak at `db`."""
    time = np.arange(round(seconds * rate)) / rate
    wave = 10 ** (db / 20) * np.sin(2 * np.pi * hertz * time + phase)
    return np.repeat(wave[:, None], 2, axis=1).astype(np.float32)


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
def test_the_standard_sine(rate: int) -> None:
    assert loudness(sine(0, 5, rate)[:, :1], rate) == pytest.approx(-3.01, abs=0.02)  # BS.1770: one channel, full scale
    assert loudness(sine(-23, 20, rate, 1000.0), rate) == pytest.approx(-23, abs=0.1)  # EBU Tech 3341, case 1


def test_gates_leave_out_what_is_soft() -> None:
    case3 = np.concatenate([sine(-36, 10), sine(-23, 60), sine(-36, 10)])
    case4 = np.concatenate([sine(-72, 10), sine(-36, 10), sine(-23, 60), sine(-36, 10), sine(-72, 10)])
    assert loudness(case3, RATE) == pytest.approx(-23, abs=0.1)  # EBU Tech 3341, cases 3 and 4
    assert loudness(case4, RATE) == pytest.approx(-23, abs=0.1)


def test_low_and_high_sounds_are_weighted() -> None:
    reference = loudness(sine(-20, 3), RATE)
    assert loudness(sine(-20, 3, hertz=25), RATE) < reference - 8
    assert loudness(sine(-20, 3, hertz=8000), RATE) == pytest.approx(reference + 3.3, abs=0.3)


def test_silence_and_short_sounds() -> None:
    assert loudness(np.zeros((RATE, 2), np.float32), RATE) == float("-inf")
    assert not level_sound(np.zeros((RATE, 2), np.float32), RATE).any()
    assert loudness(sine(-20, 0.2), RATE) == pytest.approx(-20, abs=0.3)
    assert len(level_sound(np.zeros((0, 2), np.float32), RATE)) == 0


def test_the_peak_between_samples_is_found() -> None:
    between = sine(-6, 0.1, hertz=RATE / 4, phase=np.pi / 4)  # EBU Tech 3341, case 15: samples reach only -9
    assert 20 * np.log10(np.abs(between).max()) == pytest.approx(-9, abs=0.1)
    assert 20 * np.log10(true_peak(between[200:-200])) == pytest.approx(-6, abs=0.4)


def test_peaks_are_held_below_the_ceiling_without_a_jump_of_gain() -> None:
    quiet = sine(-30, 4)
    quiet[2 * RATE : 2 * RATE + 400] *= 25  # a knock 28 dB above the rest
    levelled = level_sound(quiet, RATE, target=-16, ceiling_db=-1.5)
    assert loudness(levelled, RATE) == pytest.approx(-16, abs=0.5)
    assert 20 * np.log10(true_peak(levelled)) <= -1.49
    with np.errstate(invalid="ignore", divide="ignore"):
        gain = levelled[:, 0] / quiet[:, 0]
    gain = gain[np.isfinite(gain) & (np.abs(quiet[:, 0]) > 0.005)]
    assert np.abs(np.diff(20 * np.log10(gain))).max() < 0.1


@pytest.mark.parametrize("form", ["wav", "mp3", "ogg"])
def test_every_format_has_the_loudness_of_music_and_no_clipped_peak(form: str) -> None:
    piece = Notes.of(np.arange(32) * 6, [6] * 32, [40 + n * 7 % 48 for n in range(32)], [60 + n for n in range(32)])
    data = {"wav": audio.wav, "mp3": audio.mp3, "ogg": audio.ogg}[form](piece)
    sound, rate = soundfile.read(io.BytesIO(data), dtype="float32")
    assert (rate, sound.shape[1]) == (44_100, 2)
    assert loudness(sound, rate) == pytest.approx(-16, abs=0.2)
    assert 20 * np.log10(true_peak(sound)) < -1
