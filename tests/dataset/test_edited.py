"""Corpora of edited catalogs: what they have, what they leave out, and no trace after an undo."""

import json
from pathlib import Path

import pytest

from catalog.base.errors import CorpusError
from catalog.editing import Values, edit_pieces, undo_edits
from catalog.edits.entries import parse_edits
from catalog.store import Catalog
from dataset.build import build_corpus, ensure_corpus
from dataset.corpus.corpus import Corpus
from dataset.corpus.split_ledger import read_splits
from dataset.export.run import write_export
from dataset.plan import Plan
from tests.dataset.conftest import fill, tunes

ALL = Plan(query="source == 'vgmusic'")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    fill(tmp_path, tunes(10))
    fill(tmp_path, tunes(5, first=50), game="b-game")
    return tmp_path


def content(corpus: Corpus) -> dict[str, bytes]:
    assert isinstance(corpus.path, Path)
    return {path.name: path.read_bytes() for path in corpus.path.iterdir()}


def exclude(root: Path, *titles: str) -> None:
    edit_pieces(Catalog(root), f"title in {list(titles)}", Values(exclude=True, why="an arrangement of something else"))


def test_a_corpus_after_an_undo_is_the_one_before_the_edit_byte_for_byte(root: Path) -> None:
    before = content(ensure_corpus(root, ALL.query))
    edit_pieces(Catalog(root), "title == 'Tune 3'", Values(game="B Game", title="Renamed", sequencer="Somebody"))
    exclude(root, "Tune 5", "Tune 51")
    edited = ensure_corpus(root, ALL.query)
    renamed = next(piece for piece in edited.pieces() if piece.title == "Renamed")
    assert (renamed.game, renamed.series, renamed.sequencer) == ("b-game", "b", "Somebody")
    assert "Somebody" in edited.credits()
    left_out = {row["title"]: row for row in edited.excluded().to_pylist()}
    assert set(left_out) == {"Tune 5", "Tune 51"}
    for row in left_out.values():
        assert (row["stage"], row["reason"]) == ("filter", "by_hand")
        assert row["detail"] == "an arrangement of something else"
    assert edited.manifest.reasons == {"by_hand": 2}
    assert set(edited.edits()) == set(Catalog(root).edits())
    assert content(edited) != before
    check_copies(edited, root)
    undo_edits(Catalog(root))
    undo_edits(Catalog(root))
    assert content(ensure_corpus(root, ALL.query)) == before


def check_copies(corpus: Corpus, root: Path) -> None:
    """Fail unless edits are exported with the corpus, and a damaged copy is named."""
    exported = write_export(corpus, "jsonl", root / "export").path / "edits.toml"
    assert parse_edits(exported.read_bytes(), exported) == Catalog(root).edits()
    assert isinstance(corpus.path, Path)
    assert Catalog(root).verify().ok
    assert "edits.toml" in json.loads((corpus.path / "manifest.json").read_text())["files"]
    kept = corpus.path / "edits.toml"
    text = kept.read_bytes()
    assert text == exported.read_bytes()
    kept.write_bytes(text.replace(b"arrangement", b"xrrangement"))
    with pytest.raises(CorpusError, match=r"edits\.toml does not match its hash"):
        Corpus.open(root, corpus.name)
    kept.write_bytes(text)


def test_sides_are_the_same_whether_edits_come_before_the_first_build_or_after(root: Path) -> None:
    plan = Plan(query="game == 'a-game'")
    exclude(root, "Tune 5", "Tune 6")
    edit_pieces(Catalog(root), "title in ['Tune 1', 'Tune 2', 'Tune 50']", Values(game="Quite Another"))
    corpus = build_corpus(root, plan, "all")  # queries of builds see edited values
    assert (len(corpus.pieces()), corpus.manifest.reasons, len(corpus.edits())) == (6, {"by_hand": 2}, 2)
    edited = read_splits(root, 0)
    for path in (root / "splits").iterdir():
        path.unlink()
    undo_edits(Catalog(root))
    undo_edits(Catalog(root))
    build_corpus(root, plan, "all")
    assert read_splits(root, 0) == edited
    assert len(edited) == 15


def test_a_corpus_of_nothing_but_excluded_pieces_is_refused_with_the_reason(root: Path) -> None:
    exclude(root, *(f"Tune {n}" for n in range(50, 55)))
    with pytest.raises(CorpusError, match="none of 5 pieces remains: by_hand 5"):
        build_corpus(root, Plan(query="game == 'b-game'"), "b")
