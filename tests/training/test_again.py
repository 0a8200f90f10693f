"""The commands under "Train it again": what they name, and what they leave out."""

import json
from pathlib import Path

from bs4 import BeautifulSoup

from tests import forked
from tests.training import exhibited
from tests.training.conftest import TINY
from tests.training.exhibited import shown_root, shown_run  # noqa: F401 - fixtures
from training.page.run_page import page
from training.page.run_summary import RunSummary
from training.page.train_command import train_commands
from training.run import Run
from training.session import prepare
from training.train_config import TrainConfig


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
