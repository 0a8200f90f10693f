"""The commands under "Train it again" reproduce the run on a new data root."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup

from dataset.build import build_corpus
from dataset.filters.load import load_filters
from dataset.plan import Plan
from tests import forked
from tests.shell import words_of
from tests.training import exhibited
from tests.training.conftest import TINY
from tests.training.exhibited import shown_root, shown_run  # noqa: F401 - fixtures
from training.page.run_page import page
from training.page.run_summary import RunSummary
from training.page.train_command import train_commands
from training.run import Run
from training.session import prepare
from training.train_config import TrainConfig

pytestmark = pytest.mark.road

QUERY = "series == 'temple'"
FILTERS = "[filter.too_few_notes]\nleast = 17\n"
OPTIONS: dict[str, Any] = {
    "minutes": 0.01234567890123,
    "epochs": 1,
    "init": "tiny",
    "keep": "training",
    "max_copy": 0,
    "seed": 11,
}


def files(run: Run) -> list[bytes]:
    """The files that determine a run, including the hash of its corpus."""
    asked = json.loads((run.path / "run.json").read_text())["asked"]
    return [json.dumps(asked).encode(), *((run.path / name).read_bytes() for name in ("recipe.json", "corpus.json"))]


def test_what_is_printed_trains_on_the_same_order_on_a_fresh_root(
    trained: Path, tiny_recipe: Path, tmp_path: Path
) -> None:
    root, fresh = tmp_path / "root", tmp_path / "fresh"
    shutil.copytree(trained, root)
    shutil.copytree(trained, fresh / "data")
    shutil.rmtree(fresh / "data" / "corpora")
    (tmp_path / "mine.toml").write_text(FILTERS)
    filters = load_filters(tmp_path / "mine.toml").keeping_duplicates()
    build_corpus(root, Plan(query=QUERY, seed=4, filters=filters, piano_tracks=True), "own", workers=1)
    order = TrainConfig(corpus="own", name="first", recipe=str(tiny_recipe), **OPTIONS)
    run, _, _ = prepare(root, order, lambda done, total: None)
    env = {name: value for name, value in os.environ.items() if name != "VGPIANO_ROOT"}
    for name, *words in words_of(train_commands(run, RunSummary.of(run).manifest), fresh):
        further = ["--name", "second", "--no-render"] if name == "train" else []
        first = forked.BY_STEP if name == "train" else None
        done = forked.command(name, *words, *further, cwd=fresh, env=env, first=first)
        assert done.returncode == 0, done.stderr
    assert files(Run.open(fresh / "data", "second")) == files(run)


def test_every_option_of_train_is_in_the_lines_or_decides_nothing() -> None:
    told = {"--corpus", "--recipe", "--seed", "--minutes", "--epochs", "--init", "--keep", "--max-copy"}
    as_corpus = {"--query", "--game", "--each-game"}  # all come to a corpus and a budget of each run
    as_init = {"--from-scratch"}  # without it, a run may have a base: its --init
    decides_nothing = {"--name", "--resume", "--render", "--no-render", "--root", "--version", "--help"}
    shell = {"--install-completion", "--show-completion"}
    offered = {
        word.strip(",|")
        for word in forked.command("train", "--help").stdout.replace("/", " ").split()
        if word[:2] == "--"
    }
    assert offered - shell == told | as_corpus | as_init | decides_nothing


def test_the_page_prints_these_lines_and_a_recipe_only_where_it_is_changed(root: Path, run: Run) -> None:
    [code] = BeautifulSoup(page(root, run), "html.parser").select("pre")
    lines = code.get_text().rstrip("\n").split("\n")
    assert lines == train_commands(run, RunSummary.of(run).manifest)
    assert lines[-1] == "train --corpus hostile --recipe note-lstm --seed 0 --minutes 9"
    assert lines[0].startswith("dataset build --query ")
    assert train_commands(exhibited.classic(root), None)[-1].startswith("train --corpus c --recipe classic ")


def test_a_corpus_named_by_its_place_is_taken_from_there(root: Path, run: Run) -> None:
    place = root / "corpora" / "hostile"
    placed, _, _ = prepare(root, TrainConfig(corpus=str(place), name="placed", minutes=9.0), lambda done, total: None)
    [line] = train_commands(placed, RunSummary.of(placed).manifest)
    assert line == f"train --corpus {place} --recipe note-lstm --seed 0 --minutes 9"


def test_a_recipe_in_a_file_is_told_by_what_it_changes(trained: Path) -> None:
    lines = train_commands(Run.open(trained, "tiny"), None)
    assert lines[0] == "cat > tiny.recipe.json <<'END'"
    assert json.loads(lines[1]) == {name: value for name, value in TINY.items() if (name, value) != ("window", 8)}
    assert lines[2] == "END"
