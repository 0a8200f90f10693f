"""Numbered samples, written by several processes and killed ones.

No process loses a sample, and a kill leaves no incomplete file. VGPIANO_CLAIMS=1 runs 30 rounds of two and of three
commands, and 60 kills.
"""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest

from dataset.midi.midi_reader import read_midi
from dataset.midi.midi_writer import write_midi
from tests.training.conftest import BIN
from tests.training.songs import song
from training.progress import Progress
from training.sampling import numbered_files as numbered
from training.sampling.sample_files import reserve_names, samples, write_pieces

MANY = bool(os.environ.get("VGPIANO_CLAIMS"))
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


@pytest.mark.parametrize("processes", [2, 3])
def test_processes_that_write_at_once_lose_nothing_and_number_without_gaps(tmp_path: Path, processes: int) -> None:
    rounds = 60 if MANY else 12
    writers = [writer(tmp_path, f"writer-{number}", rounds) for number in range(processes)]
    said = "".join(each.communicate("go\n", timeout=120)[0] for each in writers)
    assert [each.returncode for each in writers] == [0] * processes
    assert names(tmp_path) == list(range(1, 2 * rounds * processes + 1))
    assert said.count("sample-") == 2 * rounds * processes
    assert {path.name for path in tmp_path.iterdir()} == {file.name for file in samples(tmp_path)}


def test_a_kill_at_any_moment_leaves_whole_samples_and_no_litter_after_the_next(tmp_path: Path) -> None:
    litter = 0
    for number in range(60 if MANY else 3):
        one, two = writer(tmp_path, "killed", 10_000), writer(tmp_path, "survivor", 3)
        for each in (one, two):
            assert each.stdin is not None
            each.stdin.write("go\n")
            each.stdin.flush()
        assert one.stdout is not None
        one.stdout.readline()
        time.sleep(0.0007 * (number % 13))
        one.send_signal(signal.SIGKILL)
        said = one.stdout.read()
        one.wait()
        two.communicate(timeout=60)
        assert two.returncode == 0
        litter += len(list(tmp_path.glob(".tmp-*")))
        [file] = write_pieces(tmp_path, [song(0, bars=2)], "next")
        assert not list(tmp_path.glob(".tmp-*")), said
        assert file.is_file()
    assert len(names(tmp_path)) >= 4


def test_what_another_process_is_writing_is_not_swept_and_what_a_dead_one_was_is(tmp_path: Path) -> None:
    with numbered._temporary_file(tmp_path / "sample-1.mid") as (making, _):
        dead = tmp_path / f"{numbered.TEMPORARY_PREFIX}dead.mid"
        dead.write_bytes(b"half")
        script = f"from pathlib import Path; from training.sampling.numbered_files import sweep; sweep(Path({str(tmp_path)!r}))"
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


def test_two_and_three_commands_at_once_write_all_that_they_say(trained: Path, tmp_path: Path) -> None:
    for number in range(30 if MANY else 1):
        for processes in (2, 3) if MANY else (3,):
            out = tmp_path / f"{number}-{processes}"
            words = [
                str(BIN / "generate"),
                "tiny",
                "--count",
                "3",
                "--notes",
                "8",
                "--no-render",
                "--root",
                str(trained),
            ]
            started = [
                subprocess.Popen([*words, "--out", str(out)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                for _ in range(processes)
            ]
            said = [each.communicate(timeout=120) for each in started]
            assert [each.returncode for each in started] == [0] * processes, said
            files = sorted(line for out_, _ in said for line in out_.splitlines())
            assert len(set(files)) == len(files) == 3 * processes
            assert [path.stem for path in samples(out)] == [f"sample-{n}" for n in range(1, 3 * processes + 1)]
            assert len({file.read_bytes() for file in samples(out)}) == 3 * processes
