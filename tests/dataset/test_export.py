"""Exports equal the corpus when read back by the libraries they are for."""

import csv
import json
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import symusic
from typer.testing import CliRunner

import dataset.export
from catalog.base.errors import CorpusError, DatasetError
from dataset.build import Plan, build_corpus
from dataset.cli import app
from dataset.corpus.corpus import Corpus
from dataset.corpus.schema import SPLITS
from dataset.export.common import INDEX_HEADER, key_name, slug
from dataset.export.forms import FORMS, Form
from dataset.export.run import MARKER, export_corpus
from dataset.midi.midi_reader import read_midi
from dataset.midi.midi_writer import write_midi
from dataset.notes.model import Notes
from tests import forked
from tests.dataset.conftest import fill, meta, midi, off, on, tune

TITLES = ("../../up", "1942", 'A | "b", <i>é</i>', "ゼルダ")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with one corpus, `c`, with titles that are harmful if trusted."""
    root = tmp_path_factory.mktemp("site")
    titles = [*TITLES, *(f"Piece {number}" for number in range(12))]
    fill(root, {title: write_midi(tune(number, 80)) for number, title in enumerate(titles)})
    build_corpus(root, Plan(query="game == 'a-game'"), "c")
    return root


@pytest.fixture(scope="module")
def corpus(site: Path) -> Corpus:
    return Corpus.open(site, "c")


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_the_command_offers_each_module_that_writes_an_export() -> None:
    folder = Path(dataset.export.__path__[0])
    writers = [path.stem for path in sorted(folder.glob("*.py")) if re.search(r"^def write\(", path.read_text(), re.M)]
    assert tuple(writers) == FORMS
    said = CliRunner().invoke(app, ["export", "c", "--format", "none"])
    assert said.exit_code == 2
    assert re.findall(r"'(\w+)'", said.output) == ["none", *FORMS]


@pytest.mark.parametrize("form", FORMS)
def test_an_export_is_the_same_bytes_again_and_carries_the_credits(
    form: Form, site: Path, corpus: Corpus, tmp_path: Path
) -> None:
    first, again = (export_corpus(site, "c", form, tmp_path / place) for place in ("a", "b"))
    assert tree(first.path) == tree(again.path)
    assert first.written.pieces == len(corpus.pieces())
    for name in ("CREDITS.md", "manifest.json"):
        assert (first.path / name).read_bytes() == (corpus.path / name).read_bytes()
    assert export_corpus(site, "c", form, tmp_path / "a").path == tmp_path / "a"  # replaces itself
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b"]


def test_what_is_no_export_is_never_replaced(site: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter").write_text("dear")
    with pytest.raises(CorpusError, match="not an export"):
        export_corpus(site, "c", "jsonl", tmp_path / "mine")
    assert tree(tmp_path) == {"mine/letter": b"dear"}


def test_the_command_writes_to_the_data_root_and_refuses_in_one_line(site: Path, tmp_path: Path) -> None:
    words = ("export", "c", "--format", "jsonl", "--root", site)
    done = forked.command("dataset", *words)
    assert done.returncode == 0
    assert str(site / "exports" / "c-jsonl") in done.stdout
    (site / "exports" / "c-jsonl" / MARKER).unlink()
    refused = forked.command("dataset", *words)
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)


@pytest.mark.parametrize(
    "title, name", [("../../up", "up"), ("A / b\\c\0", "a-b-c"), ("ゼルダ", "untitled"), ("é" * 99, "e" * 60)]
)
def test_a_title_becomes_a_name_that_is_safe_anywhere(title: str, name: str) -> None:
    assert slug(title) == name


def test_midi_files_give_back_the_notes_in_three_readers(site: Path, corpus: Corpus, tmp_path: Path) -> None:
    folder = export_corpus(site, "c", "midi", tmp_path / "x").path
    with (folder / "index.csv").open(newline="") as file:
        rows = {row["sha256"]: row for row in csv.DictReader(file)}
    assert len({row["file"] for row in rows.values()}) == len(corpus.pieces())
    for piece in corpus.pieces():
        row = rows[piece.sha256]
        assert (row["title"], row["split"]) == (piece.title, piece.split)
        path = folder / row["file"]
        assert path.resolve().parent == folder.resolve() / piece.split
        assert read_midi(path.read_bytes()) == piece.notes
        theirs = [(n.time // 20, n.pitch, n.duration // 20) for t in symusic.Score(path).tracks for n in t.notes]
        assert sorted(theirs) == sorted(triples(piece.notes))


def test_midi_files_give_back_the_notes_in_pretty_midi(site: Path, corpus: Corpus, tmp_path: Path) -> None:
    pretty_midi = pytest.importorskip("pretty_midi")
    folder = export_corpus(site, "c", "midi", tmp_path / "x").path
    piece = corpus.pieces("test")[0]
    midi = pretty_midi.PrettyMIDI(str(next((folder / "test").glob(f"*-{piece.sha256[:8]}.mid"))))
    theirs = [(midi.time_to_tick(n.start) / 20, n.pitch) for i in midi.instruments for n in i.notes]
    assert sorted(theirs) == sorted((onset, pitch) for onset, pitch, _ in triples(piece.notes))


def triples(notes) -> list[tuple[int, int, int]]:  # type: ignore[no-untyped-def]
    return list(zip(notes.onset.tolist(), notes.pitch.tolist(), notes.duration.tolist(), strict=True))


def test_lines_of_json_are_read_by_json_and_by_pandas(site: Path, corpus: Corpus, tmp_path: Path) -> None:
    folder = export_corpus(site, "c", "jsonl", tmp_path / "x").path
    for split in SPLITS:
        rows = [json.loads(line) for line in (folder / f"{split}.jsonl").read_text().splitlines()]
        frame = pd.read_json(folder / f"{split}.jsonl", lines=True, dtype=False)
        pieces = corpus.pieces(split)
        assert [row["title"] for row in rows] == frame["title"].tolist() == [piece.title for piece in pieces]
        assert frame["url"].tolist() == [piece.url for piece in pieces]
        for row, onsets, piece in zip(rows, frame["onset"], pieces, strict=True):
            assert row["pitch"] == piece.notes.pitch.tolist()
            assert onsets == piece.notes.onset.tolist()
            assert [(t["tick"], t["qpm"]) for t in row["tempos"]] == list(piece.notes.tempos)
            assert row["notes"] == len(piece.notes)


def test_hugging_face_opens_the_folder(
    site: Path, corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    from datasets import load_dataset

    folder = export_corpus(site, "c", "hf", tmp_path / "x").path
    loaded = load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))
    assert list(loaded) == list(SPLITS)
    for split in SPLITS:
        pieces = corpus.pieces(split)
        assert loaded[split]["sha256"][:] == [piece.sha256 for piece in pieces]
        for row, piece in zip(loaded[split], pieces, strict=True):
            assert row["title"] == piece.title
            assert (row["url"], row["source"]) == (piece.url, piece.source)
            for name in ("onset", "duration", "pitch", "velocity"):
                assert np.array_equal(row[name], getattr(piece.notes, name))
            assert row["notes"] == len(piece.notes)  # a measure
    card = (folder / "README.md").read_text()
    for name in loaded["train"].column_names:
        assert f"| {name.replace('_', chr(92) + '_')} |" in card


def test_miditok_loads_tokenizer_and_tokens_and_decodes_the_notes(site: Path, corpus: Corpus, tmp_path: Path) -> None:
    from miditok import REMI

    folder = export_corpus(site, "c", "miditok", tmp_path / "x").path
    tokenizer = REMI(params=folder / "tokenizer.json")
    with (folder / "index.csv").open(newline="") as file:
        rows = {row["sha256"]: row for row in csv.DictReader(file)}
    for piece in corpus.pieces():
        row = rows[piece.sha256]
        tokens = tokenizer.load_tokens(folder / row["file"])
        score = tokenizer.decode(tokens)
        unit = score.ticks_per_quarter // 24
        theirs = [(n.time / unit, n.pitch, n.duration / unit) for t in score.tracks for n in t.notes]
        assert sorted(theirs) == sorted(triples(piece.notes))
        assert (row["onsets_exact"], row["durations_exact"], row["reason"]) == ("true", "true", "")


def test_the_index_says_where_tokens_cannot_hold_a_duration(tmp_path: Path) -> None:
    from dataset.export.miditok import _exact, to_symusic, tokenizer_for

    notes = Notes.of([0, 30], [24 * 20, 6], [60, 64], [80, 80], [(0, 120.0)], [(0, 4, 4)])
    tokenizer = tokenizer_for([notes])
    assert _exact(tokenizer, tokenizer.encode(to_symusic(notes)), notes) == (True, False)


def test_without_miditok_the_error_says_how_to_get_it(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "miditok", None)
    with pytest.raises(DatasetError, match="pip install"):
        export_corpus(site, "c", "miditok", tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def test_scores_name_the_game_the_sequencer_and_the_source(site: Path, corpus: Corpus, tmp_path: Path) -> None:
    folder = export_corpus(site, "c", "musicxml", tmp_path / "x").path
    with (folder / "index.csv").open(newline="") as file:
        files = {row["sha256"]: row["file"] for row in csv.DictReader(file)}
    for piece in corpus.pieces():
        score = ElementTree.fromstring((folder / files[piece.sha256]).read_bytes())
        assert score.findtext("work/work-title") == piece.title
        assert score.findtext("identification/encoding/encoder", None) == piece.sequencer
        assert score.findtext("identification/source", "") == piece.url
        fields = {field.get("name"): field.text for field in score.iter("miscellaneous-field")}
        assert fields["game"] == (piece.game_title or piece.game)


def test_a_piece_that_kills_its_worker_costs_a_row_with_the_reason(
    site: Path, corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dataset.export.musicxml.TASK", "tests.dataset.tasks:score_or_die")
    done = export_corpus(site, "c", "musicxml", tmp_path / "x")
    assert (done.written.pieces, done.written.left_out) == (len(corpus.pieces()) - 1, 1)
    with (done.path / "index.csv").open(newline="") as file:
        (lost,) = [row for row in csv.DictReader(file) if not row["file"]]
    assert lost["title"] == "1942"
    assert lost["reason"].startswith("parser_crashed")


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data root with the corpus `r` of one piece.

    It has stated hands, two keys, a pedal, and a key struck while held.
    """
    root = tmp_path_factory.mktemp("rich")
    head = [meta(0, 0x59, b"\xfe\x01"), meta(1920, 0x59, b"\x04\x00")]
    right = [meta(0, 0x03, b"Right hand"), (0, b"\xb0\x40\x7f")]
    right += [event for n in range(20) for event in (on(0, 70 + n % 13), off(240, 70 + n % 13))]
    right += [(0, b"\xb0\x40\x00"), on(0, 90), on(120, 90), off(120, 90), off(120, 90)]
    left = [meta(0, 0x03, b"Left hand")]
    left += [event for n in range(20) for event in (on(0, 40 + n % 11, channel=1), off(240, 40 + n % 11, channel=1))]
    fill(root, {"Rich": midi(head, right, left)})
    build_corpus(root, Plan(query="game == 'a-game'"), "r")
    return root


