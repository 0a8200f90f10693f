"""Loops for game engines: no hole and no click at the seam, exact lengths, and marks that others read."""

import io
import json
from pathlib import Path

import mido
import mutagen
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from catalog.base.errors import TrainingError, UsageError
from dataset.midi.loop_marks import loop_of
from dataset.midi.midi_reader import read_midi
from dataset.notes.model import LEFT, RIGHT, Notes
from tests.training.songs import song
from training.rendering.audio import RATE, render_sound, render_stem
from training.rendering.loops import LOOP_FORMS, loop_of_bars, render_loop, synthesize_loop
from training.sound.loudness import loudness
from training.sound.tags import Tags

BAR = 96
TAGS = Tags("A loop", "vgpiano")


def piece(bars: int = 6, qpm: float = 240.0, **more: object) -> Notes:
    """Broken chords in 4/4, whose last note of each bar is held into the next one."""
    rng = np.random.default_rng(5)
    onset = np.arange(bars * 8) * 12
    duration = np.where(np.arange(bars * 8) % 8 == 7, 40, 12)
    return Notes.of(
        onset, duration, rng.integers(40, 80, bars * 8), rng.integers(50, 110, bars * 8), [(0, qpm)], **more
    )  # type: ignore[arg-type]


def turned(sound: NDArray[np.float32], start: int, end: int) -> NDArray[np.float32]:
    """What an engine plays: the file, and the loop again."""
    return np.concatenate([sound[:end], sound[start:end]])


def flux(sound: NDArray[np.float32], at: int) -> NDArray[np.float64]:
    """Spectral flux of frames of 1024 with one that is centred on frame `at`."""
    first = at % 512
    frames = np.lib.stride_tricks.sliding_window_view(sound.mean(axis=1)[first:], 1024)[::512] * np.hanning(1024)
    spectra = np.log1p(1000 * np.abs(np.fft.rfft(frames)))
    return np.asarray(np.maximum(np.diff(spectra, axis=0), 0).sum(axis=1))


def seam_is_even(sound: NDArray[np.float32], start: int, end: int) -> None:
    """Fail if level or slope jump where the engine goes back."""
    played = turned(sound, start, end)
    steps = np.abs(np.diff(played, axis=0)).max(axis=1)
    slopes = np.abs(np.diff(played, 2, axis=0)).max(axis=1)
    body = slice(start, end - 3)
    assert steps[end - 1] <= np.percentile(steps[body], 99)
    assert slopes[end - 2 : end].max() <= np.percentile(slopes[body], 99)


@pytest.mark.parametrize("notes, bars", [(piece(), (3, 6)), (piece(), (1, 4)), (song(3), (1, 4)), (song(4), (2, 5))])
def test_level_and_slope_go_on_over_the_seam(notes: Notes, bars: tuple[int, int]) -> None:
    made = synthesize_loop(notes, *loop_of_bars(notes, *bars))
    before, last = made.sound[made.start - 400 : made.start], made.sound[made.end - 400 : made.end]
    assert last == pytest.approx(before, abs=0.01)  # what leads into the loop is what leads back
    seam_is_even(made.sound, made.start, made.end)
    assert loudness(made.sound, RATE) == pytest.approx(-16, abs=0.5)


