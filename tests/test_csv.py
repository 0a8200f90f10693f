"""CSV output has no formulas or control characters; other text is unchanged."""

import ast
import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.base.console import clean
from catalog.base.csv_cells import FORMULA, csv_text
from catalog.base.errors import TrainingError
from dataset.build import build_corpus
from dataset.export.forms import FORMS
from dataset.export.run import export_corpus
from dataset.midi.midi_writer import write_midi
from dataset.plan import Plan
from tests import forked
from tests.dataset.conftest import fill, tune
from training.note_lstm.recipe import NoteLSTMRecipe
from training.run import Run
from training.run_record import TrainingRequest

TOP = Path(__file__).parents[1]
BEGINNINGS = (
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    " =1+1",
    "\x00=1+1",
    "\u200b=1+1",
    "\uff1d1+1",
    "'=1+1",
)
WRITERS = {
    "catalog/base/csv_cells.py",
    "training/run.py",
}  # that import csv to write; the second one writes nothing but numbers


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with formula-like titles and sequencers, and a corpus `c`."""
    root = tmp_path_factory.mktemp("formulas")
    files = {f"{start} {n}": write_midi(tune(n, 80)) for n, start in enumerate(BEGINNINGS)}
    fill(root, files)
    build_corpus(root, Plan(query="source == 'vgmusic'"), "c", workers=1)
    return root


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def is_harmless(cell: str) -> bool:
    return not cell.startswith(FORMULA) and clean(cell) == cell


@pytest.mark.parametrize("form", FORMS)
def test_the_csv_of_every_export_holds_no_formula(root: Path, tmp_path: Path, form: str) -> None:
    folder = export_corpus(root, "c", form, tmp_path / form).path  # type: ignore[arg-type]
    tables = [rows(path.read_text(encoding="utf-8")) for path in folder.rglob("*.csv")]
    assert len(tables) == (form in ("midi", "miditok", "musicxml"))
    for table in tables:
        assert len(table) == len(BEGINNINGS)
        assert all(is_harmless(cell) for row in table for cell in row.values())
        assert sum(row["title"].startswith("'") for row in table) == len(BEGINNINGS)


@pytest.mark.parametrize("words", [("show",), ("games",), ("schema",), ("stats",)])
def test_the_csv_of_every_command_holds_no_formula(root: Path, words: tuple[str, ...]) -> None:
    done = forked.command("catalog", *words, "--format", "csv", *(() if words == ("schema",) else ("--root", root)))
    assert done.returncode == 0
    table = rows(done.stdout)
    assert table
    assert all(is_harmless(cell) for row in table for cell in row.values())


@given(st.lists(st.one_of(st.none(), st.text(), st.integers(), st.floats(allow_nan=False))))
def test_a_cell_is_what_it_was_but_for_what_is_invisible_and_an_apostrophe(cells: list[object]) -> None:
    [header, *read] = csv.reader(io.StringIO(csv_text(["=name", "n"], [[cell, 0] for cell in cells])))
    assert header == ["'=name", "n"]
    assert len(read) == len(cells)
    for (cell, _), was in zip(read, cells, strict=True):
        if isinstance(was, str):
            assert is_harmless(cell)
            assert cell in (clean(was), f"'{clean(was)}")
        else:
            assert cell == ("" if was is None else str(was))


def test_nothing_else_of_ours_writes_csv() -> None:
    found = set()
    for room in ("catalog", "scraper", "dataset", "training"):
        for path in (TOP / room).rglob("*.py"):
            named = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
            if named & {"DictWriter", "writerow", "writerows", "to_csv", "write_csv"}:
                found.add(path.relative_to(TOP).as_posix())
    assert found == WRITERS


def test_figures_of_a_run_are_numbers_before_they_are_written(tmp_path: Path) -> None:
    asked = TrainingRequest(corpus="c", corpus_hash="0" * 64, query="q", seed=0, minutes=1.0, epochs=None)
    run = Run.create(tmp_path, "r", NoteLSTMRecipe(), "{}", asked)
    run.checkpoints.mkdir()
    (run.checkpoints / "state.json").write_text('{"epoch": 1, "history": [{"epoch": "=1+1"}]}')
    with pytest.raises(TrainingError, match=r"history\[0\]"):
        run.progress()
