"""Run shell lines printed on a page, in a folder with the data root `data`.

A real bash parses the lines and writes the files they write. The words of each vgpiano command are
then run as a command.
"""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests import forked

COMMANDS = ("dataset", "train")


def words_of(lines: Sequence[str], folder: Path) -> list[list[str]]:
    """Run the lines in bash in `folder`; return the words of vgpiano commands."""
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
