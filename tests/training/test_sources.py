"""Damage to a run's training index is detected before it is used."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from catalog.base.errors import TrainingError
from catalog.storage.checksums import SUMS_FILE, format_sums
from tests.training.conftest import command, resealed
from training.novelty.training_index import ARRAYS, TrainingIndex
from training.page.run_summary import RunSummary
from training.run import Run

FLIPS = int(os.environ.get("VGPIANO_FLIPS", "6"))  # of each file, evenly over it
Change = Callable[[np.ndarray], np.ndarray]


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """The folder of a trained run, to be damaged."""
    return Path(shutil.copytree(trained, tmp_path / "root")) / "runs" / "tiny"


def change(file: Path, by: Change) -> None:
    np.save(file, by(np.load(file)))


def relisted(folder: Path) -> None:
    """Update the checksums of a training index to its current files."""
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != SUMS_FILE}
    (folder / SUMS_FILE).write_text(format_sums(files))


def test_with_zeroed_hashes_the_guard_and_novelty_refuse(run: Path) -> None:
    change(run / "sources" / "hashes.npy", np.zeros_like)
    root = run.parents[1]
    for words in (("generate", "tiny", "--notes", "20", "--no-render"), ("novelty", "tiny")):
        done = command(*words, root=root)
        assert (done.returncode, done.stdout) == (1, "")
        [line] = done.stderr.strip().splitlines()
        assert "sources/hashes.npy: its SHA-256 is" in line
    verified = command("catalog", "verify", root=root)
    assert verified.returncode == 1
    assert "sources/hashes.npy: damaged" in verified.stdout + verified.stderr


@pytest.mark.parametrize(
    "file", ["run.json", "recipe.json", "vocabulary.json", "weights.npz", "corpus.json", "CREDITS.md", "sources"]
)
def test_no_flipped_bit_is_read_in_silence(run: Path, file: str) -> None:
    files = sorted((run / file).iterdir()) if file == "sources" else [run / file]
    for path in files:
        data = path.read_bytes()
        for place in np.linspace(0, 8 * len(data) - 1, FLIPS).astype(int).tolist():
            flipped = bytearray(data)
            flipped[place // 8] ^= 1 << place % 8
            path.write_bytes(flipped)
            told = refused(run, file, path)
            assert told, f"bit {place} of {path.name}"
            assert path.name in told or SUMS_FILE in told or path.name == SUMS_FILE
        path.write_bytes(data)
    assert not refused(run, file, files[0])


def refused(run: Path, file: str, path: Path) -> str:
    """Return the error message of a damaged run; empty if there is none."""
    from catalog.storage.checksums import faults

    try:
        opened = Run.open(run, str(run))
        if file == "sources":
            opened.learned_from()
            if path.name == SUMS_FILE:
                TrainingIndex.open(opened.sources)
        elif file == "corpus.json":
            RunSummary.of(opened)
    except TrainingError as error:
        return str(error)
    return " ".join(faults(run)) if file in ("weights.npz", "CREDITS.md") else ""


@pytest.mark.parametrize(
    "name, by, says",
    [
        ("hashes", lambda a: a[::-1], "hashes.npy: not in order"),
        ("tick", lambda a: a[::-1], "tick.npy: not in order"),
        ("onset", lambda a: a[::-1], "onset.npy: not in order within a piece"),
        ("places", lambda a: a + 10**6, "places.npy: a place outside"),
        ("places", lambda a: a[1:], "places.npy: .* places for .* seeds"),
        ("first", lambda a: a[1:], "first.npy: does not divide"),
        ("first", lambda a: a + 1, "first.npy: does not divide"),
        ("first", lambda a: a[:0], "first.npy: does not divide"),
        ("pitch", lambda a: -a - 1, "pitch.npy: a pitch outside 0 to 127"),
        ("pitch", lambda a: a[:-1], "pitch.npy: .* notes, but onset.npy has"),
        *((name, lambda a: a.astype(float), f"{name}.npy: 1 dimensions of float64") for name in ARRAYS),
        *((name, lambda a: a[None], f"{name}.npy: 2 dimensions") for name in ARRAYS),
    ],
)
def test_arrays_that_do_not_fit_are_refused_whatever_their_checksums_say(
    run: Path, name: str, by: Change, says: str
) -> None:
    change(run / "sources" / f"{name}.npy", by)
    relisted(run / "sources")
    resealed(run)
    with pytest.raises(TrainingError, match=says):
        Run.open(run, str(run)).learned_from()


def test_sources_of_another_run_are_not_this_runs(run: Path) -> None:
    told = json.loads((run / "sources" / "pieces.json").read_text())
    told["pieces"][0]["title"] = "Another"
    (run / "sources" / "pieces.json").write_text(json.dumps(told))
    relisted(run / "sources")
    with pytest.raises(TrainingError, match=r"pieces\.json: its SHA-256 is"):
        Run.open(run, str(run)).learned_from()
