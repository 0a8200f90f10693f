"""Each writing command, killed at any step on the disk.

Nothing earlier is lost; the same command then completes and leaves no temporary files. VGPIANO_KILLS is the number of
kills; with 100, trainings in both precisions are included.
"""

import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from catalog.store import Catalog
from dataset.corpus.corpus import Corpus
from dataset.midi.midi_reader import read_midi
from dataset.midi.midi_writer import write_midi
from tests import forked
from tests.killing import litter, stepped
from tests.training.conftest import TINY
from tests.training.songs import song
from training import run as runs
from training.network.weights import load_weights
from training.run import Run

pytestmark = pytest.mark.road

KILLS = int(os.environ.get("VGPIANO_KILLS", "7"))
TRAININGS = KILLS >= 50
CORPUS = "series-temple"


@dataclass(frozen=True)
class Act:
    """A command, the path of its result, and arguments to resume it after a kill."""

    name: str
    words: tuple[str, ...]
    makes: tuple[str, ...] = ()
    again: tuple[str, ...] = ()
    prepare: Callable[[Path], None] = field(default=lambda root: None)

    def line(self, root: Path, *, goes_on: bool = False) -> tuple[str, ...]:
        words = [word.replace("ROOT", str(root)) for word in self.words]
        return (self.name, *words, *(self.again if goes_on else ()), "--root", str(root))


def lay_midi(root: Path) -> None:
    """Put files for an import beside the root."""
    folder = root.with_name("mine") / "Some Game"
    folder.mkdir(parents=True)
    for number in range(200, 230):
        (folder / f"Song {number}.mid").write_bytes(write_midi(song(number, bars=4)))


SCATTER = """
import os, sys
from catalog.schema import PIECES, Piece
from catalog.store import Catalog
catalog = Catalog(Path(sys.argv[1]))
pieces = [Piece(**row) for row in catalog.pieces(columns=PIECES.names).to_pylist()]
with catalog.writer() as writer:
    for start in range(0, 15, 5):
        writer.add(pieces[start : start + 5])
    os._exit(0)
"""


def scatter(root: Path) -> None:
    """Leave the catalog in several parts, by a writer that is interrupted."""
    code = "from pathlib import Path" + SCATTER
    subprocess.run([sys.executable, "-c", code, str(root)], check=True)


def export(form: str) -> Act:
    return Act(
        "dataset",
        ("export", CORPUS, "--format", form),
        (f"exports/{CORPUS}-{form}",),
        prepare=lambda root: done(root, export(form)),
    )


def training(precision: str) -> Act:
    words = (
        "--corpus",
        CORPUS,
        "--recipe",
        f"ROOT/{precision}.json",
        "--epochs",
        "2",
        "--name",
        "new",
        "--no-render",
        "--seed",
        "4",
    )
    return Act("train", words, ("runs/new",), again=("--resume",), prepare=lambda root: recipe(root, precision))


def recipe(root: Path, precision: str) -> None:
    (root / f"{precision}.json").write_text(json.dumps({**TINY, "precision": precision}))


ACTS = {
    "import": Act("scrape", ("import", "ROOT/../mine"), prepare=lay_midi),
    "compaction": Act("dataset", ("measure", "--workers", "1"), prepare=scatter),
    "build": Act(
        "dataset",
        ("build", "--query", "series == 'temple'", "--seed", "1", "--workers", "1"),
        (f"corpora/{CORPUS}", "splits"),
    ),
    "export midi": export("midi"),
    "report": Act(
        "dataset", ("report", CORPUS), (f"corpora/{CORPUS}",), prepare=lambda root: done(root, ACTS["report"])
    ),
    "generate": Act("generate", ("tiny", "--count", "2", "--notes", "30", "--seed", "5", "--no-render")),
    "index": Act("novelty", ("tiny", "--against", CORPUS), ("indexes",)),
    "render": Act(
        "render", ("tiny", "--roll", "--score", "--format", "musicxml", "--format", "svg"), ("runs/tiny/samples",)
    ),
    "export jsonl": export("jsonl"),
    "export hf": export("hf"),
    "export musicxml": export("musicxml"),
    "export miditok": export("miditok"),
    "page": Act("render", ("tiny", "--page"), ("runs/tiny",)),
    "generate and render": Act("generate", ("tiny", "--count", "1", "--notes", "30", "--seed", "5")),
}
LONG = {"train float32": training("float32"), "train bfloat16": training("mixed_bfloat16")}


def done(root: Path, act: Act) -> None:
    """Run a command to its end."""
    ended = forked.command(*act.line(root))
    assert ended.returncode == 0, ended.stderr


