"""MIDI files per second that one core turns into notes and measures.

    python benchmarks/parse.py [FOLDER] [--sample 24] [--repeats 3] [--require 300] [--out FILE.json]

FOLDER contains .mid files at any depth: a data root (by default $VGPIANO_ROOT, else ./data) or a site. Reading, which
the peers also do, goes from the file to merged and rounded notes and includes a check of the SHA-256. `measured` is
the work of `dataset build` on each file in one worker process: all measures, and returning them. The slow peers read
only a sample, evenly spaced by size. Everything is timed alternately in one run, in CPU seconds of all processes
involved, so other load matters little; results are medians. One-time costs (imports, start of the worker) are
excluded. The exit code is 1 if reading is less than --require times as fast as music21.
"""

import argparse
import hashlib
import json
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from figures import Figure, Setting
from peers import PEERS, cpu_seconds, evenly

from catalog.storage.files import data_root, write_text
from dataset.midi.midi_reader import read
from dataset.parse import ParseTask, parse_all

SAMPLE = 24  # files for the peers


def reading(sources: Sequence[ParseTask]) -> int:
    found = 0
    for source in sources:
        data = source.read()
        if hashlib.sha256(data).hexdigest() == source.sha256:
            found += len(read(data).notes) > 0
    return found


def ours(sources: Sequence[ParseTask]) -> int:
    return sum(parsed.notes is not None for _, parsed in parse_all(sources, workers=1))


def start_of_worker(source: ParseTask) -> float:
    """Return the CPU seconds of a run over one file, nearly all of it worker start."""
    cpu = cpu_seconds()
    ours([source])
    return cpu_seconds() - cpu


def measured(reader: Callable[[Sequence[ParseTask]], int], sources: Sequence[ParseTask]) -> dict[str, float]:
    once = start_of_worker(sources[0]) if reader is ours else 0.0
    cpu, wall = cpu_seconds(), time.perf_counter()
    read = reader(sources)
    cpu, wall = cpu_seconds() - cpu - once, time.perf_counter() - wall
    return {
        "files": len(sources),
        "read": read,
        "cpu_s": cpu,
        "wall_s": wall,
        "start_cpu_s": once,
        "files_per_cpu_s": len(sources) / cpu,
    }


def figures(setting: Setting) -> list[Figure]:
    """Files per second and core: reading, and reading with all measures."""
    section = sources(setting.root)
    section = section[:: max(1, round(1 / setting.share))]
    sample = evenly(section, SAMPLE)
    warnings.simplefilter("ignore")
    for reader in (reading, ours, *PEERS.values()):
        reader(sample[:2])  # what is imported once is not what is measured
    rates: dict[str, list[float]] = {name: [] for name in ("reading", "measuring", *PEERS)}
    for _ in range(setting.times):
        for name, reader in (("reading", reading), ("measuring", ours)):
            rates[name].append(measured(reader, section)["files_per_cpu_s"])
        for name, peer in PEERS.items():
            rates[name].append(measured(peer, sample)["files_per_cpu_s"])
    unit = "files per second and core"
    note = f"Ours {len(section)} files; the peer {len(sample)} of them, evenly spaced by size."
    beside = {
        name: {"peer": f"{name} {version(name)}", "theirs": tuple(rates[name]), "better": "higher"} for name in PEERS
    }
    read, measuring = tuple(rates["reading"]), tuple(rates["measuring"])
    return [
        *(Figure(f"parse/{name}", "reading a file", unit, read, note=note, **beside[name]) for name in PEERS),
        Figure("parse/measures", "reading a file and computing all measures", unit, measuring, **beside["music21"]),
    ]


def sources(folder: Path) -> list[ParseTask]:
    """Return the .mid files in `folder`, sorted by size."""
    paths = sorted(folder.rglob("*.mid"), key=lambda path: (path.stat().st_size, path.name))
    return [ParseTask(hashlib.sha256(path.read_bytes()).hexdigest(), path) for path in paths]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--sample", type=int, default=SAMPLE, help="files for the peers")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--require", type=float, default=300.0, help="minimum ratio to music21; exit code 1 below it")
    parser.add_argument("--out", type=Path, help="write the results to this file as JSON")
    options = parser.parse_args()
    folder = options.folder or data_root()
    section = sources(folder)
    if not section:
        print(f"error: no .mid files in {folder}; run `scrape vgmusic` first, or give a folder", file=sys.stderr)
        return 2
    sample = evenly(section, options.sample)
    readers: dict[str, tuple[Callable[[Sequence[ParseTask]], int], Sequence[ParseTask]]] = {
        "vgpiano": (reading, section),
        "measured": (ours, section),
        **{name: (peer, sample) for name, peer in PEERS.items()},
    }
    warnings.simplefilter("ignore")
    for reader, _ in readers.values():
        reader(sample[:2])  # what is imported once is not what is measured
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in readers}
    for _ in range(options.repeats):
        for name, (reader, files) in readers.items():
            runs[name].append(measured(reader, files))
    print(f"$ {' '.join([Path(sys.executable).name, *sys.argv])}")
    rates = {name: statistics.median(run["files_per_cpu_s"] for run in results) for name, results in runs.items()}
    for name, results in runs.items():
        release = version("vgpiano" if name == "measured" else name)
        last = results[-1]
        each = ", ".join(f"{run['files_per_cpu_s']:.1f}" for run in results)
        print(
            f"{name:<12} {release:<8} {rates[name]:>9.1f} files/s and core   "
            f"({int(last['read'])} of {int(last['files'])} files read, median of {len(results)}: {each})"
        )
    ratios = {name: rates["vgpiano"] / rate for name, rate in rates.items() if name not in ("vgpiano", "measured")}
    for name, ratio in ratios.items():
        print(
            f"vgpiano reads {ratio:.0f} times as fast as {name}, and measures {rates['measured'] / rates[name]:.0f} times as fast"
        )
    if options.out:
        summary = {"command": sys.argv, "files_per_cpu_s": rates, "ratios": ratios, "runs": runs}
        write_text(options.out, json.dumps(summary, indent=2) + "\n")
    if ratios["music21"] < options.require:
        print(f"required: at least {options.require:g} times music21", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
