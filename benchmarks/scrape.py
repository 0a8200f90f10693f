"""CPU and memory of scraping a whole section, and of parsing large listings.

    python benchmarks/scrape.py [SITE] [--repeats 5] [--cpu-ms 3] [--memory-mb 250] [--out FILE.json]

SITE is a folder with a replica of the site; by default 721 files of 8 KB are created. Another process serves it on
loopback, and it is scraped with delay 0 in a new process each time. Measured are CPU seconds of that process (user and
system, imports listed separately), its peak memory, and the bytes on disk. Then listings of three sizes, up to that of
the whole site, are parsed in separate processes. Results are medians. The exit code is 1 if a limit is exceeded.
"""

import argparse
import hashlib
import json
import statistics
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from figures import Figure, Setting

from catalog.storage.files import write_text

FILES, FILE_BYTES = 721, 8000
PIANO = "music/other/miscellaneous/piano"
SIZES = (7_750, 15_500, 31_000)
PARSE_S, PARSE_MB = 10.0, 500.0

SERVE = """
import sys
from pathlib import Path
from scraper.demo.server import serve_folder
with serve_folder(Path(sys.argv[1])) as base_url:
    print(base_url, flush=True)
    sys.stdin.read()
"""
MEASURE = """
import json, resource, sys, time
from pathlib import Path
def report(start, **facts):
    usage = resource.getrusage(resource.RUSAGE_SELF)
    mb = usage.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    print(json.dumps({"cpu_s": time.process_time() - start, "imports_s": start, "memory_mb": mb, **facts}))
"""
SCRAPE = (
    MEASURE
    + """
from scraper.vgmusic.crawl import crawl_section
from scraper.http.fetch import Fetcher
from scraper.vgmusic.urls import site
start = time.process_time()
with Fetcher(site(sys.argv[1], True), 0) as fetcher:
    totals = crawl_section(Path(sys.argv[2]), fetcher)
report(start, listed=totals.listed, fetched=totals.fetched, stored=totals.fetched + totals.twins, requests=totals.requests)
"""
)
PARSE = (
    MEASURE
    + """
from scraper.vgmusic.listing import parse
page = Path(sys.argv[1]).read_bytes()
start = time.process_time()
listing = parse(page)
report(start, rows=len(listing.rows), bytes=len(page))
"""
)


def midi(number: int) -> bytes:
    """Return one of FILES distinct files of FILE_BYTES bytes."""
    track = struct.pack(">4sI", b"MTrk", FILE_BYTES - 22) + number.to_bytes(4, "big")
    return (struct.pack(">4sIHHH", b"MThd", 6, 0, 1, 96) + track).ljust(FILE_BYTES, b"\0")


def row(name: str, size: int, md5: str) -> str:
    return (
        f'<tr>\n<td><a href="{name}">Stage {name} - "A Tune"</a>\n<td align="right">{size:,} bytes\n'
        f'<td align="center">A Sequencer\n<td class="comments"><a href="/file/{md5}.html">Comments</a>\n</tr>'
    )


def page(rows: list[str]) -> bytes:
    """Return a listing in the layout since 2024, with eight rows for each game."""
    parts = ["<html><body><table>"]
    for number, text in enumerate(rows):
        if number % 8 == 0:
            parts.append(f'<tr class="gameheader"><td class="header" colspan="5">Game {number // 8}</td></tr>')
        parts.append(text)
    return "\n".join([*parts, "</table></body></html>"]).encode()


def made_site(folder: Path) -> Path:
    section = folder / PIANO
    section.mkdir(parents=True)
    rows = []
    for number in range(FILES):
        data = midi(number)
        (section / f"{number}.mid").write_bytes(data)
        rows.append(row(f"{number}.mid", len(data), hashlib.md5(data).hexdigest()))
    (section / "index.html").write_bytes(page(rows))
    (folder / "robots.txt").write_text("User-agent: *\nDisallow:\n")
    return folder


def measured(program: str, *arguments: object) -> dict[str, float]:
    line = [sys.executable, "-c", program, *map(str, arguments)]
    found: dict[str, float] = json.loads(subprocess.run(line, stdout=subprocess.PIPE, text=True, check=True).stdout)
    return found


