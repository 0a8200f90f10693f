"""Limits on what a small file can request; one bad sample does not affect others."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.base.errors import TrainingError, VgpianoError
from dataset.midi.midi_writer import write_midi
from dataset.notation.musicxml import to_musicxml
from dataset.notation.score import score_of
from dataset.notes.meter import bars_of, count_bars
from dataset.notes.model import Notes
from dataset.notes.timing import MAX_TICK, tick_to_seconds
from tests.training.conftest import BIN, command
from tests.training.songs import song
from training import midi
from training.events.fields import bars_at
from training.novelty.figures import find_copies
from training.novelty.training_index import TrainingIndex
from training.rendering.audio import synthesize
from training.rendering.engrave import A4, SCREEN, engrave_score
from training.rendering.roll import draw_roll

FAR = Notes.of([500_000 * 24], [24], [60], [80])  # 82 bytes as a file


def held(notes: int, ticks: int) -> Notes:
    """`count` notes, one per tick, all held for `ticks`."""
    number = np.arange(notes)
    return Notes.of(number, [ticks] * notes, 21 + number % 88, [80] * notes)


HUGE: dict[str, tuple[Notes, dict[str, str]]] = {
    "a note at beat 500,000": (FAR, {"score": "125,001 bars", "roll": "69 hours", "audio": "4167 minutes"}),
    "the last tick": (
        Notes.of([MAX_TICK - 1], [1], [60], [80], [(0, 1000.0)]),
        {"score": "bars", "roll": "9 hours", "audio": "minutes"},
    ),
    "bars of a 64th": (Notes.of([96 * 300], [24], [60], [80], [], [(0, 1, 64)]), {"score": "9,608 bars"}),
    "a meter at every tick": (
        Notes.of([30_000], [24], [60], [80], [(0, 900.0)], [(tick, 1 + tick % 2, 4) for tick in range(30_000)]),
        {"score": "30,000 bars", "roll": "30,000 bars"},
    ),
    "notes that overlap": (held(3000, 3000), {"score": "note heads"}),
    "held keys": (
        Notes.of([0] * 128, [96 * 3000] * 128, range(128), [80] * 128),
        {"score": "note heads", "audio": "minutes"},
    ),
    "slow": (Notes.of([96 * 3000], [24], [60], [80], [(0, 4.0)]), {"roll": "50 hours", "audio": "minutes"}),
    "long notes": (held(20_000, 1200), {"score": "note heads", "audio": "hours in total"}),
}
MADE: dict[str, tuple[Callable[[Notes], object], ...]] = {
    "score": (
        lambda notes: to_musicxml(score_of(notes, exact=True), notes),
        lambda notes: engrave_score(notes, paper=A4),
        lambda notes: engrave_score(notes, paper=SCREEN),
    ),
    "roll": (draw_roll,),
    "audio": (synthesize,),
}


@pytest.mark.parametrize("what", HUGE)
def test_what_is_too_large_is_refused_at_once_with_its_size_and_what_to_do(what: str) -> None:
    notes, limits = HUGE[what]
    for kind, size in limits.items():
        for make in MADE[kind]:
            since = time.process_time()
            with pytest.raises(VgpianoError) as caught:
                make(notes)
            assert size in str(caught.value)
            assert "at most" in str(caught.value)
            assert "shorten" in str(caught.value)
            assert time.process_time() - since < 1


def test_a_long_piece_is_still_engraved() -> None:
    long = song(0, bars=440)  # more than any of the real section
    assert len(score_of(long, exact=True).measures) == 440
    assert len(score_of(Notes.of([96 * 3998], [24], [60], [80])).measures) == 3999
    assert "</svg>" in draw_roll(song(1, bars=900))


@given(
    st.lists(st.tuples(st.integers(0, 900), st.integers(1, 13), st.sampled_from((1, 2, 4, 8, 16, 64))), max_size=6),
    st.integers(0, 1000),
)
def test_bars_are_counted_and_numbered_as_they_are_made(changes: list[tuple[int, int, int]], end: int) -> None:
    notes = Notes.of([0], [1], [60], [80], [], changes)
    assert count_bars(notes.time_signatures, end) == len(bars_of(notes.time_signatures, end))
    bars = bars_of(notes.time_signatures, 1000)
    wanted = [max(bar.number for bar in bars if bar.start <= tick) for tick in range(0, 1000, 7)]
    assert bars_at(range(0, 1000, 7), notes.time_signatures).tolist() == wanted


def test_many_changes_of_meter_cost_no_minutes(trained: Path) -> None:
    count = 20_000
    notes = Notes.of(
        np.arange(count) * 6,
        [6] * count,
        60 + np.arange(count) % 20,
        [80] * count,
        [],
        [(i * 6, 3 + i % 2, 4) for i in range(count)],
    )
    since = time.process_time()
    find_copies(TrainingIndex.open(trained / "runs" / "tiny" / "sources"), notes)
    assert time.process_time() - since < 5


def test_a_file_is_read_to_a_sensible_size_and_no_further(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    huge, pipe = tmp_path / "huge.mid", tmp_path / "pipe.mid"
    with huge.open("wb") as file:
        file.truncate(3 << 30)
    os.mkfifo(pipe)
    for path, says in (
        (huge, "larger than"),
        (pipe, "not a regular file"),
        (tmp_path, "directory"),
        (tmp_path / "x", "no such file"),
    ):
        with pytest.raises(TrainingError, match=f"(?i){path}: .*{says}"):
            midi.read_notes(path)
    monkeypatch.setattr(midi, "MAX_NOTES", 10)
    (tmp_path / "many.mid").write_bytes(write_midi(song(1)))
    with pytest.raises(TrainingError, match="more than 10"):
        midi.read_notes(tmp_path / "many.mid")


@pytest.fixture(scope="module")
def spoilt(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with a run of two good samples and six bad ones.

    The bad ones are: far, empty, damaged, a folder, enormous, a pipe.
    """
    root = tmp_path_factory.mktemp("spoilt")
    shutil.copytree(trained / "runs" / "tiny", root / "runs" / "tiny")
    samples = root / "runs" / "tiny" / "samples"
    shutil.rmtree(samples)
    samples.mkdir()
    for number in (1, 8):
        (samples / f"sample-{number}.mid").write_bytes(write_midi(song(number, bars=2)))
    (samples / "sample-2.mid").write_bytes(write_midi(FAR))
    (samples / "sample-3.mid").write_bytes(b"")
    (samples / "sample-4.mid").write_bytes(b"\x00\x40".join((write_midi(song(1))[:22], write_midi(song(1))[24:])))
    (samples / "sample-5.mid").mkdir()
    with (samples / "sample-6.mid").open("wb") as file:
        file.truncate(3 << 30)
    os.mkfifo(samples / "sample-7.mid")
    return root


