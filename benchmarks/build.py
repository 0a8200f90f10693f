"""Speed of a whole build, beside libraries that only load the same files.

    python benchmarks/build.py [SITE] [--repeats 3] [--require 150] [--out FILE.json]

A build parses, measures, filters, de-duplicates, splits and writes. SITE is a folder of .mid files, by default the
replica of the piano section beside the checkout. The files are added to a catalog in a temporary root, and `dataset
build` is run on all of them, including the start of interpreter and workers. The peers load the files in this process,
without imports. Slow peers load a sample that is evenly spaced by size. Results are medians, with each run. The exit
code is 1 below --require files per second.
"""

import argparse
import hashlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from importlib.metadata import version
from pathlib import Path

from figures import Figure, Setting
from peers import PEERS, cpu_seconds, evenly

from catalog.schema import FETCHED, Piece
from catalog.storage.files import write_text
from catalog.store import Catalog
from dataset.parse import ParseTask

SITE = Path(__file__).parents[2] / "shared" / "vgmusic" / "site"
SAMPLES = {"music21": 16, "pretty_midi": 100, "muspy": 100}  # MidiTok loads all files


def fill(root: Path, paths: list[Path]) -> None:
    """Add the files to the catalog of `root`, all as one game."""
    with Catalog(root).writer() as writer:
        data = [path.read_bytes() for path in paths]
        names = writer.put_blobs(data)
        writer.add(
            [
                Piece(
                    source="benchmark",
                    section="files",
                    url=f"file:{path.name}",
                    game_title="Benchmark",
                    game="benchmark",
                    series="benchmark",
                    title=path.stem,
                    state=FETCHED,
                    md5=hashlib.md5(content).hexdigest(),
                    sha256=name,
                    bytes=len(content),
                )
                for path, content, name in zip(paths, data, names, strict=True)
            ]
        )


def built(root: Path) -> dict[str, float]:
    """Build a corpus of all pieces once, with the command."""
    command = [
        sys.executable,
        "-m",
        "dataset.cli",
        "build",
        "--query",
        "source == 'benchmark'",
        "--name",
        "all",
        "--root",
        str(root),
    ]
    cpu, wall = cpu_seconds(), time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return {"wall_s": time.perf_counter() - wall, "cpu_s": cpu_seconds() - cpu}


def figures(setting: Setting) -> list[Figure]:
    """CPU time per file of a whole build, beside peers that only load files."""
    paths = sorted((setting.root / "midi").rglob("*.mid"), key=lambda path: (path.stat().st_size, path.name))
    paths = paths[:: max(1, round(1 / setting.share))]
    sources = [ParseTask("", path) for path in paths]
    warnings.simplefilter("ignore")
    samples = {name: evenly(sources, SAMPLES.get(name, len(sources))) for name in PEERS}
    for name, peer in PEERS.items():
        peer(samples[name][:2])  # what is imported once is not what is measured
    fill(setting.work, paths)
    wall, cpu = [], []
    theirs: dict[str, list[float]] = {name: [] for name in PEERS}
    for _ in range(setting.times):
        once = built(setting.work)
        wall.append(len(paths) / once["wall_s"])
        cpu.append(1000 * once["cpu_s"] / len(paths))
        for name, peer in PEERS.items():
            before = cpu_seconds()
            peer(samples[name])
            theirs[name].append(1000 * (cpu_seconds() - before) / len(samples[name]))
    files = f"{len(paths)} files, including the start of processes."
    return [
        Figure(
            f"build/{name}",
            "a whole build (the peer only loads the files)",
            "ms CPU per file",
            tuple(cpu),
            f"{name} {version(name)}",
            tuple(theirs[name]),
            note=f"Ours {files} The peer {len(samples[name])} files, imports excluded.",
        )
        for name in PEERS
    ] + [Figure("build/all", "the whole build", "files per second", tuple(wall), better="higher", note=files)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("site", nargs="?", type=Path, default=SITE)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--require", type=float, default=150.0, help="minimum files per second of a whole build")
    parser.add_argument("--out", type=Path, help="write the results to this file as JSON")
    options = parser.parse_args()
    paths = sorted(options.site.rglob("*.mid"), key=lambda path: (path.stat().st_size, path.name))
    if not paths:
        print(f"error: no .mid files in {options.site}", file=sys.stderr)
        return 2
    warnings.simplefilter("ignore")
    sources = [ParseTask("", path) for path in paths]
    samples = {}
    for name, peer in PEERS.items():
        samples[name] = evenly(sources, SAMPLES.get(name, len(sources)))
        peer(samples[name][:2])  # what is imported once is not what is measured
    runs: dict[str, list[dict[str, float]]] = {"vgpiano build": [], **{name: [] for name in PEERS}}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        fill(root, paths)
        for _ in range(options.repeats):
            runs["vgpiano build"].append({**built(root), "files": len(paths)})
            for name, peer in PEERS.items():
                cpu, wall = cpu_seconds(), time.perf_counter()
                peer(samples[name])
                wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
                runs[name].append({"wall_s": wall, "cpu_s": cpu, "files": len(samples[name])})
    print(f"$ {' '.join([Path(sys.executable).name, *sys.argv])}")
    rates = {name: statistics.median(run["files"] / run["wall_s"] for run in each) for name, each in runs.items()}
    ours = rates["vgpiano build"]
    for name, each in runs.items():
        spread = ", ".join(f"{run['files'] / run['wall_s']:.1f}" for run in each)
        cpu = statistics.median(1000 * run["cpu_s"] / run["files"] for run in each)
        ratio = "" if name == "vgpiano build" else f"   the whole build is {ours / rates[name]:.1f} times as fast"
        print(
            f"{name:<14} {rates[name]:>8.1f} files/s ({spread}), {cpu:.1f} ms CPU per file, {int(each[0]['files'])} files{ratio}"
        )
    if options.out:
        write_text(options.out, json.dumps({"command": sys.argv, "files_per_s": rates, "runs": runs}, indent=2) + "\n")
    if ours < options.require:
        print(f"required: at least {options.require:g} files per second", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
