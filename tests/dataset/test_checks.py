"""Untrusted corpora: invalid columns are refused, exports stay in their folder."""

import hashlib
import json
import math
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalog.base.errors import CorpusError
from catalog.schema import MEASURES, describe
from catalog.storage.checksums import SUMS_FILE
from dataset.build import build_corpus
from dataset.corpus.checks import checked
from dataset.corpus.columns import FaultError
from dataset.corpus.corpus import Corpus
from dataset.corpus.manifest import (
    EXCLUDED_FILE,
    MANIFEST_FILE,
    MEASURES_FILE,
    NOTES_FILE,
    PROVENANCE_FILE,
    RELATIONS_FILE,
)
from dataset.corpus.schema import EXCLUDED, NOTES, RELATIONS, SPLITS
from dataset.export.common import file_names, inside
from dataset.export.forms import FORMS
from dataset.export.run import export_corpus
from dataset.midi.midi_writer import write_midi
from dataset.notes.timing import MAX_TICK
from dataset.plan import Plan
from dataset.reasons import RELATIONS as MEANT
from tests import forked
from tests.dataset.conftest import fill, tune, tunes

WHOLE = bool(os.environ.get("VGPIANO_CHECKS"))  # each case through the real command, not one in 101
SCHEMAS = {NOTES_FILE: NOTES, EXCLUDED_FILE: EXCLUDED, RELATIONS_FILE: RELATIONS, MEASURES_FILE: MEASURES}
HEX = "ab" * 32
NAMES = ("../../x", "/etc/x", "", "x" * 64, HEX.upper(), HEX[:-1], HEX + "\n", "\x00" * 64)  # that are no SHA-256
SIDES = ("../../escaped", "/x", "Train", "train ", "", "train\n", "..")
TEMPO, METER = {"tick": 0, "qpm": 120.0}, {"tick": 0, "numerator": 4, "denominator": 4}
Value = Any


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with a corpus `c` that has rows in all its tables."""
    root = tmp_path_factory.mktemp("checked")
    fill(root, {**tunes(12), "Twin": tunes(1)["Tune 0"], "Short": write_midi(tune(99, 3))}, missing=["gone.mid"])
    build_corpus(root, Plan(query="source == 'vgmusic'"), "c", workers=1)
    return root


def copied(root: Path, to: Path) -> Path:
    """Copy the corpus without its checksums, which a forger would rewrite."""
    folder = Path(shutil.copytree(root / "corpora" / "c", to / "forged"))
    (folder / SUMS_FILE).unlink()
    return folder


def forged(root: Path, to: Path, file: str, change: Callable[[pa.Table], pa.Table]) -> Path:
    """Copy the corpus with one table changed and a manifest that matches it."""
    folder = copied(root, to)
    pq.write_table(change(pq.read_table(folder / file)), folder / file)
    manifest = json.loads((folder / MANIFEST_FILE).read_text())
    manifest["files"][file] = hashlib.sha256((folder / file).read_bytes()).hexdigest()
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest))
    return folder


def put(name: str, value: Value, row: int = 0) -> Callable[[pa.Table], pa.Table]:
    """Return a function that puts a value in a row of a column, keeping its type."""

    def change(table: pa.Table) -> pa.Table:
        place = table.schema.get_field_index(name)
        values = table.column(place).to_pylist()
        values[row] = value
        return table.set_column(place, table.schema.field(place), pa.array(values, table.schema.field(place).type))

    return change


def retyped(name: str, kind: pa.DataType) -> Callable[[pa.Table], pa.Table]:
    """Return a function that changes the type of a column and empties it."""

    def change(table: pa.Table) -> pa.Table:
        return table.set_column(table.schema.get_field_index(name), name, pa.nulls(len(table), kind))

    return change


def number_cases(schema: pa.Schema) -> Iterator[tuple[str, Value]]:
    """Return invalid numbers: out of range or not finite."""
    for field in describe(schema):
        name, kind = field["name"], schema.field(field["name"]).type
        low, _, high = field["range"].partition("–")
        wrong: list[float] = [math.nan, math.inf, -math.inf] if pa.types.is_floating(kind) else []
        if low:
            wrong.append(float(low) - 1)
        if high:
            wrong.append(float(high) + 1)
        for value in wrong:
            yield name, int(value) if pa.types.is_integer(kind) else value


def cases() -> Iterator[tuple[str, str, str, Callable[[pa.Table], pa.Table]]]:
    """Yield (file, column, value, change) for every kind of invalid value."""
    nullable = {
        NOTES_FILE: {"sequencer"},
        EXCLUDED_FILE: {"sha256"},
        RELATIONS_FILE: {"first_sequencer", "second_sequencer", "left_out"},
        MEASURES_FILE: set(MEASURES.names) - {"sha256"},
    }
    for file, schema in SCHEMAS.items():
        for field in schema:
            if field.name not in nullable[file]:
                yield file, field.name, "null", put(field.name, None)
            for kind in (pa.int8(), pa.binary(), pa.list_(pa.string())):
                if kind != field.type:
                    yield file, field.name, f"type {kind}", retyped(field.name, kind)
            if file != MEASURES_FILE or field.name == "sha256":
                yield file, field.name, "missing", lambda table, name=field.name: table.drop_columns([name])
    enums = ((NOTES_FILE, "split", SIDES), (EXCLUDED_FILE, "stage", SIDES), (RELATIONS_FILE, "relation", SIDES))
    ids = ((NOTES_FILE, "sha256"), (EXCLUDED_FILE, "sha256"), (RELATIONS_FILE, "first"), (RELATIONS_FILE, "second"))
    texts: list[tuple[str, str, Iterator[Value] | tuple[Value, ...] | list[Value]]] = [
        *enums,
        *((file, name, NAMES) for file, name in (*ids, (MEASURES_FILE, "sha256"))),
        *((NOTES_FILE, name, (*NAMES, HEX)) for name in ("cluster", "work")),
        (EXCLUDED_FILE, "reason", ("", "../x", "Too_few", "a" * 101, "two words")),
        (MEASURES_FILE, "sha256", (HEX,)),  # of another piece
        (MEASURES_FILE, "time_signature", ("", "0/4", "4/4\n", "../..", "4", "444/4")),
        (MEASURES_FILE, "dropped", ("", "drums", "drums 0", "drums 1,b 2", "drums 1, ", "<b> 1")),
        *((MEASURES_FILE, name, ("", "x" * 20_000)) for name in ("texts", "copyright")),
        (MEASURES_FILE, "key", ("", "H major", "C majors", "<b>")),
    ]
    good = [0, 1, 2]
    lists: list[tuple[str, list[Value]]] = [
        ("onset", [[], [5, 4, *range(5, 43)], [-1, *range(39)], [*range(39), MAX_TICK + 1]]),
        ("duration", [[], good, [0] * 40, [-5] * 40, [MAX_TICK] * 40]),
        ("pitch", [[], good, [128] * 40, [255] * 40]),
        ("velocity", [[], good, [0] * 40, [128] * 40]),
        (
            "tempos",
            [
                [],
                [{"tick": 1, "qpm": 120.0}],
                [TEMPO, {"tick": 0, "qpm": 90.0}],
                [TEMPO, {"tick": 9, "qpm": 90.0}, {"tick": 4, "qpm": 80.0}],
                [TEMPO, {"tick": MAX_TICK + 1, "qpm": 90.0}],
                *([{"tick": 0, "qpm": qpm}] for qpm in (0.0, -1.0, 3.5, 6.1e7, math.nan, math.inf, 1e300)),
                [{"tick": 0, "qpm": None}],
                [None],
            ],
        ),
        (
            "time_signatures",
            [
                [],
                [{"tick": 1, "numerator": 4, "denominator": 4}],
                [METER, METER],
                *([{**METER, "numerator": n}] for n in (0, 65, 255)),
                *([{**METER, "denominator": n}] for n in (0, 3, 12, 128)),
                [{**METER, "numerator": None}],
            ],
        ),
    ]
    texts += [(NOTES_FILE, name, values) for name, values in lists]
    texts += [
        (RELATIONS_FILE, "share", [-0.1, 1.1, math.nan, math.inf]),
        (RELATIONS_FILE, "notes", [-1]),
        (RELATIONS_FILE, "transposition", [-128, 128]),
        (RELATIONS_FILE, "tempo_ratio", [0.0, -1.0, math.nan, math.inf]),
        *((RELATIONS_FILE, f"offset_{side}", [-1, MAX_TICK + 1]) for side in ("first", "second")),
    ]
    texts += [(MEASURES_FILE, name, [value]) for name, value in number_cases(MEASURES)]
    for file, name, values in texts:
        for value in values:
            yield file, name, repr(value)[:40], put(name, value)


CASES = list(cases())


def test_every_column_times_what_it_may_not_hold_names_the_column(root: Path) -> None:
    corpus = Corpus.open(root, "c")
    tables = {file: pq.read_table(corpus.path / file) for file in SCHEMAS}
    wrong = []
    for file, column, what, change in CASES:
        try:
            checked(file, change(tables[file]), tables[NOTES_FILE])
            wrong.append(f"{file} {column} {what}: passed")
        except FaultError as error:
            text = str(error)
            if not text.startswith(f"{column}: ") or "\n" in text or len(text) > 400:
                wrong.append(f"{file} {column} {what}: {text}")
    assert wrong == []
    assert len(CASES) > 350


def test_a_column_that_holds_what_it_may_not_is_one_line_that_names_file_and_column(root: Path, tmp_path: Path) -> None:
    for file, column, what, change in CASES[:: 1 if WHOLE else 101]:
        folder = forged(root, tmp_path, file, change)
        words = ("export", folder, "--format", "midi", "--out", tmp_path / "out", "--root", root)
        done = forked.command("dataset", *words)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), (file, column, what)
        assert f"{folder / file}: {column}: " in done.stderr
        shutil.rmtree(folder)
    assert not (tmp_path / "out").exists()


def test_invalid_utf8_in_a_text_is_refused(root: Path, tmp_path: Path) -> None:
    def change(table: pa.Table) -> pa.Table:
        raw = [b"\xff\xfe", *(text.encode() for text in table["title"].to_pylist()[1:])]
        bad = pa.array(raw, pa.binary()).view(pa.string())
        return table.set_column(table.schema.get_field_index("title"), table.schema.field("title"), bad)

    with pytest.raises(CorpusError, match=r"notes\.parquet: title: "):
        Corpus.open(root, str(forged(root, tmp_path, NOTES_FILE, change)))


@pytest.mark.parametrize(
    "path, value",
    [
        *((("name",), name) for name in ("../../up", "", ".", "a/b", "A", "x" * 81, "a\n", "-rf")),
        *((("files", NOTES_FILE), name) for name in NAMES),
        *((("funnel", stage), 999) for stage in ("listed", "fetched", "parsed", "kept", "unique", *SPLITS)),
        (("reasons", "missing"), 2),
        (("reasons", "never_seen"), 1),
        (("files",), {}),
    ],
)
def test_a_manifest_that_is_not_that_of_its_tables_is_refused_by_file_and_field(
    root: Path, tmp_path: Path, path: tuple[str, ...], value: Value
) -> None:
    folder = copied(root, tmp_path)
    manifest = json.loads((folder / MANIFEST_FILE).read_text())
    place = manifest
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest))
    with pytest.raises(CorpusError) as error:
        Corpus.open(root, str(folder))
    text = str(error.value)
    assert f"{folder / MANIFEST_FILE}: {path[0]}" in text
    assert "\n" not in text


def test_credits_that_are_no_text_and_tables_that_are_no_parquet_are_named(root: Path, tmp_path: Path) -> None:
    for file, data in (("CREDITS.md", b"\xff\xfe"), (NOTES_FILE, b"PAR1 and no more"), (EXCLUDED_FILE, b"")):
        folder = forged(root, tmp_path, NOTES_FILE, lambda table: table)
        (folder / file).write_bytes(data)
        manifest = json.loads((folder / MANIFEST_FILE).read_text())
        manifest["files"][file] = hashlib.sha256(data).hexdigest()
        (folder / MANIFEST_FILE).write_text(json.dumps(manifest))
        with pytest.raises(CorpusError) as error:
            Corpus.open(root, str(folder))
        assert str(error.value).startswith(f"{folder / file}: ")
        assert "\n" not in str(error.value)
        shutil.rmtree(folder)


def test_columns_that_nobody_knows_are_left_out_and_measures_of_an_earlier_version_may_lack_some(
    root: Path, tmp_path: Path
) -> None:
    def change(table: pa.Table) -> pa.Table:
        return table.append_column("extra", pa.array([math.nan] * len(table))).drop_columns(["loop_share"])

    opened = Corpus.open(root, str(forged(root, tmp_path, MEASURES_FILE, change)))
    assert opened.measures().column_names == [name for name in MEASURES.names if name != "loop_share"]
    assert opened.pieces()[0].sha256 == opened.measures()["sha256"][0].as_py()


@pytest.mark.parametrize(
    "form, place",
    [
        *((form, "../../escaped") for form in FORMS),
        ("midi", ".."),
        ("midi", "/{folder}/elsewhere"),
        ("miditok", "a/b/c"),
    ],
)
def test_even_of_what_no_check_has_seen_nothing_is_written_outside(
    root: Path, tmp_path: Path, form: str, place: str
) -> None:
    from importlib import import_module

    corpus = Corpus.open(root, "c")
    outside = place.format(folder=tmp_path)
    for name in ("split", "sha256"):
        table = put(name, outside)(corpus.table())
        seen = {NOTES_FILE: table, EXCLUDED_FILE: corpus.excluded(), MEASURES_FILE: corpus.measures()}
        seen[PROVENANCE_FILE] = corpus.provenance()
        unchecked = Corpus(corpus.path, corpus.manifest, seen, corpus.credits())
        into = tmp_path / name / "a" / "export"
        into.mkdir(parents=True)
        before = {path for path in tmp_path.rglob("*") if not path.is_relative_to(into)}
        try:
            import_module(f"dataset.export.{form}").write(unchecked, into, lambda done, total: None)
        except CorpusError as error:
            assert "outside of the export's folder" in str(error)  # noqa: PT017 - whether it is refused depends on the form
        assert {path for path in tmp_path.rglob("*") if not path.is_relative_to(into)} == before


def test_a_path_of_an_export_is_below_its_folder_or_none(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    assert inside(tmp_path, "train/a.mid") == tmp_path / "train" / "a.mid"
    for name in ("../a", "train/../../a", "/etc/passwd", "..", "a\0b", "other/a.mid"):
        with pytest.raises(CorpusError, match="outside of the export's folder"):
            inside(tmp_path, name)


def test_an_export_of_a_good_corpus_has_every_file_below_its_split(root: Path, tmp_path: Path) -> None:
    done = export_corpus(root, "c", "midi", tmp_path / "out")
    names = {path.relative_to(done.path).as_posix() for path in done.path.rglob("*.mid")}
    assert names == set(file_names(Corpus.open(root, "c").pieces(), ".mid"))


def test_what_a_build_writes_passes_and_the_sides_and_relations_are_those_that_there_are(root: Path) -> None:
    corpus = Corpus.open(root, "c")
    assert len(corpus.excluded()) == len(set(corpus.excluded()["stage"].to_pylist())) == 3
    assert len(corpus.relations()) == 1
    assert set(corpus.relations()["relation"].to_pylist()) <= set(MEANT)
    assert corpus.table("train")["split"].unique().to_pylist() == ["train"]
    assert sum(len(corpus.pieces(split)) for split in SPLITS) == len(corpus.pieces())