def scraped(site: Path, repeats: int, temporary: Path) -> list[dict[str, float]]:
    line = [sys.executable, "-c", SERVE, str(site)]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        if server.stdout is None or server.stdin is None:
            raise RuntimeError("cannot open pipes to the server")
        base_url = server.stdout.readline().strip()
        runs = []
        for number in range(repeats):
            root = temporary / f"root-{number}"
            run = measured(SCRAPE, base_url, root)
            run["cpu_ms_a_file"] = 1000 * run["cpu_s"] / run["stored"]
            run["journal_bytes"] = (root / "scrape" / "journal.jsonl").stat().st_size
            runs.append(run)
        server.stdin.close()
    return runs


def parsed(rows: int, repeats: int, temporary: Path) -> list[dict[str, float]]:
    path = temporary / f"{rows}.html"
    path.write_bytes(page([row(f"{number}.mid", 9000 + number, f"{number:032x}") for number in range(rows)]))
    return [measured(PARSE, path) for _ in range(repeats)]


def figures(setting: Setting) -> list[Figure]:
    """CPU and memory of scraping a section, and of parsing the largest listing."""
    section = scraped(made_site(setting.work / "site"), setting.times, setting.work)
    rows = round(SIZES[-1] * setting.share)
    long = parsed(rows, setting.times, setting.work)
    page_of = f"a listing of {rows:,} rows"

    def every(runs: list[dict[str, float]], what: str, factor: float = 1.0) -> tuple[float, ...]:
        return tuple(run[what] * factor for run in runs)

    made_of = f"a scrape of {FILES} files of {FILE_BYTES // 1000} KB, on loopback, no delay"
    return [
        Figure("scrape/cpu", made_of, "ms CPU per file", every(section, "cpu_ms_a_file")),
        Figure("scrape/memory", made_of, "peak MB", every(section, "memory_mb")),
        Figure("scrape/listing", f"reading {page_of}", "s CPU", every(long, "cpu_s")),
        Figure("scrape/listing-memory", f"reading {page_of}", "peak MB", every(long, "memory_mb")),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("site", nargs="?", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--cpu-ms", type=float, default=3.0, help="maximum CPU milliseconds per file")
    parser.add_argument("--memory-mb", type=float, default=250.0, help="maximum memory of a scrape")
    parser.add_argument("--out", type=Path, help="write the results to this file as JSON")
    options = parser.parse_args()
    print(f"$ {' '.join([Path(sys.executable).name, *sys.argv])}")
    with tempfile.TemporaryDirectory() as name:
        temporary = Path(name)
        section = scraped(options.site or made_site(temporary / "site"), options.repeats, temporary)
        listings = {rows: parsed(rows, options.repeats, temporary) for rows in SIZES}

    def middle(runs: list[dict[str, float]], what: str) -> float:
        return statistics.median(run[what] for run in runs)

    cpu, memory = middle(section, "cpu_ms_a_file"), middle(section, "memory_mb")
    each = ", ".join(f"{run['cpu_ms_a_file']:.2f}" for run in section)
    print(
        f"section of {section[0]['listed']:g}: {section[0]['fetched']:g} fetched in {section[0]['requests']:g} requests; "
        f"{cpu:.2f} ms CPU per file (median of {each}), {middle(section, 'imports_s'):.2f} s of imports before, {memory:.0f} MB"
    )
    good = cpu < options.cpu_ms and memory < options.memory_mb
    for rows, runs in listings.items():
        seconds, peak = middle(runs, "cpu_s"), middle(runs, "memory_mb")
        print(
            f"listing of {rows:,} rows ({runs[0]['bytes'] / 1e6:.1f} MB): {seconds:.2f} s CPU, "
            f"{1e6 * seconds / rows:.0f} us a row, {peak:.0f} MB"
        )
        good = good and runs[0]["rows"] == rows and seconds < PARSE_S and peak < PARSE_MB
    if options.out:
        summary = {"command": sys.argv, "section": section, "listings": listings}
        write_text(options.out, json.dumps(summary, indent=2) + "\n")
    if not good:
        print("a limit is exceeded", file=sys.stderr)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