@pytest.mark.parametrize("form", ["midi", "miditok", "musicxml"])
def test_an_index_says_what_the_file_states_and_where_it_is_from(form: Form, rich: Path, tmp_path: Path) -> None:
    folder = export_corpus(rich, "r", form, tmp_path / "x").path
    with (folder / "index.csv").open(newline="", encoding="utf-8") as file:
        [row] = csv.DictReader(file)
    assert list(row)[: len(INDEX_HEADER)] == list(INDEX_HEADER)
    listed = (row["game_title"], row["source"], row["url"])
    assert listed == ("A-Game", "vgmusic", "https://example.org/a-game/0.mid")
    assert (row["hands"], row["pedal_intervals"]) == ("all", "1")
    assert row["key_signatures"] == "G minor at tick 0; E major at tick 96"


def test_exported_midi_has_hands_keys_and_pedal_and_counts_what_it_cuts(rich: Path, tmp_path: Path) -> None:
    done = export_corpus(rich, "r", "midi", tmp_path / "x")
    assert done.written.cut == 1
    [path] = done.path.glob("*/*.mid")
    notes, [piece] = read_midi(path.read_bytes()), Corpus.open(rich, "r").pieces()
    assert len(notes) == len(piece.notes) == 42
    assert (notes.key_signatures, notes.pedals) == (piece.notes.key_signatures, piece.notes.pedals)
    assert np.array_equal(notes.hand, piece.notes.hand)
    with (done.path / "index.csv").open(newline="", encoding="utf-8") as file:
        assert [row["cut"] for row in csv.DictReader(file)] == ["1"]
    shown = forked.command("dataset", "export", "r", "--format", "midi", "--out", tmp_path / "y", "--root", rich)
    assert "1 note cut" in shown.stdout


