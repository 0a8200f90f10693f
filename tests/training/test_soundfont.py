"""Soundfonts: layers, sides, loops, modulators, SF3, and damaged files."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from catalog.base.errors import TrainingError
from dataset.notes.model import Notes
from tests.training.fonts import FontZone, font, tone
from training.rendering.audio import RATE, mix_notes
from training.sound import soundfont

LOW, HIGH = FontZone(tone([261.6]), (1, 63)), FontZone(tone([261.6, 2093.0]), (64, 127))
LEFT, RIGHT = FontZone(tone([261.6]), generators={17: -500}), FontZone(tone([300.0]), generators={17: 500})
PAN, ATTACK, RELEASE, LOOPS, CUTOFF = 17, 34, 38, 54, 8


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def centroid(sound: NDArray[np.float32]) -> float:
    """Return the spectral centroid in Hz."""
    power = np.square(np.abs(np.fft.rfft(sound.mean(axis=1))))
    return float((np.fft.rfftfreq(len(sound), 1 / RATE) * power).sum() / power.sum())


def played(path: Path, velocity: int = 100, pitch: int = 60, beats: int = 1) -> NDArray[np.float32]:
    return mix_notes(Notes.of([0], [24 * beats], [pitch], [velocity]), soundfont=path)


def test_velocity_chooses_the_layer(tmp_path: Path) -> None:
    path = written(tmp_path / "a.sf2", font([LOW, HIGH]))
    soft, loud = played(path, 40), played(path, 110)
    assert centroid(soft) == pytest.approx(262, abs=15)
    assert centroid(loud) > 2 * centroid(soft)
    assert np.abs(played(path, 80)).max() / np.abs(played(path, 120)).max() == pytest.approx((80 / 120) ** 2, rel=0.02)


def test_recordings_of_two_sides_stay_there(tmp_path: Path) -> None:
    sound = played(written(tmp_path / "a.sf2", font([LEFT, RIGHT])))[: RATE // 2]
    peaks = np.abs(np.fft.rfft(sound, axis=0)).argmax(axis=0) * RATE / len(sound)
    assert peaks == pytest.approx([261.6, 300], abs=3)
    assert abs(np.corrcoef(sound.T)[0, 1]) < 0.5


def test_a_loop_sounds_on_after_the_recording_and_without_one_it_ends(tmp_path: Path) -> None:
    wave = tone([441.0], 0.5)  # 100 frames a period
    looped = FontZone(wave, generators={LOOPS: 1}, loop=(10_000, 20_000))
    held, ended = (
        played(written(tmp_path / f"{n}.sf2", font([zone])), beats=6) for n, zone in enumerate((looped, FontZone(wave)))
    )
    period = slice(RATE * 2, RATE * 2 + 100)
    assert held[period] == pytest.approx(held[1000:1100], abs=1e-3)
    assert np.abs(np.diff(held[:, 0])).max() < 0.05
    assert not ended[RATE:].any()


def test_modulators_shape_timbre_by_velocity(tmp_path: Path) -> None:
    # the velocity from 0 to 127 raises the cutoff by 4,800 cents from about 440 Hz
    zone = FontZone(tone([262.0, 4186.0]), generators={CUTOFF: 6900}, modulators=[(0x0002, CUTOFF, 4800, 0, 0)])
    path = written(tmp_path / "a.sf2", font([zone]))
    found = [centroid(played(path, velocity)) for velocity in (20, 64, 120)]
    assert found[0] * 1.2 < found[1] < found[2] / 1.2


def test_a_font_may_set_how_velocity_is_loud(tmp_path: Path) -> None:
    flat = FontZone(tone([262.0]), modulators=[(0x0502, 48, 0, 0, 0)])
    path = written(tmp_path / "a.sf2", font([flat]))
    assert np.abs(played(path, 10)).max() == pytest.approx(np.abs(played(path, 127)).max(), rel=1e-3)


def test_a_released_key_falls_as_the_font_says(tmp_path: Path) -> None:
    zones = [FontZone(tone([262.0], 4), generators={RELEASE: cents}) for cents in (-3986, 1200)]  # 0.1 and 2 s
    short, long = (played(written(tmp_path / f"{n}.sf2", font([zone]))) for n, zone in enumerate(zones))
    assert len(short) / RATE == pytest.approx(0.57, abs=0.03)
    level = np.abs(long[RATE : RATE + 2000]).max() / np.abs(long[RATE // 2 - 2000 : RATE // 2]).max()
    assert 20 * np.log10(level) == pytest.approx(-25, abs=2)  # 100 dB in 2 s


def test_sf3_sounds_as_sf2(tmp_path: Path) -> None:
    plain, packed = (
        played(written(tmp_path / name, font([LOW, HIGH], vorbis=vorbis, is_padded=False)))
        for name, vorbis in (("a.sf2", False), ("a.sf3", True))
    )
    count = RATE * 9 // 10
    assert np.corrcoef(plain[:count, 0], packed[:count, 0])[0, 1] > 0.99


def test_the_licence_of_a_font_is_one_line(tmp_path: Path) -> None:
    path = written(tmp_path / "a.sf2", font([LOW], terms="Somebody,\nCC BY 3.0 \x1b"))
    assert soundfont.piano(path).licence == "Test Piano, Somebody, CC BY 3.0"
    assert "GPL-2" in soundfont.piano(soundfont.small_soundfont()).licence


def test_a_named_font_is_taken_else_the_large_one_else_the_small_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = written(tmp_path / "large.sf2", font([LOW]))
    monkeypatch.setattr(soundfont, "LARGE", (str(tmp_path / "missing.sf3"), str(large)))
    monkeypatch.delenv(soundfont.VARIABLE, raising=False)
    assert soundfont.find_soundfont() == large
    large.unlink()
    assert soundfont.find_soundfont() == soundfont.small_soundfont()
    monkeypatch.setenv(soundfont.VARIABLE, str(tmp_path / "mine.sf2"))
    assert soundfont.find_soundfont() == tmp_path / "mine.sf2"


@pytest.mark.parametrize("vorbis", [False, True])
def test_a_damaged_font_is_one_line(tmp_path: Path, vorbis: bool) -> None:
    whole = font([LOW, HIGH], vorbis=vorbis)
    chance = np.random.default_rng(1)
    errors: dict[str, str] = {}
    for turn in range(60):
        data = bytearray(whole)
        if turn % 2:
            del data[int(chance.integers(len(data))) :]
        else:  # all of the tables, or the first recording
            start = len(data) - 700 if turn % 4 else whole.index(b"smpl") + 8
            for place in chance.integers(start, start + 600, 8).tolist():
                data[place] = int(chance.integers(256))
        try:
            sound = played(written(tmp_path / f"{turn}.sf", bytes(data)), 90)
            assert np.isfinite(sound).all()
        except TrainingError as error:
            errors[f"{turn}.sf"] = str(error)
    assert len(errors) > 20
    assert all(name in message and "\n" not in message for name, message in errors.items())


@pytest.mark.parametrize("data, says", [(None, "cannot be read"), (b"", "0 bytes"), (font([]), "no piano|not a valid")])
def test_what_is_not_a_soundfont_says_so(tmp_path: Path, data: bytes | None, says: str) -> None:
    path = tmp_path / "font.sf2"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(TrainingError, match=rf"font.sf2.*({says})"):
        soundfont.piano(path)
    with pytest.raises(TrainingError, match="not a file"):
        soundfont.piano(tmp_path)


def test_the_large_piano_has_layers_and_two_sides() -> None:
    path = next((Path(name) for name in soundfont.LARGE if Path(name).is_file()), None)
    if path is None:
        pytest.skip("no large soundfont is installed (apt-get install musescore-general-soundfont-small)")
    soft, loud = played(path, 30), played(path, 115)
    assert centroid(loud) > 1.1 * centroid(soft)
    assert np.corrcoef(loud.T)[0, 1] < 0.98
