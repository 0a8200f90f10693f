"""The whole workflow on the real piano section, each step in its own process.

The section is served on loopback. The commands are those of the installed wheel, run in an empty
folder, without the checkout on their path.
"""

import csv
import io
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

from dataset.midi.midi_reader import read_midi
from dataset.notes.model import seconds
from scraper.demo.server import serve_folder
from tests.training.conftest import TINY
from tests.training.test_sampler import longest_run
from tests.wheel import alone

ZELDA = "series == 'zelda'"

pytestmark = [pytest.mark.road, pytest.mark.real]


Run = Callable[..., str]


@pytest.fixture(scope="module")
def start(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., "subprocess.Popen[str]"]:
    """A function that starts a command with a data root, in an empty folder."""
    empty = tmp_path_factory.mktemp("empty")

    def start(root: Path, *words: str) -> "subprocess.Popen[str]":
        line = [str(installed / "bin" / words[0]), *words[1:], "--root", str(root)]
        piped = subprocess.PIPE
        return subprocess.Popen(line, stdout=piped, stderr=piped, text=True, cwd=empty, env=alone())

    return start


@pytest.fixture(scope="module")
def run(start: Callable[..., "subprocess.Popen[str]"]) -> Run:
    """A function that runs a command to its end and returns its output."""

    def run(root: Path, *words: str) -> str:
        process = start(root, *words)
        out, err = process.communicate(timeout=900)  # on a busy machine; a minute on an idle one
        assert process.returncode == 0, out + err
        return out

    return run


@pytest.fixture(scope="module")
def address(real_site: Path) -> Iterator[str]:
    with serve_folder(real_site) as base_url:
        yield base_url


@pytest.fixture(scope="module")
def root(run: Run, address: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root into which the whole section has been scraped."""
    root = tmp_path_factory.mktemp("road") / "data"
    said = run(root, "scrape", "vgmusic", "--base-url", address, "--allow-private-hosts", "--delay", "0")
    assert "listed 721" in said
    return root


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "small.json"
    path.write_text(json.dumps({**TINY, "width": 48, "head": 32, "batch": 256}))
    return path


def test_the_section_is_in_the_catalog_and_verified(run: Run, root: Path) -> None:
    assert len(list((root / "midi").glob("??/*.mid"))) == 719
    assert "0 missing, 0 wrong" in run(root, "catalog", "verify")
    assert len(json.loads(run(root, "catalog", "show", ZELDA, "--format", "json"))) == 79
    [ocarina] = json.loads(run(root, "catalog", "games", "ocarina", "--format", "json"))
    assert ocarina["pieces"] == 18


def test_pandas_reads_the_catalog_with_no_code_of_ours_and_agrees(run: Run, root: Path) -> None:
    frame = pd.read_parquet(root / "catalog" / "pieces")
    assert len(frame) == 721
    for query in (ZELDA, "bytes > 20000 and not title.str.contains('theme', case=False)", "sequencer.isna()"):
        shown = csv.DictReader(io.StringIO(run(root, "catalog", "show", query, "--format", "csv", "--columns", "url")))
        assert sorted(row["url"] for row in shown) == sorted(frame.query(query, engine="python")["url"])


def test_a_second_scrape_asks_for_the_page_alone(run: Run, root: Path, address: str) -> None:
    said = run(root, "scrape", "vgmusic", "--base-url", address, "--allow-private-hosts", "--delay", "0")
    assert "in 1 requests" in said


def test_a_corpus_is_the_same_bytes_twice_and_accounts_for_every_piece(run: Run, root: Path) -> None:
    files = {}
    for attempt in range(2):
        run(root, "dataset", "build", "--game", "ocarina")
        folder = root / "corpora" / "ocarina-of-time"
        files[attempt] = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert files[0] == files[1]
    for words in (("--query", ZELDA), ("--query", "bytes > 0", "--name", "all")):
        run(root, "dataset", "build", *words)
    for name in ("ocarina-of-time", "series-zelda", "all"):
        funnel = json.loads((root / "corpora" / name / "manifest.json").read_text())["funnel"]
        excluded = len(pd.read_parquet(root / "corpora" / name / "excluded.parquet"))
        assert funnel["listed"] == funnel["unique"] + excluded
        assert funnel["unique"] == funnel["train"] + funnel["validation"] + funnel["test"]
    assert funnel["listed"] == 721


def test_train_evaluate_and_generate_on_zelda(run: Run, root: Path, recipe: Path, tmp_path: Path) -> None:
    run(root, "train", "--query", ZELDA, "--recipe", str(recipe), "--epochs", "2", "--name", "zelda")
    found = json.loads(run(root, "evaluate", "zelda", "--json"))
    assert found["pieces"] > 3
    assert 3 < found["bits_per_note"] < 20
    run(
        root,
        "generate",
        "zelda",
        "--count",
        "2",
        "--seconds",
        "40",
        "--game",
        "wind-waker",
        "--no-render",
        "--out",
        str(tmp_path),
    )
    pitches: set[int] = set()  # of all samples: a piece may have few, as its plan has, after so short a training
    durations: set[int] = set()
    for file in (*(root / "runs" / "zelda" / "samples").glob("*.mid"), *tmp_path.glob("*.mid")):
        notes = read_midi(file.read_bytes())
        assert seconds(notes) >= (30 if file.parent == tmp_path else 45)
        pitches |= set(notes.pitch.tolist())
        durations |= set(notes.duration.tolist())
        assert longest_run(notes) <= 4
    assert len(pitches) >= 12
    assert len(durations) >= 4
