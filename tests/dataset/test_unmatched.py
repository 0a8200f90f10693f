"""Pieces that a query leaves out of a game have a row that says which condition they do not meet."""

from pathlib import Path

import pytest

from catalog.editing import Values, edit_pieces
from catalog.store import Catalog
from dataset.build import build_corpus, ensure_corpus
from dataset.corpus.corpus import Corpus
from dataset.measure import measure_catalog
from dataset.overview import overview
from dataset.plan import Plan
from dataset.report.report import write_report
from tests.dataset.conftest import fill, tunes

PART = "(game == 'a-game') & (title != 'Tune 1') and (notes > 30 and not title.str.contains('2|50'))"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    fill(tmp_path, {**tunes(6), "Short": tunes(1, first=90)["Tune 90"]})
    fill(tmp_path, tunes(3, first=50), game="b-game")
    measure_catalog(tmp_path, "title != 'Short'", workers=1)
    return tmp_path


def left_out(corpus: Corpus) -> dict[str, tuple[str, str, str]]:
    return {row["title"]: (row["stage"], row["reason"], row["detail"]) for row in corpus.excluded().to_pylist()}


def test_each_piece_of_the_game_is_kept_or_left_out_by_a_condition_that_is_named(root: Path) -> None:
    edit_pieces(Catalog(root), "title == 'Tune 3'", Values(exclude=True, why="by another"))
    corpus = build_corpus(root, Plan(query=PART), "part", workers=1)
    assert left_out(corpus) == {
        "Tune 1": ("query", "query", "title != 'Tune 1'"),
        "Tune 2": ("query", "query", "not title.str.contains('2|50')"),
        "Short": ("query", "query", "notes > 30"),  # not measured
        "Tune 3": ("filter", "by_hand", "by another"),
    }
    assert sorted(piece.title for piece in corpus.pieces()) == ["Tune 0", "Tune 4", "Tune 5"]
    assert (corpus.manifest.funnel.listed, corpus.manifest.reasons) == (4, {"by_hand": 1, "query": 3})
    lines = overview(corpus)
    assert "  left out           1" in lines
    assert "  not listed         3  of the same games, left out by the query" in lines
    page = write_report(corpus).read_text()
    assert "1 pieces, and 3 of the same games that are not listed" in page
    assert 'data-reason="query" data-count="3"' in page


def test_a_corpus_of_whole_games_has_no_such_rows_and_keeps_its_notes_when_others_come(root: Path) -> None:
    whole = build_corpus(root, Plan(query="game == 'a-game'"), "whole", workers=1)
    assert left_out(whole) == {}
    part = ensure_corpus(root, PART, "part")
    assert ensure_corpus(root, PART, "part").manifest == part.manifest
    fill(root, {"Tune 2 again": tunes(1, first=70)["Tune 70"]}, missing=["gone 2.mid"])
    later = ensure_corpus(root, PART, "part")
    assert later.hash == part.hash
    assert set(left_out(later)) - set(left_out(part)) == {"Tune 2 again", "gone 2.mid"}
