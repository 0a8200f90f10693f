"""The commands under "Train it again" reproduce the run on a new data root."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from dataset.build import build_corpus
from dataset.filters.load import load_filters
from dataset.plan import Plan
from tests import forked
from tests.shell import words_of
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
