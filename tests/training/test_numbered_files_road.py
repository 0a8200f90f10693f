"""Numbered samples, written by several processes and killed ones.

No process loses a sample, and a kill leaves no incomplete file. VGPIANO_CLAIMS=1 runs 30 rounds of two and of three
commands, and 60 kills.
"""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.catalog.test_numbered_files import names, writer
from tests.training.conftest import BIN
from tests.training.songs import song
from training.sampling.sample_files import samples, write_pieces

pytestmark = pytest.mark.road

MANY = bool(os.environ.get("VGPIANO_CLAIMS"))


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
