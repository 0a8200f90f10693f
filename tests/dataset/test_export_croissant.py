"""croissant.json describes an export so that mlcroissant reads the same records from it."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalog.schema import FETCHED, Piece
from catalog.store import Catalog
from dataset.build import Plan, build_corpus
from dataset.corpus.corpus import Corpus
from dataset.export.common import RIGHTS_NOTICE
from dataset.export.croissant import CONTEXT, CROISSANT_FILE
from dataset.export.forms import Form
from dataset.export.provenance import CREATORS, bibtex
from dataset.export.run import MARKER, write_export
from dataset.midi.midi_writer import write_midi
from tests.dataset.conftest import meta, midi, off, on, tune


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """A corpus of five pieces; one has hands, keys and a pedal, and one has a number for a title."""
    root = tmp_path_factory.mktemp("croissant")
    right = [meta(0, 0x59, b"\xfe\x01"), meta(0, 0x03, b"Right hand"), (0, b"\xb0\x40\x7f")]
    right += [event for n in range(20) for event in (on(0, 70 + n % 13), off(240, 70 + n % 13))]
    right += [(0, b"\xb0\x40\x00"), meta(480, 0x51, b"\x06\x1a\x80"), on(0, 90), off(120, 90)]
    files = {"Rich": midi(right), **{title: write_midi(tune(n)) for n, title in enumerate(("1942", "007", "Ō", "b"))}}
    with Catalog(root).writer() as writer:
        pieces = [
            Piece(
                source="vgmusic",
                section="piano",
                url=f"https://example.org/{number}.mid",
                game_title="A Game, The",
                game="a-game",
                series="a-game",
                title=title,
                state=FETCHED,
                md5=hashlib.md5(data).hexdigest(),
                sha256=writer.put_blob(data),
                fetched_at=datetime(2025, 6, number + 1, 8, 9, 10, 500, tzinfo=UTC),
            )
            for number, (title, data) in enumerate(files.items())
        ]
        writer.add(pieces)
    return build_corpus(root, Plan(query="game == 'a-game'"), "c", workers=1)


def plain(value: Any, field: str) -> Any:
    """Return a value of mlcroissant as pyarrow gives it: text as str, and names without those of their parents."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, list):
        return [plain(each, field) for each in value]
    if isinstance(value, dict):
        return {name.removeprefix(f"{field}/"): plain(each, field) for name, each in value.items()}
    return value.to_pydatetime() if isinstance(value, datetime) else value


def test_mlcroissant_reads_the_records_of_the_parquet_files(corpus: Corpus, tmp_path: Path) -> None:
    import mlcroissant  # which takes half a second in each worker if it is imported above

    folder = write_export(corpus, "hf", tmp_path / "x").path
    rows = pa.concat_tables([pq.read_table(path) for path in sorted((folder / "data").iterdir())]).to_pylist()
    read = mlcroissant.Dataset(str(folder / CROISSANT_FILE)).records("pieces")
    records = [{name.removeprefix("pieces/"): plain(value, name) for name, value in each.items()} for each in read]
    assert records == rows
    assert sorted(row["title"] for row in records) == sorted(piece.title for piece in corpus.pieces())
    [rich] = [row for row in records if row["title"] == "Rich"]
    assert all(rich[name] for name in ("url", "source", "game_title", "fetched_at", "pedals", "key_signatures"))
    assert len(rich["tempos"]) == 2


@pytest.mark.parametrize("form", ["hf", "midi"])
def test_an_export_names_its_files_licence_citation_and_sources(form: Form, corpus: Corpus, tmp_path: Path) -> None:
    import mlcroissant

    folder = write_export(corpus, form, tmp_path / "x").path
    metadata = mlcroissant.Dataset(str(folder / CROISSANT_FILE)).metadata
    assert metadata.ctx.issues.warnings == set()
    assert metadata.ctx.is_v1_1()
    files = {file.id: (file.sha256, file.content_size) for file in metadata.file_objects}
    contents = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert files == {
        name: (hashlib.sha256(data).hexdigest(), f"{len(data)} B")
        for name, data in contents.items()
        if name not in (CROISSANT_FILE, MARKER)
    }
    assert [licence.description for licence in metadata.license] == [RIGHTS_NOTICE]
    assert [creator.name for creator in metadata.creators] == [CREATORS]
    assert metadata.cite_as == bibtex(corpus)
    assert metadata.date_published == datetime(2025, 6, 5)  # the newest file
    assert json.loads(contents[CROISSANT_FILE])["isBasedOn"] == ["https://example.org/"]
    assert len(metadata.record_sets) == (form == "hf")


def test_the_terms_are_those_of_the_standard() -> None:
    import mlcroissant

    metadata = mlcroissant.Metadata(name="x", url="x", conforms_to=["http://mlcommons.org/croissant/1.1"])
    assert metadata.to_json()["@context"].items() <= CONTEXT.items()
