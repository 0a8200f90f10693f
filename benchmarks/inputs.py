"""The inputs of the benchmarks: a copy of a data root, or the scraped demo site.

The copy has the catalog, its MIDI files and the splits, so subjects can build and train in it without changing the
user's root. First a corpus `all` of every piece is built, which parses and measures every piece.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from figures import Setting

from catalog.store import Catalog
from dataset.corpus.corpus import Corpus
from scraper.demo.site import build_demo_site, serve_demo_site

CORPUS = "all"
EVERY = "bytes > 0"
COPIED = ("catalog", "midi", "splits", "scrape")
RUN = "bench"
RUN_MINUTES = 0.75


def command(module: str, *words: object) -> None:
    """Run a command quietly. Raises RuntimeError with its output if it fails."""
    done = subprocess.run([sys.executable, "-m", module, *map(str, words)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{module} {' '.join(map(str, words))}: {done.stderr.strip()[-500:]}")


def prepared(root: Path, place: Path) -> str:
    """Create a data root in `place` with the corpus `all`; return a description."""
    if (root / "catalog").is_dir():
        for name in COPIED:
            if (root / name).is_dir():
                shutil.copytree(root / name, place / name)
        what = "the catalog of the data root"
    else:
        site = place / "demo-site"
        build_demo_site(site)
        with serve_demo_site(site) as base_url:
            words = ("vgmusic", "--base-url", base_url, "--allow-private-hosts", "--delay", "0", "--root", place)
            command("scraper.cli", *words)
        what = "the demo's public-domain pieces"
    command("dataset.cli", "build", "--query", EVERY, "--name", CORPUS, "--root", place)
    corpus = Corpus.open(place, CORPUS)
    pieces = sum(len(corpus.pieces(split)) for split in ("train", "validation", "test"))
    rows = len(Catalog(place).pieces(columns=["sha256"]))
    return f"{what}, {rows:,} pieces, {pieces:,} of them in the corpus `{CORPUS}`"


def trained(setting: Setting) -> str:
    """Return the name of a run in the data root, trained for less than a minute.

    Its sampling speed does not depend on its quality.
    """
    if not (setting.root / "runs" / RUN).is_dir():
        minutes = max(0.1, RUN_MINUTES * setting.share)
        words = ("--corpus", setting.corpus, "--minutes", minutes, "--name", RUN, "--root", setting.root, "--no-render")
        subprocess.run(
            [
                sys.executable,
                "-c",
                "from training.commands.train import main; main()",
                *map(str, words),
            ],
            stdout=subprocess.DEVNULL,
            check=True,
        )
    return RUN


def machine() -> str:
    """Return the processor and the number of cores available to this process."""
    info = Path("/proc/cpuinfo")
    models = [
        line.partition(":")[2].strip()
        for line in (info.read_text().splitlines() if info.exists() else [])
        if line.startswith("model name")
    ]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{models[0] if models else 'unknown processor'}, {cores} cores"
