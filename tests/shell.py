"""Lines that a page prints for a shell, run as a reader would run them, in a folder that holds the data root `data`.

A real bash reads them and writes the files that they write; the words that it makes of each of our commands are then run as such.
"""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests import forked

COMMANDS = ("dataset", "train")


def words_of(lines: Sequence[str], folder: Path) -> list[list[str]]:
    """Let bash run the lines in `folder`, and return the words of our commands among them, in order."""
    stand_ins = [f"{name}() {{ printf '%s\\0' $# {name} \"$@\"; }}" for name in COMMANDS]
    script = "\n".join(["set -e", *stand_ins, *lines])
    done = subprocess.run(["bash", "-c", script], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    parts = iter(done.stdout.split("\0")[:-1])
    return [[next(parts) for _ in range(int(count) + 1)] for count in parts]


def run_lines(lines: Sequence[str], folder: Path) -> None:
    """Run the lines in `folder`."""
    env = {name: value for name, value in os.environ.items() if name != "VGPIANO_ROOT"}
    for name, *words in words_of(lines, folder):
        done = forked.command(name, *words, cwd=folder, env=env)
        assert done.returncode == 0, done.stderr