def test_render_goes_on_with_the_good_samples_and_names_each_bad_one(spoilt: Path) -> None:
    since = time.monotonic()
    done = command("render", "tiny", root=spoilt)
    assert time.monotonic() - since < 60
    assert done.returncode == 1
    samples = spoilt / "runs" / "tiny" / "samples"
    made = {path.name for path in samples.iterdir() if path.suffix != ".mid"}
    endings = (".mp3", ".musicxml", "-score.pdf", "-roll.svg")
    assert made == {f"sample-{number}{ending}" for number in (1, 8) for ending in endings}
    for number in range(2, 8):
        assert f"sample-{number}" in done.stderr
    assert "Traceback" not in done.stderr
    page = (spoilt / "runs" / "tiny" / "index.html").read_text()
    assert "125,001 bars" in page
    assert page.count("<audio") >= 2 or page.count("data:audio") >= 2


def test_the_page_alone_says_so_too(spoilt: Path) -> None:
    done = command("render", "tiny", "--page", root=spoilt)
    assert done.returncode == 1
    assert [number for number in range(1, 9) if f"sample-{number}.mid" in done.stderr] == [2, 3, 4, 5, 6, 7]
    assert all(line.startswith("error: not on the page: ") for line in done.stderr.splitlines())


def test_novelty_goes_on_with_the_good_samples_and_names_each_bad_one(spoilt: Path) -> None:
    done = command("novelty", "tiny", "--json", root=spoilt)
    assert done.returncode == 1
    assert set(json.loads(done.stdout)["pieces"]) == {"sample-1.mid", "sample-2.mid", "sample-8.mid"}
    assert [n for n in range(1, 9) if f"sample-{n}.mid: " in done.stderr] == [3, 4, 5, 6, 7]
    assert len(done.stderr.splitlines()) == 5


def test_where_no_sample_is_any_good_it_is_said(spoilt: Path, tmp_path: Path) -> None:
    shutil.copytree(spoilt / "runs" / "tiny", tmp_path / "runs" / "bad", ignore=lambda *_: ["samples"])
    (tmp_path / "runs" / "bad" / "samples").mkdir()
    (tmp_path / "runs" / "bad" / "samples" / "sample-1.mid").write_bytes(b"")
    done = command("novelty", "bad", root=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "none of its 1 samples can be read" in done.stderr.splitlines()[-1]


def test_the_far_note_costs_the_command_no_memory_to_speak_of(tmp_path: Path) -> None:
    file = tmp_path / "far.mid"
    file.write_bytes(write_midi(FAR))
    assert file.stat().st_size < 200
    assert float(tick_to_seconds(FAR.tempos, FAR.end).max()) > 200_000
    script = (
        "import resource, subprocess, sys; done = subprocess.run(sys.argv[1:]); "
        "print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    line = [sys.executable, "-c", script, str(BIN / "render"), str(file)]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    code, memory = map(int, done.stdout.split())
    assert code == 1
    assert memory < 400_000 * (1024 if sys.platform == "darwin" else 1)
    assert len(done.stderr.splitlines()) == 4
    assert {path.name for path in tmp_path.iterdir()} == {"far.mid"}
