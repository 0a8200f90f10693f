"""What a command says where there is nothing, or nothing of that name: what fills it, and each name that it suggests once."""

import os
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from dataset.build import build_corpus
from dataset.plan import Plan
from tests import forked
from tests.dataset.conftest import fill, tunes

TOP = Path(__file__).parents[1]


@pytest.mark.parametrize(
    "words",
    [
        ("catalog", "show"),
        ("catalog", "games"),
        ("catalog", "stats"),
        ("dataset", "measure"),
        ("dataset", "duplicates"),
        ("dataset", "build", "--game", "ocarina"),
        ("dataset", "build", "--query", "series == 'zelda'"),
        ("train", "--query", "series == 'zelda'"),
        ("train", "--each-game", "--query", "series == 'zelda'"),
    ],
    ids=" ".join,
)
def test_where_the_catalog_is_empty_one_line_says_what_fills_it(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = forked.command(*words, "--root", tmp_path / "none")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert f"no pieces in {tmp_path / 'none' / 'catalog'}: the catalog is empty" in done.stderr
    assert "`make scrape` (or `scrape vgmusic`)" in done.stderr
    assert not (tmp_path / "none").exists()


def test_where_there_is_no_corpus_that_is_said_beside_the_list_and_what_makes_one(tmp_path: Path) -> None:
    fill(tmp_path, tunes(9))
    done = forked.command("dataset", "list", "--root", tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (0, "", 1)
    assert str(tmp_path / "corpora") in done.stderr
    assert "`dataset build --game NAME`" in done.stderr
    build_corpus(tmp_path, Plan(query="game == 'a-game'"), workers=1)
    done = forked.command("dataset", "list", "--root", tmp_path)
    assert (done.stdout.split()[0], done.stderr) == ("a-game", "")
    (tmp_path / "corpora" / "a-game" / "manifest.json").write_text("{")
    done = forked.command("dataset", "list", "--root", tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (0, "", 1)
    assert "1 of 1 corpora cannot be read; run `dataset show NAME` for the reason: a-game" in done.stderr


@pytest.fixture(scope="module")
def happy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root where a game, its series and a corpus are called alike, and another game nearly so."""
    root = tmp_path_factory.mktemp("happy")
    fill(root, tunes(9), game="happy")
    fill(root, tunes(9, first=20), game="happy-two")
    for name in ("happy", "happy-two"):
        build_corpus(root, Plan(query=f"game == '{name}'"), workers=1)
    return root


@pytest.mark.parametrize(
    "words",
    [
        ("catalog", "show", "series == 'hapyp'"),
        ("catalog", "show", "game == 'hap'"),
        ("dataset", "build", "--game", "hap"),
        ("dataset", "build", "--game", "hapyp"),
        ("dataset", "build", "--query", "series == 'hapyp'"),
        ("dataset", "show", "hapyp"),
        ("dataset", "export", "nothing-like-it", "--format", "jsonl"),
    ],
    ids=" ".join,
)
def test_each_name_that_is_suggested_stands_there_once(happy: Path, words: tuple[str, ...]) -> None:
    done = forked.command(*words, "--root", happy)
    assert done.stderr.count("\n") == 1
    said = re.split(r"; did you mean|; nearest|; there are|games: ", done.stderr, maxsplit=1)[1]
    names = Counter(re.findall(r"\bhappy(?:-two)?\b", said))
    assert names
    assert set(names.values()) == {1}


def test_the_demo_ends_with_the_page_to_open_before_all_else() -> None:
    env = {**os.environ, "VGPIANO_BASE_URL": "http://127.0.0.1:1"}
    done = subprocess.run(["make", "-n", "demo-road"], cwd=TOP, env=env, capture_output=True, text=True, check=True)
    _, _, ending = done.stdout.partition("generate demo-")
    places = [ending.index(word) for word in ("index.html", ".mid", "CREDITS.md", "metrics.csv")]
    assert places == sorted(places)
    assert "in any browser" in ending[: places[0]]
