"""Cost of importing a large archive: files per second, memory, resuming.

    python benchmarks/imports.py [--files 31000] [--least 1000] [--memory-mb 300]

The archive is one zip of folders with small, distinct MIDI files. `scrape import` is run on a quarter of them, on all
of them (memory may only grow with the catalog's rows), and on all of them after a first run that was killed half-way:
no file may be lost or stored twice. The exit code is 1 if a limit is exceeded.
"""

import argparse
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from figures import Figure, Setting

from catalog.store import Catalog

FILES, TIMES = 31_000, 3  # one import takes about 20 s


def midi(number: int) -> bytes:
    """Return a small, valid MIDI file that is different for each number."""
    body = b"".join(
        bytes([0, 0x90, 36 + (number >> shift) % 64, 64, 48, 0x80, 36 + (number >> shift) % 64, 0])
        for shift in range(0, 16, 2)
    )
    body += b"\0\xff\x01\x04" + struct.pack(">I", number) + b"\0\xff\x2f\0"
    return struct.pack(">4sIHHH4sI", b"MThd", 6, 0, 1, 96, b"MTrk", len(body)) + body


def archive(path: Path, files: int) -> Path:
    """Write a zip with the given number of files, fifty in each folder."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for number in range(files):
            target.writestr(f"Game {number // 50}/Tune {number}.mid", midi(number))
    return path


def command(source: Path, root: Path) -> list[str]:
    return [sys.executable, "-m", "scraper.cli", "import", str(source), "--root", str(root)]


def run(source: Path, root: Path) -> tuple[float, float, float]:
    """Return wall seconds, CPU seconds and peak MB of one import."""
    start = time.perf_counter()
    process = subprocess.Popen(command(source, root), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit((process.stderr.read() if process.stderr else b"").decode())
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def killed(source: Path, root: Path, after_s: float) -> int:
    """Kill an import after a time and return the number of pieces in the catalog."""
    process = subprocess.Popen(command(source, root), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(after_s)
    process.send_signal(signal.SIGKILL)
    process.wait()
    return len(Catalog(root).pieces(columns=["sha256"]))


def figures(setting: Setting) -> list[Figure]:
    """Files per second and memory of importing one archive into a new root each time."""
    count, times = max(100, round(FILES * setting.share)), min(setting.times, TIMES)
    source = archive(setting.work / "archive.zip", count)
    rates, memories = [], []
    for number in range(times):
        wall, _, memory = run(source, setting.work / str(number))
        held = len(Catalog(setting.work / str(number)).pieces(columns=["sha256"]))
        if held != count:
            raise RuntimeError(f"of {count} files in the archive the catalog holds {held}")
        rates.append(count / wall)
        memories.append(memory)
        shutil.rmtree(setting.work / str(number))
    what = f"import of an archive of {count:,} small files"
    return [
        Figure("imports/rate", what, "files per second", tuple(rates), better="higher"),
        Figure("imports/memory", what, "peak MB", tuple(memories)),
    ]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=FILES)
    parser.add_argument("--least", type=float, default=1000.0, help="files per second")
    parser.add_argument("--memory-mb", type=float, default=300.0)
    options = parser.parse_args()
    sound = True
    print(f"$ python benchmarks/imports.py --files {options.files}")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for count in (options.files // 4, options.files):
            wall, cpu, memory = run(archive(place / f"{count}.zip", count), place / str(count))
            held = len(Catalog(place / str(count)).pieces(columns=["sha256"]))
            sound &= (
                held == count
                and (count < options.files or count / wall >= options.least)
                and memory <= options.memory_mb
            )
            print(
                f"{count:>7,} files: {count / wall:,.0f} a second, {cpu:.1f} s CPU, peak {memory:.0f} MB, {held:,} held"
            )
        half = killed(place / f"{options.files}.zip", place / "killed", wall / 2)
        again, _, _ = run(place / f"{options.files}.zip", place / "killed")
        held = len(Catalog(place / "killed").pieces(columns=["sha256"]))
        blobs = sum(1 for _ in (place / "killed" / "midi").glob("??/*.mid"))
        sound &= held == blobs == options.files
        print(
            f"killed after {wall / 2:.1f} s with {half:,} in the catalog; "
            f"run again: {again:.1f} s, {held:,} held, {blobs:,} files on disk"
        )
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
