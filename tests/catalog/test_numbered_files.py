"""Numbered samples: which numbers are free, and how they are claimed."""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from catalog.storage import numbered_files as numbered
from dataset.midi.midi_reader import read_midi
from dataset.midi.midi_writer import write_midi
from tests.training.songs import song
from training.progress import Progress
from training.sampling.sample_files import reserve_names, samples, write_pieces

WRITER = (
    "import sys; from pathlib import Path; from tests.training.songs import song; "
    "from training.sampling.sample_files import write_pieces\n"
    "sys.stdin.readline()\n"
    "for number in range(int(sys.argv[3])): print(write_pieces(Path(sys.argv[1]), [song(0, bars=2)] * 2, sys.argv[2]), flush=True)"
)


def writer(folder: Path, name: str, rounds: int) -> "subprocess.Popen[str]":
    """A process that repeatedly writes two samples, after a signal."""
    line = [sys.executable, "-c", WRITER, str(folder), name, str(rounds)]
    path = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=path)


def names(folder: Path) -> list[int]:
    """The numbers of the samples, each a complete file with its own name."""
    for file in samples(folder):
        data = file.read_bytes()
        assert read_midi(data) == read_midi(write_midi(song(0, bars=2)))
        assert f" {file.stem}".encode() in data
    return sorted(int(file.stem.removeprefix("sample-")) for file in samples(folder))


def test_what_another_process_is_writing_is_not_swept_and_what_a_dead_one_was_is(tmp_path: Path) -> None:
    with numbered._temporary_file(tmp_path / "sample-1.mid") as (making, _):
        dead = tmp_path / f"{numbered.TEMPORARY_PREFIX}dead.mid"
        dead.write_bytes(b"half")
        script = f"from pathlib import Path; from catalog.storage.numbered_files import sweep; sweep(Path({str(tmp_path)!r}))"
        path = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        subprocess.run([sys.executable, "-c", script], check=True, env=path)
        assert making.exists()
        assert not dead.exists()


def test_a_name_that_is_taken_by_anything_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "sample-3.mid").write_bytes(b"mine")
    (tmp_path / "sample-4.mid").mkdir()
    (tmp_path / "sample-5.mid").symlink_to(tmp_path / "nowhere.mid")
    assert [file.name for file in write_pieces(tmp_path, [song(0)] * 2, "t")] == ["sample-6.mid", "sample-7.mid"]
    assert (tmp_path / "sample-3.mid").read_bytes() == b"mine"
    assert not numbered.write_new(tmp_path / "sample-5.mid", write_midi(song(0)))
    assert not (tmp_path / "nowhere.mid").exists()


def test_names_that_training_has_reserved_for_its_own_samples_are_passed_over(tmp_path: Path) -> None:
    folder = tmp_path / "run" / "samples"
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    (tmp_path / "run" / "run.json").write_text("{}")
    state = Progress(epoch=1, best_epoch=1, samples=["sample-4.mid", "sample-5.mid", "sample-6.mid"], samples_epoch=1)
    (tmp_path / "run" / "checkpoints" / "state.json").write_text(json.dumps(asdict(state)))
    assert [file.name for file in write_pieces(folder, [song(0)] * 2, "t")] == ["sample-7.mid", "sample-8.mid"]
    with reserve_names(folder) as reserved:
        assert reserved == state.samples
        late = writer(folder, "late", 1)
        assert late.stdin is not None
        late.stdin.write("go\n")
        late.stdin.flush()
        with pytest.raises(subprocess.TimeoutExpired):
            late.wait(2)
    late.communicate(timeout=60)
    assert len(samples(folder)) == 4


def test_where_there_are_no_links_a_name_is_claimed_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    for _ in range(2):
        write_pieces(tmp_path, [song(0, bars=2)] * 2, "t")
    assert not numbered.write_new(tmp_path / "sample-2.mid", b"")
    assert names(tmp_path) == [1, 2, 3, 4]
    assert not list(tmp_path.glob(".tmp-*"))
