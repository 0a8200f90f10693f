"""Start-up time of the commands, beside the import time of typical libraries.

    python benchmarks/run.py --only start

Each is timed in its own process, from interpreter start to exit: the help of every large command, and `generate` until
the first MIDI file is written, without rendering. The peers only `import` one package. Results are in wall seconds.
"""

import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

from figures import Figure, Setting, in_turn
from inputs import trained

HELP = {
    "catalog": "from vgpiano import catalog; catalog()",
    "dataset": "from vgpiano import dataset; dataset()",
    "train": "from vgpiano import train; train()",
}
GENERATE = "from vgpiano import generate; generate()"


def seconds(program: str, *words: object) -> float:
    """Run a program and return its duration. Raises CalledProcessError if it fails."""
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

    peers = {package: f"{package} {version(package)}, import only" for package in ("tensorflow", "pandas", "music21")}
    for package in peers:
        imported(package)  # with a warm disk cache for all
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
