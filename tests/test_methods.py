"""What commands do, as methods of the objects they do it to, and what these objects say of themselves."""

from pathlib import Path

import pytest

from catalog.store import Catalog
from dataset.build import build_corpus
from dataset.corpus.corpus import Corpus
from dataset.export.run import export_corpus
from dataset.plan import Plan
from tests.dataset.conftest import fill, tunes
from training.note_lstm.recipe import NoteLSTMRecipe
from training.run import Run
from training.run_record import TrainingRequest


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A data root with a catalog of twelve good pieces of one game, one of them with a hostile title."""
    files = tunes(12)
    files["Two\nlines\x1b[2J"] = files.pop("Tune 11")
    fill(tmp_path, files)
    return tmp_path


@pytest.fixture
def corpus(root: Path) -> Corpus:
    return build_corpus(root, Plan(query="game == 'a-game'"), "mine", workers=1)


def test_a_catalog_is_asked_by_query(root: Path) -> None:
    catalog = Catalog(root)
    assert catalog.query("bytes > 0 and title == 'Tune 3'", ["title"])["title"].to_pylist() == ["Tune 3"]
    assert catalog.query("game == 'a-game'").equals(catalog.pieces("game == 'a-game'"))


def test_a_corpus_is_exported_by_its_method_as_by_the_command(root: Path, corpus: Corpus, tmp_path: Path) -> None:
    done = corpus.export("jsonl", tmp_path / "by-method")
    other = export_corpus(root, "mine", "jsonl")
    assert done.written == other.written
    files = sorted(file.relative_to(other.path) for file in other.path.rglob("*") if file.is_file())
    assert len(files) >= 4
    for file in files:
        assert (done.path / file).read_bytes() == (other.path / file).read_bytes()


def test_objects_say_in_one_short_line_what_they_are(root: Path, corpus: Corpus, tmp_path: Path) -> None:
    asked = TrainingRequest(corpus="mine", corpus_hash=corpus.hash, query="", seed=0, minutes=None, epochs=1)
    run = Run.create(tmp_path, "short", NoteLSTMRecipe(), "{}", asked)
    shown = [*map(repr, (Catalog(root), corpus, corpus.manifest, run, *corpus.pieces()))]
    assert shown[0] == f"<Catalog below {str(root)!r}>"
    assert shown[1] == f"<Corpus 'mine' in {str(corpus.path)!r}: 12 pieces>"
    assert shown[2] == "<Manifest of corpus 'mine': 12 pieces, query \"game == 'a-game'\">"
    assert shown[3] == f"<Run 'short' of recipe note-lstm in {str(run.path)!r}>"
    assert "<CorpusPiece 'Tune 3' of 'a-game': 40 notes>" in shown
    assert all(line.isprintable() and len(line) < 200 for line in shown)
