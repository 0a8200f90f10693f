"""Time and memory of importing and building large archives of varied real pieces.

    python benchmarks/scale.py [--root data] [--sizes 1000 4000] [--workers N] [--out FILE.json] [--keep FOLDER]

Each size gives a folder of that many files, made from the pieces of the data root: in each octave the keys are
permuted at random, so that the music is another but has as many notes, chords and voices as the original. NEAR of
the files repeat another file in another key and tempo, TWINS byte for byte. The folder is imported with `scrape
import`, and `dataset build` makes a corpus of all pieces. Printed are wall seconds, CPU seconds of all processes, peak
memory (of the largest process, and of all together) and the longest time without a line of progress, and the growth of
CPU time beside that of n log n. The exit code is 1 if a largest size of at least LIMIT_FILES exceeds a limit.
"""

import argparse
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from inputs import machine

from catalog.store import Catalog
from dataset.corpus.corpus import Corpus

SIZES = (1000, 4000, 8000, 31_000)
NEAR, TWINS = 0.07, 0.003  # shares of an archive of 8,078 real files of three sections
TAKES = 9  # pieces made of one piece that have the same game: 8 pieces a game on the whole site
LIMIT_FILES, LIMIT_S, LIMIT_MB = 31_000, 8 * 60, 4096
DRUMS = 9  # channel
_UNSAFE = re.compile(r"[^\w .,'()-]+")


@dataclass(frozen=True, slots=True)
class Cost:
    """What a command took."""

    wall_s: float
    cpu_s: float  # of all its processes
    largest_mb: float  # peak of the largest process
    total_mb: float  # peak of all processes together
    silence_s: float  # the longest time without a line on stderr


@dataclass(frozen=True, slots=True, eq=False)
class Original:
    """A real file, and the places of what is changed in it."""

    data: np.ndarray
    keys: np.ndarray  # places of keys, drums left out
    tempos: np.ndarray  # places of the three bytes of tempos
    game: str
    title: str

    def varied(self, random: np.random.Generator) -> np.ndarray:
        """Return other music: the keys of each octave permuted."""
        other = np.concatenate([12 * octave + random.permutation(12) for octave in range(11)])
        data = self.data.copy()
        data[self.keys] = np.minimum(other[data[self.keys]], 127)
        return data

    def moved(self, data: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Return the same music in another key and tempo."""
        data = data.copy()
        keys = data[self.keys].astype(int) + int(random.integers(1, 5))
        data[self.keys] = np.where(keys > 127, keys - 12, keys)
        speed = random.uniform(0.8, 1.25)
        for place in self.tempos.tolist():
            beat = int.from_bytes(data[place : place + 3].tobytes(), "big") * speed
            data[place : place + 3] = list(min(max(round(beat), 1), (1 << 24) - 1).to_bytes(3, "big"))
        return data


def places(data: bytes) -> tuple[list[int], list[int]]:
    """Return the places of keys and of tempos in a MIDI file."""
    keys: list[int] = []
    tempos: list[int] = []
    at = data.find(b"MTrk")
    while at >= 0 and at + 8 <= len(data):
        end = min(at + 8 + int.from_bytes(data[at + 4 : at + 8], "big"), len(data))
        at, status = at + 8, 0
        while at < end:
            _, at = quantity(data, at)
            if data[at] & 0x80:
                status, at = data[at], at + 1
            if status in (0xF0, 0xF7, 0xFF):
                kind = data[at] if status == 0xFF else -1
                size, at = quantity(data, at + (status == 0xFF))
                if kind == 0x51 and size == 3:
                    tempos.append(at)
                at += size
                continue
            if status >> 4 in (8, 9, 10) and status & 15 != DRUMS:
                keys.append(at)
            at += 1 if status >> 4 in (12, 13) else 2
        at = data.find(b"MTrk", end)
    return keys, tempos


def quantity(data: bytes, at: int) -> tuple[int, int]:
    """Return the variable-length quantity at a place, and the place after it."""
    value = 0
    while True:
        value = value << 7 | data[at] & 0x7F
        at += 1
        if data[at - 1] < 0x80:
            return value, at


def originals(root: Path) -> list[Original]:
    """Return the readable files of the catalog of `root`, in its order."""
    catalog = Catalog(root)
    rows = catalog.pieces("state == 'fetched'", ["sha256", "game_title", "title"]).to_pylist()
    found = []
    for row in {row["sha256"]: row for row in rows}.values():
        data = catalog.read_blob(row["sha256"])
        try:
            keys, tempos = places(data)
        except IndexError:  # cut short
            continue
        pair = np.array(keys, np.int64), np.array(tempos, np.int64)
        found.append(Original(np.frombuffer(data, np.uint8), *pair, row["game_title"], row["title"]))
    return found


def made(pieces: list[Original], files: int) -> Iterator[tuple[str, str, bytes]]:
    """Yield (folder, name, bytes) of an archive of `files` files, always the same."""
    random = np.random.default_rng(files)
    for number in range(files):
        take, which = divmod(number, len(pieces))
        piece = pieces[which]
        folder = f"{piece.game} {take // TAKES + 1}"
        data = piece.varied(np.random.default_rng([which, take]))
        kind = random.random()
        mark = f"Theme {take % TAKES + 1}"
        if kind < NEAR:  # of the piece's music before this one
            data = piece.moved(piece.varied(np.random.default_rng([which, max(0, take - 1)])), random)
        elif kind < NEAR + TWINS:
            data = piece.varied(np.random.default_rng([which, max(0, take - 1)]))
        yield _UNSAFE.sub("_", folder).strip(". "), _UNSAFE.sub("_", f"{piece.title} {mark} {which}"), data.tobytes()


def write(pieces: list[Original], files: int, place: Path) -> Path:
    """Write the archive to folders and return the folder."""
    for folder, name, data in made(pieces, files):
        path = place / folder / f"{name}.mid"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return place


def memory_mb(process: int) -> float:
    """Return the resident memory of a process and all below it, in MB (Linux only)."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
        below = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20) + sum(memory_mb(int(each)) for each in below)