def held(root: Path) -> dict[str, Any]:
    """Everything that exists, opened and checked."""
    catalog = Catalog(root)
    verified = catalog.verify()
    assert verified.ok, verified
    there = {path.name.removeprefix(".old-") for path in (root / "corpora").glob("*") if path.is_dir()}
    there = {name for name in there if not name.startswith(".new-")}  # `open` puts back what stood aside
    samples = {path: path.read_bytes() for path in root.glob("runs/*/samples/[!.]*.mid")}
    for data in samples.values():
        assert len(read_midi(data))
    for name in runs.list_runs(root):
        run = Run.open(root, name)
        if run.weights.exists():
            load_weights(run.weights)
    return {
        "pieces": {
            (row["source"], row["url"], row["md5"])
            for row in catalog.pieces(columns=["source", "url", "md5"]).to_pylist()
        },
        "corpora": {Corpus.open(root, name).name for name in there},
        "runs": set(runs.list_runs(root)),
        "samples": set(samples.items()),
        "exports": {
            path.name.removeprefix(".old-") for path in root.glob("exports/*") if not path.name.startswith(".new-")
        },
    }


def made(root: Path, act: Act) -> dict[str, Any]:
    """The result of a command, without what differs from run to run.

    The rows of the catalog, and the files by name.
    """
    found: dict[str, Any] = {
        "pieces": [row | {"fetched_at": None} for row in Catalog(root).pieces().to_pylist()],
        "midi": sorted(path.name for path in (root / "midi").rglob("*.mid")),
    }
    for place in act.makes:
        for path in sorted((root / place).rglob("*")):
            name = path.relative_to(root).as_posix()
            if path.is_file() and "tensorboard" not in name and not path.name.endswith(".lock"):
                found[name] = told(path) if act.name == "train" else path.read_bytes()
    return found


def told(path: Path) -> Any:
    """The content of a file of a run, without times."""
    if path.name == "metrics.csv":
        with path.open() as file:
            return [
                [pytest.approx(float(row[name]), abs=1e-3) for name in ("epoch", "train_bits", "validation_bits")]
                for row in csv.DictReader(file)
            ]
    return path.read_bytes() if path.name in ("recipe.json", "vocabulary.json", "corpus.json", "CREDITS.md") else None


def drawn(root: Path) -> list[bytes]:
    """The notes of a run's newest samples, in any order of numbers."""
    paths = sorted((root / "runs" / "tiny" / "samples").glob("sample-*.mid"), key=lambda path: int(path.stem[7:]))
    return [path.read_bytes().replace(path.stem.encode(), b"") for path in paths]


def chosen() -> Iterator[tuple[str, Act, list[float]]]:
    """The kills: command and share of its steps, evenly spread, with the last."""
    acts = {**ACTS, **(LONG if TRAININGS else {})}
    order = list(acts)
    moments = random.Random(KILLS)
    for place, name in enumerate(order):
        times = KILLS // len(order) + (place < KILLS % len(order))
        if times:
            yield name, acts[name], [(number + moments.random()) / times for number in range(times)]


@pytest.mark.parametrize("act, shares", [pytest.param(act, shares, id=name) for name, act, shares in chosen()])
def test_a_killed_command_loses_nothing_and_the_next_one_leaves_nothing_behind(
    trained: Path, tmp_path: Path, act: Act, shares: list[float]
) -> None:
    whole = Path(shutil.copytree(trained, tmp_path / "whole" / "root"))
    act.prepare(whole)
    untouched = Path(shutil.copytree(whole.parent, tmp_path / "untouched")) / "root"
    ended = stepped(whole, None, *act.line(whole), count=tmp_path / "count")
    assert ended.returncode == 0, ended.stderr
    assert litter(whole) == []
    steps = int((tmp_path / "count").read_text())
    assert steps >= 2
    for kill, share in enumerate(shares):
        root = Path(shutil.copytree(untouched.parent, tmp_path / f"killed-{kill}")) / "root"
        before = held(root)
        step = int(share * steps)
        killed = stepped(root, step, *act.line(root), count=tmp_path / "count")
        assert killed.returncode == -signal.SIGKILL, (step, killed)
        after = held(root)
        for kind, there in before.items():
            assert there <= after[kind], f"{kind} lost at step {step} of {steps}"
        goes_on = act.name == "train" and (root / "runs" / "new").exists()
        again = forked.command(*act.line(root, goes_on=goes_on))
        assert again.returncode == 0, f"after step {step} of {steps}: {again.stderr}"
        assert litter(root) == [], f"after step {step} of {steps}: {litter(root)}"
        if act.name == "generate":
            assert drawn(root)[-1] == drawn(whole)[-1]
        else:
            assert made(root, act) == made(whole, act), f"after step {step} of {steps}"
        shutil.rmtree(root)
