"""How long a command takes to start, beside the import of the libraries that such tools are made of.

    python benchmarks/run.py --only start

Each in a process of its own, from the start of the interpreter to its end: the help of every large command, and `generate` until the
first MIDI file is there, without rendering. The peers do nothing but `import` one package. Seconds of wall clock.
"""

import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

from figures import Figure, Setting, in_turn
from inputs import trained

HELP = {
    "catalog": "from catalog.cli import main; main()",
    "dataset": "from dataset.cli import main; main()",
    "train": "from training.commands.train import main; main()",
}
GENERATE = "from training.commands.generate import main; main()"


def seconds(program: str, *words: object) -> float:
    """Run a program to its end. Raises CalledProcessError where it fails."""
    since = time.perf_counter()
    subprocess.run([sys.executable, "-c", program, *map(str, words)], capture_output=True, check=True)
    return time.perf_counter() - since


def imported(package: str) -> float:
    return seconds(f"import {package}")


def figures(setting: Setting) -> list[Figure]:
    """Four commands, each beside the import of a peer."""
    run, number = trained(setting), iter(range(1000))

    def generated() -> float:
        out = setting.work / f"out-{next(number)}"
        took = seconds(GENERATE, run, "--root", setting.root, "--seed", 1, "--no-render", "--out", out)
        if not list(Path(out).glob("*.mid")):
            raise RuntimeError("generate wrote no MIDI file")
        return took

    def helped(command: str) -> float:
        return seconds(HELP[command], "--help")

    peers = {
        package: f"{package} {version(package)}, its import alone" for package in ("tensorflow", "pandas", "music21")
    }
    for package in peers:
        imported(package)  # from a warm disk, for everyone
    helped("catalog")
    found = []
    for id_, name, ours, peer in (
        ("help", "`catalog --help`", lambda: helped("catalog"), "pandas"),
        ("dataset", "`dataset --help`", lambda: helped("dataset"), "music21"),
        ("train", "`train --help`", lambda: helped("train"), "tensorflow"),
        ("generate", "`generate RUN --no-render`, to the first file: a minute of music", generated, "tensorflow"),
    ):
        times = in_turn(setting.times, ours, lambda peer=peer: imported(peer))
        found.append(Figure(f"start/{id_}", name, "s", times[0], peers[peer], times[1]))
    return found