def cost(*words: object) -> Cost:
    """Run a command of ours and return its cost. Raises SystemExit if it fails."""
    start = last = time.perf_counter()
    silence = total = 0.0
    command = [sys.executable, "-m", *map(str, words)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    done = threading.Event()

    def watch() -> None:
        nonlocal total
        while not done.wait(0.3):
            total = max(total, memory_mb(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    lines = []
    for line in process.stderr or ():
        now = time.perf_counter()
        silence, last = max(silence, now - last), now
        lines.append(f"{now - start:.0f} s: {line}")
    _, status, usage = os.wait4(process.pid, 0)
    done.set()
    watcher.join()
    end = time.perf_counter()
    if status:
        raise SystemExit("".join(lines[-5:]))
    return Cost(end - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, total, max(silence, end - last))


def measured(pieces: list[Original], files: int, place: Path, workers: int | None) -> dict[str, Cost]:
    """Return the costs of importing and building an archive of `files` files, by command."""
    folder = write(pieces, files, place / "archive")
    root = place / "root"
    costs = {"import": cost("scraper.cli", "import", folder, "--root", root)}
    more = () if workers is None else ("--workers", workers)
    costs["build"] = cost("dataset.cli", "build", "--query", "bytes > 0", "--name", "all", *more, "--root", root)
    return costs


def held(root: Path) -> str:
    """Return what the corpus has, as one line."""
    corpus = Corpus.open(root, "all")
    funnel, notes = corpus.manifest.funnel, corpus.measures()["notes"].to_pylist()
    return (
        f"{funnel.listed:,} pieces, {funnel.kept:,} kept by filters, {funnel.unique:,} unique, "
        f"{sum(notes):,} notes, {len(corpus.relations()):,} relations"
    )


def line(files: int, name: str, one: Cost) -> str:
    """Return a cost as a line."""
    return (
        f"{files:>7,} {name:<7} {one.wall_s:>7.1f} s wall {one.cpu_s:>7.1f} s CPU ({1000 * one.cpu_s / files:5.1f} ms a "
        f"file), peak {one.largest_mb:,.0f} MB, {one.total_mb:,.0f} MB together, silent for {one.silence_s:.1f} s"
    )


def main() -> int:
    """Measure each size and print its costs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path("data"), help="data root with the pieces to vary")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--out", type=Path, help="write the results to this file as JSON")
    parser.add_argument("--keep", type=Path, help="folder for archives and roots, which are then kept")
    options = parser.parse_args()
    pieces = originals(options.root)
    print(f"{machine()}; {len(pieces)} pieces to vary", flush=True)
    costs: dict[int, dict[str, Cost]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for files in sorted(options.sizes):
            place = (options.keep or Path(folder)) / str(files)
            costs[files] = measured(pieces, files, place, options.workers)
            for name, one in costs[files].items():
                print(line(files, name, one), flush=True)
            print(f"        {held(place / 'root')}", flush=True)
    first, last = min(costs), max(costs)
    for name in costs[first]:
        grown = costs[last][name].cpu_s / costs[first][name].cpu_s
        fair = last * math.log(last) / (first * math.log(first))
        print(f"{name}: {last:,} files take {grown:.1f} times the CPU time of {first:,}; n log n gives {fair:.1f}")
    if options.out:
        options.out.write_text(
            json.dumps({size: {name: asdict(one) for name, one in each.items()} for size, each in costs.items()})
        )
    largest = costs[last]
    over = sum(one.wall_s for one in largest.values()) > LIMIT_S or largest["build"].total_mb > LIMIT_MB
    return int(last >= LIMIT_FILES and over)


if __name__ == "__main__":
    sys.exit(main())
