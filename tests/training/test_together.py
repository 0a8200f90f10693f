"""Two and three commands at once on one data root.

Each completes, or reports in one line what it waits for; nothing is lost. VGPIANO_PAIRS is the number of pairs to
try, those with trainings last.
"""

import json
import os
import random
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from catalog.store import Catalog
from dataset.corpus.corpus import Corpus
from dataset.export.run import MARKER
from dataset.midi.midi_reader import read_midi
from dataset.midi.midi_writer import write_midi
from tests.killing import litter
from tests.scraper.conftest import Server, midi
from tests.training.conftest import BIN, TINY
from tests.training.songs import song
from tests.training.test_kills import CORPUS, held
from training import run as runs
from training.network.weights import load_weights
from training.run import Run

pytestmark = pytest.mark.road

PAIRS = int(os.environ.get("VGPIANO_PAIRS", "3"))
SEED = os.environ.get("VGPIANO_PAIRS_SEED", "")
WAITS = "is being written by|is being trained by|already exists|another (build|export|process)"
"""What a command that does not do its work names as the reason."""


def words(text: str) -> tuple[str, ...]:
    return tuple(text.replace("CORPUS", CORPUS).split())


COMMANDS = {
    "import": words("scrape import ROOT/../first"),
    "other import": words("scrape import ROOT/../second"),
    "scrape": words("scrape vgmusic --allow-private-hosts --delay 0 --base-url SITE"),
    "measure": words("dataset measure --workers 1"),
    "measure again": words("dataset measure --workers 1 --again"),
    "verify": words("catalog verify"),
    "show": words("catalog show --format json"),
    "build": ("dataset", "build", "--query", "series == 'temple'", "--workers", "1"),
    "build seed 1": ("dataset", "build", "--query", "series == 'temple'", "--workers", "1", "--seed", "1"),
    "build other": ("dataset", "build", "--query", "game == 'wood'", "--workers", "1", "--name", "wood"),
    "report": words("dataset report CORPUS"),
    "export": words("dataset export CORPUS --format midi"),
    "export jsonl": words("dataset export CORPUS --format jsonl"),
    "generate": words("generate tiny --count 3 --notes 20 --no-render"),
    "generate and render": words("generate tiny --count 1 --notes 20"),
    "novelty": words("novelty tiny"),
    "index": words("novelty tiny --against CORPUS"),
    "render": words("render tiny --roll --score --format musicxml --format svg"),
    "page": words("render tiny --page"),
    "train": words("train --corpus CORPUS --recipe ROOT/tiny.json --epochs 1 --name new --no-render"),
    "train unnamed": words("train --corpus CORPUS --recipe ROOT/tiny.json --epochs 1 --no-render"),
    "resume": words("train --name tiny --resume --epochs 7 --no-render"),
}
TOGETHER = [
    words(line.replace(" ", "_").replace("_+_", " "))
    for line in (
        "import + other import",
        "export + export",
        "generate + generate",
        "build + build seed 1",
        "import + build",
        "build + build other",
        "build + build",
        "report + build seed 1",
        "export + build seed 1",
        "export + export jsonl",
        "export + export + export",
        "generate + generate + generate",
        "generate + novelty",
        "generate + render",
        "render + render",
        "page + page",
        "page + generate and render",
        "measure + build",
        "measure again + import",
        "measure + measure again",
        "verify + measure",
        "show + import + other import",
        "scrape + import",
        "scrape + scrape",
        "index + index",
        "report + report",
        "build + train",
        "train + train",
        "train unnamed + train unnamed",
        "train + generate + resume",
    )
]


@dataclass
class Ended:
    """A finished command."""

    name: str
    code: int
    out: str
    err: str