@pytest.mark.parametrize("form", ["jsonl", "hf"])
def test_tables_carry_every_column_of_notes_dates_and_measures(form: Form, rich: Path, tmp_path: Path) -> None:
    folder = export_corpus(rich, "r", form, tmp_path / "x").path
    corpus = Corpus.open(rich, "r")
    if form == "jsonl":
        [line] = [text for split in SPLITS for text in (folder / f"{split}.jsonl").read_text().splitlines()]
        row = json.loads(line)
    else:
        [row] = [
            row for split in SPLITS for row in pq.read_table(next((folder / "data").glob(f"{split}-*"))).to_pylist()
        ]
    tables = (corpus.table(), corpus.provenance(), corpus.measures())
    assert row.keys() == {name for table in tables for name in table.column_names}
    [piece] = corpus.pieces()
    assert row["hand"] == piece.notes.hand.tolist()
    assert row["key_signatures"] == [{"tick": 0, "fifths": -2, "mode": 1}, {"tick": 96, "fifths": 4, "mode": 0}]
    assert [tuple(each.values()) for each in row["pedals"]] == list(piece.notes.pedals)
    assert (row["game_title"], row["source"]) == ("A-Game", "vgmusic")
    assert (row["texts"], row["note_ons"], row["unended_notes"]) == ("Right hand\nLeft hand", 42, 0)


@pytest.mark.parametrize(
    "fifths, mode, name",
    [
        (0, 0, "C major"),
        (-7, 0, "Cb major"),
        (7, 0, "C# major"),
        (0, 1, "A minor"),
        (-7, 1, "Ab minor"),
        (3, 1, "F# minor"),
        (-1, 0, "F major"),
    ],
)
def test_key_signatures_have_names(fifths: int, mode: int, name: str) -> None:
    assert key_name(fifths, mode) == name
