"""A corpus on disk: round trips, damage, and killed builders."""

import errno
import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.base.errors import CorpusError
from dataset.build import build_corpus
from dataset.corpus.corpus import Corpus, list_corpora, names
from dataset.corpus.credits import Credit, escape_markdown, write_credits
from dataset.corpus.folder_store import locked, replacing_folder
from dataset.corpus.manifest import CREDITS_FILE, EXCLUDED_FILE, NOTES_FILE
from dataset.corpus.schema import NOTES
from dataset.midi.midi_reader import read_midi
from dataset.plan import Plan
from tests.dataset.conftest import fill, meta, midi, off, on, tunes

PLAN = Plan(query="game == 'a-game'")


def test_pieces_come_back_as_they_were_in_the_catalogs_order(root: Path) -> None:
    corpus = build_corpus(root, PLAN)
    files = tunes(12)
    pieces = corpus.pieces()
    assert [piece.title for piece in pieces] == sorted(files)
    for piece in pieces:
        assert piece.notes == read_midi(files[piece.title])
        assert (piece.game, piece.series) == ("a-game", "a")
    parts = [corpus.pieces(split) for split in ("train", "validation", "test")]
    assert sorted(piece.title for part in parts for piece in part) == sorted(files)
    assert all(parts)


def test_the_notes_can_be_read_with_pandas_alone(root: Path) -> None:
    corpus = build_corpus(root, PLAN)
    frame = pd.read_parquet(corpus.path / NOTES_FILE)
    assert list(frame.columns) == NOTES.names
    assert frame["onset"][0].tolist() == corpus.pieces()[0].notes.onset.tolist()
    assert frame["tempos"][0][0]["tick"] == 0


@pytest.mark.parametrize("name", [NOTES_FILE, EXCLUDED_FILE, CREDITS_FILE])
def test_a_changed_byte_in_any_file_is_seen(root: Path, name: str) -> None:
    path = build_corpus(root, PLAN).path / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(CorpusError, match="build"):
        Corpus.open(root, "a-game")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 99}'])
def test_a_manifest_that_is_none_is_an_error_in_one_line(root: Path, text: str) -> None:
    folder = build_corpus(root, PLAN).path
    (folder / "manifest.json").write_text(text)
    with pytest.raises(CorpusError, match=r"manifest\.json: damaged: its content does not match SHA256SUMS"):
        Corpus.open(root, "a-game")
    (folder / "SHA256SUMS").unlink()
    with pytest.raises(CorpusError, match=r"manifest\.json: .*; build the corpus again"):
        Corpus.open(root, "a-game")
    assert list_corpora(root) == []


def test_a_corpus_can_be_opened_by_its_folder_and_a_wrong_name_is_answered(root: Path) -> None:
    corpus = build_corpus(root, PLAN)
    assert Corpus.open(Path("elsewhere"), str(corpus.path)).hash == corpus.hash
    with pytest.raises(CorpusError, match="did you mean 'a-game'"):
        Corpus.open(root, "a-gane")
    assert names(root) == ["a-game"]


def test_a_corpus_that_stood_aside_when_its_builder_was_killed_is_put_back(root: Path) -> None:
    corpus = build_corpus(root, PLAN)
    corpus.path.rename(corpus.path.with_name(".old-a-game"))
    (root / "corpora" / ".new-xyz").mkdir()
    assert Corpus.open(root, "a-game").hash == corpus.hash
    assert sorted(path.name for path in (root / "corpora").iterdir()) == [".lock", "a-game"]


def test_an_old_corpus_whose_successor_stands_is_removed_by_the_next_builder(root: Path) -> None:
    corpus = build_corpus(root, PLAN)
    old = corpus.path.with_name(".old-a-game")
    old.mkdir()
    (old / "half").write_text("deleted")
    build_corpus(root, PLAN)
    assert not old.exists()


def test_a_write_that_fails_leaves_the_old_folder(tmp_path: Path) -> None:
    target = tmp_path / "corpora" / "x"
    with locked(target.parent), replacing_folder(target) as folder:
        (folder / "file").write_text("old")

    def write_and_fail() -> None:
        with locked(target.parent), replacing_folder(target) as folder:
            (folder / "file").write_text("new")
            raise OSError("no space left on disk")

    with pytest.raises(OSError, match="disk"):
        write_and_fail()
    assert (target / "file").read_text() == "old"
    assert [path.name for path in target.parent.iterdir() if path.name != ".lock"] == ["x"]


def test_a_full_disk_names_the_folder_that_was_to_be_written(tmp_path: Path) -> None:
    target = tmp_path / "corpora" / "x"

    def write() -> None:
        with locked(target.parent), replacing_folder(target) as folder:
            (folder / "notes.parquet").symlink_to("/dev/full")
            pq.write_table(pa.table({"a": [1]}), folder / "notes.parquet")

    with pytest.raises(OSError, match="No space left on device") as failed:
        write()
    assert (failed.value.errno, failed.value.filename) == (errno.ENOSPC, str(target))
    assert not target.exists()


def test_a_second_builder_that_waits_in_vain_is_told_so(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(CorpusError, match="another build"), locked(tmp_path, wait_s=0.1):
        pass


def test_the_manifest_says_how_to_get_the_corpus_again(root: Path) -> None:
    fill(root, tunes(3, first=50), game="b-game", missing=["gone.mid"])
    corpus = build_corpus(root, Plan(query="series in ['a', 'b']", seed=7), "both")
    manifest = json.loads((corpus.path / "manifest.json").read_text())
    assert manifest["query"] == "series in ['a', 'b']"
    assert manifest["seed"] == 7
    assert manifest["filters"]["too_few_notes"]["least"] == 16
    assert manifest["reasons"] == {"missing": 1}
    assert manifest["funnel"]["listed"] == 16
    assert {"vgpiano", "numpy", "pyarrow"} <= set(manifest["versions"])


def test_every_sequencer_is_credited_with_their_pieces(root: Path) -> None:
    text = (build_corpus(root, PLAN).path / CREDITS_FILE).read_text()
    assert [line for line in text.splitlines() if line.startswith("## ")] == [f"## Sequencer {n}" for n in range(3)]
    assert text.count("\n- ") == 12


@settings(max_examples=200)
@given(st.text(max_size=60))
def test_a_hostile_name_cannot_leave_its_line_or_become_markup(name: str) -> None:
    text = write_credits("x", [Credit(name, name, name, "vgmusic")])
    assert len(text.splitlines()) == 8
    shown = escape_markdown(name)
    for mark in "<>[]()*_`#&|~!:.@":
        assert shown.count(mark) == shown.count("\\" + mark)


def test_the_texts_of_a_file_are_in_the_credits(root: Path) -> None:
    head = [meta(0, 0x03, b"# *Tune*"), meta(0, 0x02, b"Copyright \xa9 2004 by <b>A</b>"), meta(0, 0x01, b"arr. B")]
    music = [event for n in range(30) for event in (on(0, 40 + n), off(240, 40 + n))]
    fill(root, {"Texts": midi(head, music)}, game="with-texts")
    corpus = build_corpus(root, Plan(query="game == 'with-texts'"))
    lines = corpus.credits().splitlines()
    at = lines.index(r"- With\-Texts: Texts (vgmusic)")
    assert lines[at + 1 : at + 3] == [
        r"  - Copyright in the file: Copyright © 2004 by \<b\>A\<\/b\>",
        r"  - Texts in the file: \# \*Tune\*; arr\. B",
    ]
    assert corpus.measures()["copyright"].to_pylist() == ["Copyright © 2004 by <b>A</b>"]