def put(folder: Path, first: int) -> None:
    folder.mkdir(parents=True)
    for number in range(first, first + 30):
        (folder / f"Song {number}.mid").write_bytes(write_midi(song(number, bars=4)))


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The address of a site with forty pieces."""
    with Server() as server:
        server.publish({f"{number}.mid": midi(number) for number in range(40)})
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server.base_url
        server.shutdown()
        thread.join()


@pytest.fixture
def root(trained: Path, tmp_path: Path) -> Path:
    """A root with a catalog, a corpus, a run with samples, and files for imports."""
    root = Path(shutil.copytree(trained, tmp_path / "root"))
    put(tmp_path / "first", 200)
    put(tmp_path / "second", 300)
    (root / "tiny.json").write_text(json.dumps(TINY))
    return root


def at_once(root: Path, site: str, names: tuple[str, ...], moments: random.Random) -> list[Ended]:
    """Run these commands to their ends, each started a little after the previous one."""
    started = []
    for name in names:
        line = [word.replace("ROOT", str(root)).replace("SITE", site) for word in COMMANDS[name]]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen([str(BIN / line[0]), *line[1:], "--root", str(root)], text=True, **pipes)  # type: ignore[call-overload]
        started.append((name, process))
        time.sleep(moments.choice((0, 0, 0.05, 0.2)))
    return [
        Ended(name, process.returncode, out, err)
        for name, process in started
        for out, err in [process.communicate(timeout=120)]
    ]


def check(root: Path, ended: list[Ended], before: dict[str, set[object]]) -> None:
    """Check that each command did its work and that nothing was lost."""
    after = held(root)
    for kind, there in before.items():
        assert there <= after[kind], f"{kind} lost"
    assert litter(root) == []
    for each in ended:
        if each.code != 0:
            [line] = [text for text in each.err.splitlines() if not text.startswith("warning")]
            assert re.search(WAITS, line), f"{each.name}: {line}"
            assert each.code == 1
    well = [each.name for each in ended if each.code == 0]
    assert well
    titles = {row["title"] for row in Catalog(root).pieces(columns=["title"]).to_pylist()}
    for name, first in (("import", 200), ("other import", 300)):
        if name in well:
            assert {f"Song {number}" for number in range(first, first + 30)} <= titles
    if "scrape" in well:
        assert len(Catalog(root).pieces("source == 'vgmusic' and url.str.startswith('http://127')")) == 40
    if any("measure" in name for name in well):
        assert Catalog(root).measures().num_rows >= 20
    played = sum({"generate": 3, "generate and render": 1}.get(name, 0) for name in well)
    files = list((root / "runs" / "tiny" / "samples").glob("[!.]*.mid"))
    assert len(files) >= 3 + played, "a sample was lost"
    named = [
        line
        for each in ended
        if each.name.startswith("generate")
        for line in each.out.splitlines()
        if line.endswith(".mid")
    ]
    assert len(named) == len(set(named)), "two commands wrote to one name"
    for file in files:
        assert len(read_midi(file.read_bytes()))
    for name in runs.list_runs(root):
        load_weights(Run.open(root, name).weights)
    for each in well:
        if each.startswith("train"):
            assert len(runs.list_runs(root)) == 1 + len([name for name in well if name.startswith("train")])
    if "build other" in well:
        assert Corpus.open(root, "wood").manifest.query == "game == 'wood'"
    for form, least in (("midi", 20), ("jsonl", 1)):
        if "export" + ("" if form == "midi" else " jsonl") in well:
            folder = root / "exports" / f"{CORPUS}-{form}"
            assert (folder / MARKER).is_file()
            assert sum(path.suffix == f".{form.replace('midi', 'mid')}" for path in folder.rglob("*")) >= least


@pytest.mark.parametrize(
    "names", [tuple(name.replace("_", " ") for name in names) for names in TOGETHER[:PAIRS]], ids=" + ".join
)
def test_commands_at_once_lose_nothing_and_each_does_its_work_or_says_why_not(
    root: Path, site: str, names: tuple[str, ...]
) -> None:
    before = held(root)
    ended = at_once(root, site, names, random.Random(SEED + " ".join(names)))
    for each in ended:
        print(each)
    check(root, ended, before)