def test_the_seam_is_no_stronger_an_event_than_other_bar_lines() -> None:
    """The first onset of a loop is an onset: the spectrum changes there as where the file itself begins the turn."""
    notes = piece()
    made = synthesize_loop(notes, 2 * BAR, 6 * BAR)
    played = turned(made.sound, made.start, made.end)
    at_seam = flux(played, made.end)[made.end // 512 - 3 : made.end // 512 + 1].max()
    in_file = flux(played, made.start)[made.start // 512 - 3 : made.start // 512 + 1].max()
    assert at_seam == pytest.approx(in_file, rel=0.05)


def test_without_an_onset_at_the_seam_nothing_is_heard_of_it() -> None:
    notes = piece()
    shifted = Notes.of(
        notes.onset + 6, notes.duration, notes.pitch, notes.velocity, notes.tempos
    )  # onsets off the bar line
    made = synthesize_loop(shifted, BAR, 5 * BAR)
    played = turned(made.sound, made.start, made.end)
    found = flux(played, made.end)[made.start // 512 : -4]
    seam = (made.end - made.start) // 512
    assert found[seam - 1 : seam + 1].max() < np.percentile(found, 90)


def test_sixteen_bars_at_120_last_exactly_32_seconds_and_the_file_ends_there() -> None:
    notes = Notes.of([0, BAR, 16 * BAR], [96, 15 * BAR, 24], [60, 64, 67], [80] * 3, [(0, 120.0)])
    files = render_loop(notes, BAR, 17 * BAR, tags=TAGS)
    assert tuple(files) == LOOP_FORMS
    tags = mutagen.File(io.BytesIO(files["ogg"]))
    assert [name for name, _ in tags.tags][:2] == ["LOOPSTART", "LOOPLENGTH"]
    start, length = int(tags["loopstart"][0]), int(tags["looplength"][0])
    assert (start, length) == (34 * RATE, 32 * RATE)
    for form in ("ogg", "wav"):
        assert soundfile.info(io.BytesIO(files[form])).frames == start + length
    record = json.loads(files["json"])
    assert (record["bpm"], record["beats"], record["bars"], record["seconds"]) == (120, 64, 16, 32)
    assert (record["loop_start"], record["loop_length"], record["samples"]) == (start, length, start + length)
    assert (record["time_signature"], record["first_bar"], record["turns"]) == ("4/4", 2, 2)


@pytest.mark.parametrize("form", ["ogg", "wav"])
def test_the_decoded_file_joins_too(form: str) -> None:
    files = render_loop(piece(), 2 * BAR, 4 * BAR, forms=[form, "json"])
    sound, _ = soundfile.read(io.BytesIO(files[form]), dtype="float32")
    record = json.loads(files["json"])
    seam_is_even(sound, record["loop_start"], record["samples"])


def test_what_rings_for_longer_than_a_turn_takes_more_turns() -> None:
    notes = Notes.of([0, 24], [24, 24], [40, 60], [100, 60], [(0, 240.0)], pedals=[(0, 0, 24 * 40)])
    made = synthesize_loop(notes, 0, 48)
    assert made.end - made.start == RATE // 2
    assert made.turns > 10
    assert made.sound[made.end - 100 : made.end] == pytest.approx(made.sound[made.start - 100 : made.start], abs=0.01)


def test_tails_ring_over_the_seam() -> None:
    notes = Notes.of([0, 90], [6, 6], [84, 40], [30, 110], [(0, 120.0)], pedals=[(0, 88, 120)])
    made = synthesize_loop(notes, 0, BAR)
    first, last = made.sound[: made.end - made.start], made.sound[made.start : made.end]
    tail = slice(RATE // 10, RATE // 5)
    assert np.square(last[tail]).mean() > 10 * np.square(first[tail]).mean()


def test_midi_has_the_intro_and_one_turn_cut_at_its_end() -> None:
    notes = piece(hand=[RIGHT, LEFT] * 24)
    data = render_loop(notes, BAR, 3 * BAR, forms=["mid"], tags=TAGS)["mid"]
    read = mido.MidiFile(file=io.BytesIO(data))
    assert {sum(message.time for message in track) for track in read.tracks} <= set(range(3 * BAR * 20 + 1))
    assert sum(message.time for message in read.tracks[0]) == 3 * BAR * 20
    markers = [message.text for message in read.tracks[0] if message.type == "marker"]
    assert markers == ["loopStart", "loopEnd"]
    again = read_midi(data)
    assert loop_of(data) == (BAR, 3 * BAR)
    assert again.onset.tolist() == notes.onset[notes.onset < 3 * BAR].tolist()
    assert again.end.max() == 3 * BAR
    assert again.hand.tolist() == [RIGHT, LEFT] * 12


def test_a_tempo_change_within_the_loop() -> None:
    notes = Notes.of([0, 48, 96, 144], [48] * 4, [60] * 4, [80] * 4, [(0, 120.0), (48, 60.0), (96, 240.0)])
    record = json.loads(render_loop(notes, 0, 192, forms=["json"])["json"])
    assert record["seconds"] == 4.0  # 1 s, 2 s and 1 s
    assert record["bpm"] == 120.0


@pytest.mark.parametrize("bars", [(0, 2), (3, 2), (1, 7), (7, 8)])
def test_bars_that_the_piece_does_not_have(bars: tuple[int, int]) -> None:
    with pytest.raises(UsageError, match="the piece has bars 1 to 6"):
        loop_of_bars(piece(5), *bars)


def test_loops_of_nothing() -> None:
    notes = Notes.of([0, 960], [24, 24], [60, 60], [80, 80])
    with pytest.raises(TrainingError, match="no note begins in the loop"):
        synthesize_loop(notes, 96, 192)
    with pytest.raises(TrainingError, match=r"at least 0\.1"):
        synthesize_loop(notes, 0, 1)
    with pytest.raises(TrainingError, match=r"at least 0\.1"):
        render_loop(notes, 0, 1, forms=["mid"])
    with pytest.raises(TrainingError, match="20 minutes"):
        synthesize_loop(Notes.of([0, 24 * 1500], [24, 24], [60, 60], [80, 80]), 0, 24 * 1501)


def test_stems_add_up_to_the_whole() -> None:
    notes = piece(2, hand=[RIGHT, LEFT] * 8, pedals=[(0, 0, 100)])
    whole, right, left = (
        soundfile.read(io.BytesIO(data), dtype="float32")[0]
        for data in (
            render_sound(notes, "wav"),
            render_stem(notes, "wav", RIGHT),
            render_stem(notes, "wav", LEFT),
        )
    )
    assert right + left == pytest.approx(whole, abs=2e-4)
    assert min(np.square(right).mean(), np.square(left).mean()) > 0.1 * np.square(whole).mean()
    only = notes.onset[notes.hand == RIGHT].min() == 0
    assert only
    alone = Notes.of([0, 96], [24, 24], [60, 40], [80, 80], hand=[RIGHT, LEFT])
    stem = soundfile.read(io.BytesIO(render_stem(alone, "wav", LEFT)), dtype="float32")[0]
    assert not stem[: RATE * 19 // 10].any()
    assert stem[2 * RATE :].any()


def test_files_name_their_title_and_piano(tmp_path: Path) -> None:
    for form, data in render_loop(piece(2), 0, BAR, forms=["ogg", "wav"], tags=TAGS).items():
        path = tmp_path / f"a.{form}"
        path.write_bytes(data)
        assert str(mutagen.File(path)["TIT2" if form == "wav" else "title"]).strip("[]'") == "A loop"
    assert mutagen.File(tmp_path / "a.ogg")["soundfont"][0].startswith("piano: ")
