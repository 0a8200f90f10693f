"""Games, series and sections are found by their names, in any Unicode form and letter case."""

import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.base.errors import QueryError, UsageError
from catalog.named import query_of, with_slugs
from catalog.query.compiler import conditions
from catalog.store import ROWS, Catalog
from tests import forked
from tests.catalog.conftest import make_piece

NFD = "Poke\u0301mon"


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """A catalog of three games; the last one has a slug that its title does not give."""
    catalog = Catalog(tmp_path_factory.mktemp("root"))
    games = [("ocarina-of-time", "zelda"), ("pokemon-x-y", "pokemon"), ("mine", "mine-and-yours")]
    with catalog.writer() as writer:
        writer.add(
            [
                make_piece(n, game=game, series=series, title=f"Pok\u00e9 {n}", section="piano")
                for n, (game, series) in enumerate(games)
            ]
        )
    return catalog


@pytest.mark.parametrize(
    "query, resolved",
    [
        ("series == 'Zelda'", "series == 'zelda'"),
        ("series == 'The Legend of Zelda'", "series == 'zelda'"),
        ("'ZELDA' == series", "'zelda' == series"),
        ("game == 'Ocarina of Time'", "game == 'ocarina-of-time'"),
        ("game == 'Legend of Zelda, The_ Ocarina of Time'", "game == 'ocarina-of-time'"),
        (f"series != '{NFD}'", "series != 'pokemon'"),
        ("game in ['Zelda 64', 'Pokemon X'] and bytes > 3", "game in ['ocarina-of-time', 'pokemon-x-y'] and bytes > 3"),
        ("game not in ['Mine']", "game not in ['mine']"),
        ("series.isin(['Mine and Yours', 'x'])", "series.isin(['mine-and-yours', 'x'])"),
        ("section == 'Piano' | state == 'MISSING'", "section == 'piano' or state == 'missing'"),
    ],
)
def test_a_name_is_read_as_the_slug_that_the_catalog_has(held: Catalog, query: str, resolved: str) -> None:
    assert with_slugs(query, lambda columns: held.pieces(columns=columns)) == resolved


@pytest.mark.parametrize(
    "query",
    [
        "game == 'ocarina-of-time'&bytes>3",
        "game == 'Ocarina of Nothing'",
        "series == 'Ocarina of Time'",
        "title == 'Zelda'",
        "game.str.contains('Ocarina')",
        "bytes > 3",
    ],
)
def test_other_queries_stay_as_they_are(held: Catalog, query: str) -> None:
    assert with_slugs(query, lambda columns: held.pieces(columns=columns)) == query


def test_pieces_are_found_by_names_and_by_text_in_either_unicode_form(held: Catalog) -> None:
    assert held.pieces("series == 'Zelda'", ["game"])["game"].to_pylist() == ["ocarina-of-time"]
    assert len(held.pieces(f"series not in ['zelda', '{NFD}']")) == 1
    assert len(held.pieces("title.str.contains('Poke\u0301')")) == len(held.pieces("title == 'Poke\u0301 2'")) + 2 == 3


TOKENS = [
    "game",
    "series",
    "==",
    "!=",
    "in",
    "not",
    "~",
    "and",
    "(",
    ")",
    "[",
    "]",
    ",",
    "'Zelda'",
    "'x'",
    "bytes",
    "3",
    ">",
]


@settings(max_examples=200)
@given(st.one_of(st.text(max_size=30), st.lists(st.sampled_from(TOKENS), max_size=12).map(" ".join)))
def test_a_query_with_slugs_is_valid_where_the_query_is(held: Catalog, query: str) -> None:
    try:
        conditions(query, ROWS)
    except QueryError:
        return
    resolved = with_slugs(query, lambda columns: held.pieces(columns=columns))
    assert len(conditions(resolved, ROWS)) == len(conditions(query, ROWS))
    assert with_slugs(resolved, lambda columns: held.pieces(columns=columns)) == resolved


def test_the_option_game_comes_to_a_query(held: Catalog) -> None:
    assert (
        query_of("Ocarina of Time", None, lambda columns: held.pieces(columns=columns)) == "game == 'ocarina-of-time'"
    )
    assert query_of(None, "game == 'Mine'", lambda columns: held.pieces(columns=columns)) == "game == 'mine'"
    assert query_of(None, None, lambda columns: held.pieces(columns=columns)) is None
    with pytest.raises(UsageError, match="exclude each other"):
        query_of("a", "b", lambda columns: held.pieces(columns=columns))


def test_long_lists_and_long_texts_are_read_quickly(held: Catalog) -> None:
    many = [f"Unheard-Of {n}" for n in range(100)] + ["Ocarina of Time", "ocarina-of-time", "quest " * 2000]
    started = time.process_time()
    assert held.pieces(f"game in {many!r} or series == {'a b ' * 1000!r}", ["game"])["game"].to_pylist() == [
        "ocarina-of-time"
    ]
    assert time.process_time() - started < 1


def run(root: Path, name: str, *words: str) -> "subprocess.CompletedProcess[str]":
    return forked.command(name, *words, "--root", root)


def test_every_command_takes_the_name_of_a_game(held: Catalog) -> None:
    assert isinstance(held.root, Path)
    shown = run(held.root, "catalog", "show", "--game", "Ocarina of Time", "--columns", "game", "--format", "csv")
    assert (shown.returncode, shown.stdout) == (0, "game\nocarina-of-time\n")
    for words, says in (
        (("catalog", "show", "--game", "Ocarena"), "nearest: ocarina-of-time"),
        (("train", "--game", "Zelda"), "'Zelda' is a series, not a game"),
        (("train", "--game", "ocarina", "--corpus", "x"), "--game and --corpus exclude each other"),
    ):
        done = run(held.root, *words)
        assert (done.returncode, done.stderr.count("\n"), says in done.stderr) == (2, 1, True), done
    done = run(held.root, "train", "--from-scratch", "--game", "OCARINA of time")  # no file of it is held
    assert (done.returncode, "none of 1 pieces remains" in done.stderr) == (1, True), done
