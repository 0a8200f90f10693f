"""Synthetic music, a corpus built from it, and one small run trained on it."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from catalog.schema import FETCHED, Piece
from catalog.storage.checksums import SUMS_FILE, format_sums
from catalog.store import Catalog
from dataset.midi.midi_writer import write_midi
from tests import forked
from tests.once import Once
from tests.training.songs import song

BIN = Path(sys.executable).parent
TINY = {
    "kind": "note-lstm",
    "width": 24,
    "layers": 1,
    "head": 16,
    "batch": 32,
    "window": 4,
    "epoch_notes": 256,
    "precision": "float32",
}
QUICK = {**TINY, "batch": 113, "window": 16}  # for `forked.step_by_step`: an epoch is a step or two
FEW_BARS = 8  # bars of a song, where it is for QUICK: an epoch is one step


def fill(
    root: Path,
    pieces: int = 20,
    games: tuple[str, ...] = ("wood", "water"),
    series: str = "temple",
    first: int = 0,
    bars: int = 16,
) -> None:
    """Add `pieces` songs of `bars` bars, of some games of one series, to the catalog of `root`.

    `first` is the number of the first song.
    """
    with Catalog(root).writer() as writer:
        rows = []
        for number in range(first, first + pieces):
            data = write_midi(song(number, bars))
            game = games[number % len(games)]
            rows.append(
                Piece(
                    source="vgmusic",
                    section="piano",
                    url=f"https://example.org/{number}.mid",
                    game_title=f"Temple of {game.title()}",
                    game=game,
                    series=series,
                    title=f"Song {number}",
                    state=FETCHED,
                    sequencer="Test",
                    md5=hashlib.md5(data).hexdigest(),
                    sha256=writer.put_blob(data),
                    bytes=len(data),
                )
            )
        writer.add(rows)


def command(
    name: str, *words: str, root: Path, timeout: float = 600, first: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one of our commands in its own process, after `first`, such as `forked.BY_STEP`."""
    return forked.command(name, *words, "--root", root, timeout=timeout, first=first)


def resealed(run: Path) -> None:
    """Update the checksums of a run to its current files."""
    told = json.loads((run / "run.json").read_text())
    told["files"] = {name: hashlib.sha256((run / name).read_bytes()).hexdigest() for name in told["files"]}
    (run / "run.json").write_text(json.dumps(told))
    held = {name: (run / name).read_bytes() for name in (*told["files"], "run.json")}
    (run / SUMS_FILE).write_text(format_sums(held))


@pytest.fixture(scope="session")
def tiny_recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe that trains in seconds."""
    path = tmp_path_factory.mktemp("recipe") / "tiny.json"
    path.write_text(json.dumps(TINY))
    return path


@pytest.fixture(scope="session")
def quick_recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same network with epochs of few steps, to train with `forked.BY_STEP`."""
    path = tmp_path_factory.mktemp("recipe") / "quick.json"
    path.write_text(json.dumps(QUICK))
    return path


@pytest.fixture(scope="session")
def trained(once: Once, tmp_path_factory: pytest.TempPathFactory, tiny_recipe: Path) -> Path:
    """A data root with songs, their corpus, and the run `tiny`; one copy per worker.

    The run was trained for five epochs.
    """

    def train(root: Path) -> None:
        fill(root)
        words = ("--query", "series == 'temple'", "--recipe", str(tiny_recipe), "--epochs", "5", "--name", "tiny")
        done = command("train", *words, "--seed", "3", root=root)
        if done.returncode:
            pytest.fail(done.stdout + done.stderr)

    return Path(shutil.copytree(once("trained", train), tmp_path_factory.mktemp("trained") / "root"))
