"""The store keeps every confirmed row and byte once, despite kills and readers."""

import hashlib
import json
import random
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.base.errors import CatalogError, QueryError
from catalog.blobs import Blobs
from catalog.schema import MEASURES, PIECES
from catalog.store import ORDER, ROWS, Catalog
from tests.catalog.conftest import make_piece

Start = Callable[..., "subprocess.Popen[str]"]

WRITE = """
import sys
from pathlib import Path
from catalog.store import Catalog
from tests.catalog.conftest import make_piece
root, first, merge_every = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
with Catalog(root).writer() as writer:
    print("ready", flush=True)
    for number in range(first, first + 100_000):
        sha256 = writer.put_blob(b"piece %d" % number)
        writer.add([make_piece(number, state="fetched", sha256=sha256)])
        print(number, flush=True)
        if number % merge_every == 0:
            writer.compact()
"""


def numbers(table: pa.Table) -> list[int]:
    return sorted(table["bytes"].to_pylist())


def part_names(root: Path) -> list[str]:
    return sorted(path.name.split("-")[0] for path in (root / "catalog" / "pieces").iterdir())


def test_an_absent_catalog_is_empty(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "nowhere")
    assert catalog.pieces().schema.names == ROWS.names
    assert len(catalog.pieces("series == 'zelda' and notes > 3")) == 0
    assert catalog.verify().ok
    assert not (tmp_path / "nowhere").exists()


def test_rows_come_back_as_they_were_added_in_one_order(tmp_path: Path) -> None:
    rows = [make_piece(n, game=f"game-{n % 3}", title=["b", "a", "B", "é"][n % 4]) for n in range(30)]
    with Catalog(tmp_path).writer() as writer:
        for row in random.Random(1).sample(rows, len(rows)):
            writer.add([row])
        before = Catalog(tmp_path).pieces()
    after = Catalog(tmp_path).pieces()
    assert before.equals(after)
    assert after.select(PIECES.names).schema.field("bytes").type == pa.int64()
    keys = [tuple(row[name] for name in ORDER) for row in after.to_pylist()]
    assert keys == sorted(keys)
    assert numbers(after) == list(range(30))
    assert part_names(tmp_path) == ["base"]


def test_the_newest_row_of_a_key_wins_before_and_after_merging(tmp_path: Path) -> None:
    with Catalog(tmp_path).writer() as writer:
        for title in ("old", "newer", "newest"):
            writer.add([make_piece(1, title=title), make_piece(2, title=title, md5="f" * 32)])
        assert Catalog(tmp_path).pieces()["title"].to_pylist() == ["newest", "newest"]
        assert len(Catalog(tmp_path).pieces("title == 'old'")) == 0
    with Catalog(tmp_path).writer() as writer:
        writer.add([make_piece(1, title="last")])
    assert Catalog(tmp_path).pieces()["title"].to_pylist() == ["last", "newest"]


def test_a_row_without_md5_stands_until_a_newer_row_of_its_address(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path)
    with catalog.writer() as writer:
        writer.add([make_piece(1, md5=None), make_piece(2, md5=None), make_piece(3, md5="a" * 32)])
    with catalog.writer() as writer:
        writer.add([make_piece(1, md5="b" * 32)])
        writer.add([make_piece(3, md5=None)])
        before = catalog.pieces(columns=["bytes", "md5"]).to_pylist()
    expected = {(1, "b" * 32), (2, None), (3, "a" * 32), (3, None)}
    assert {(row["bytes"], row["md5"]) for row in before} == expected
    assert {(row["bytes"], row["md5"]) for row in catalog.pieces().to_pylist()} == expected


row_changes = st.tuples(st.integers(0, 4), st.sampled_from([None, "a" * 32, "b" * 32]), st.integers(0, 99))
steps = st.lists(
    st.one_of(st.lists(row_changes, min_size=1, max_size=4), st.sampled_from(["merge", "half-merge"])), max_size=12
)


@settings(max_examples=30, deadline=None)
@given(steps)
def test_any_history_of_adding_merging_and_dying_while_merging_reads_the_same(
    tmp_path_factory: pytest.TempPathFactory, history: list[Any]
) -> None:
    root = tmp_path_factory.mktemp("history")
    folder, catalog = root / "catalog" / "pieces", Catalog(root)
    expected: dict[tuple[int, str | None], int] = {}
    with catalog.writer() as writer:
        for step in history:
            if isinstance(step, str):
                replaced = [(path.name, path.read_bytes()) for path in folder.glob("*")] if folder.exists() else []
                writer.compact()
                for name, content in replaced if step == "half-merge" else []:
                    (folder / name).write_bytes(content)  # as if killed before they were deleted
            else:
                writer.add([make_piece(n, md5=md5, title=str(version)) for n, md5, version in step])
                for n, md5, version in step:
                    if md5:
                        expected.pop((n, None), None)
                    expected[(n, md5)] = version
            rows = catalog.pieces(columns=["bytes", "md5", "title"]).to_pylist()
            assert {(row["bytes"], row["md5"]): int(row["title"]) for row in rows} == expected
            assert len(rows) == len(expected)
    assert len(pd.read_parquet(folder)) == len(expected) if expected else True


def test_a_query_gives_the_same_from_one_merged_file_and_from_many(tmp_path: Path) -> None:
    with Catalog(tmp_path).writer() as writer:
        for number in range(20):
            writer.add([make_piece(number, sequencer=None if number % 3 else "someone", game=f"g{number % 4}")])
        writer.add_measures(pa.table({"sha256": ["a" * 64], "notes": [3]}))
        queries = [
            "bytes > 5",
            "sequencer != 'someone'",
            "not (sequencer == 'someone') and game in ['g1', 'g2']",
            "notes.isna()",
        ]
        many = [Catalog(tmp_path).pieces(query) for query in queries]
    assert many == [Catalog(tmp_path).pieces(query) for query in queries]
    assert [len(table) for table in many] == [14, 13, 7, 20]


def test_conditions_on_one_column_and_a_measure_hold_together(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path)
    names = [f"{n:064x}" for n in range(4)]
    with catalog.writer() as writer:
        writer.add([make_piece(n, state="fetched", sha256=name) for n, name in enumerate(names)])
        writer.add_measures(pa.table({"sha256": names, "notes": [10, 20, 30, 40]}))
    query = "title != 'Stage 1' and title != 'Stage 2' and notes > 10 and notes < 99"
    assert catalog.pieces(query)["title"].to_pylist() == ["Stage 3"]


def test_measures_stand_beside_the_pieces_of_their_bytes(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path)
    with catalog.writer() as writer:
        shared = writer.put_blob(b"shared")
        writer.add([make_piece(n, state="fetched", sha256=shared) for n in (1, 2)] + [make_piece(3)])
        writer.add_measures(pa.table({"sha256": [shared, "0" * 64], "notes": [7, 1]}))
        writer.add_measures(pa.table({"sha256": [shared], "notes": [8], "tempo_bpm": [120]}))
    assert catalog.pieces(columns=["bytes", "notes", "tempo_bpm", "key"]).to_pylist() == [
        {"bytes": 1, "notes": 8, "tempo_bpm": 120.0, "key": None},
        {"bytes": 2, "notes": 8, "tempo_bpm": 120.0, "key": None},
        {"bytes": 3, "notes": None, "tempo_bpm": None, "key": None},
    ]
    assert numbers(catalog.pieces("notes == 8 and bytes > 1")) == [2]
    assert numbers(catalog.pieces("notes != 8")) == [3]
    assert catalog.measures().schema.equals(MEASURES)
    assert catalog.measures()["notes"].to_pylist() == [1, 8]
    with catalog.writer() as writer, pytest.raises(CatalogError, match="colour"):
        writer.add_measures(pa.table({"sha256": [shared], "colour": ["red"]}))


def test_pandas_reads_the_rows_with_no_code_of_ours(tmp_path: Path) -> None:
    with Catalog(tmp_path).writer() as writer:
        for number in range(5):
            writer.add([make_piece(number)])
            writer.add([make_piece(number, sequencer="again")])
    frame = pd.read_parquet(tmp_path / "catalog" / "pieces")
    assert sorted(frame["bytes"]) == list(range(5))
    assert set(frame["sequencer"]) == {"again"}
    assert list(frame.columns) == PIECES.names
    described = pq.read_schema(next((tmp_path / "catalog" / "pieces").glob("*.parquet"))).field("bytes").metadata
    assert b"bytes" in described[b"description"]


def test_a_wrong_query_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="nearest: series"):
        Catalog(tmp_path).pieces("serie == 'zelda'")


def test_a_file_that_is_no_parquet_is_named(tmp_path: Path) -> None:
    with Catalog(tmp_path).writer() as writer:
        writer.add([make_piece(1)])
    (tmp_path / "catalog" / "pieces" / "part-000000000099.parquet").write_bytes(b"nonsense")
    with pytest.raises(CatalogError, match="part-000000000099"):
        Catalog(tmp_path).pieces()


def test_bytes_are_kept_under_their_hash_and_checked_when_read(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path)
    with catalog.writer() as writer:
        sha256 = writer.put_blob(b"some bytes")
        assert writer.put_blob(b"some bytes") == sha256
    assert catalog.blob_path(sha256) == tmp_path / "midi" / sha256[:2] / f"{sha256}.mid"
    assert catalog.read_blob(sha256) == b"some bytes"
    catalog.blob_path(sha256).write_bytes(b"other bytes")
    with pytest.raises(CatalogError, match="damaged"):
        catalog.read_blob(sha256)
    with catalog.writer() as writer:
        writer.put_blob(b"some bytes")
    assert catalog.read_blob(sha256) == b"some bytes"
    with pytest.raises(CatalogError, match="missing"):
        catalog.read_blob("0" * 64)
    for name in ("../../../etc/passwd", "A" * 64, "", "a" * 63):
        with pytest.raises(CatalogError, match="not a SHA-256"):
            catalog.read_blob(name)


def test_verify_finds_what_is_missing_wrong_and_unlisted(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path)
    with catalog.writer() as writer:
        good, gone, bad, unlisted = [writer.put_blob(text) for text in (b"good", b"gone", b"bad", b"unlisted")]
        writer.add(
            [make_piece(n, state="fetched", sha256=sha) for n, sha in enumerate((good, gone, bad))] + [make_piece(9)]
        )
    assert catalog.verify().ok
    catalog.blob_path(gone).unlink()
    catalog.blob_path(bad).write_bytes(b"bat")
    found = catalog.verify()
    assert (found.checked, found.missing, found.wrong, found.unlisted) == (3, [gone], [bad], [unlisted])
    assert not found.ok


def test_a_fetched_piece_needs_its_hash(tmp_path: Path) -> None:
    with Catalog(tmp_path).writer() as writer:
        for sha256 in (None, "../x"):
            with pytest.raises(CatalogError):
                writer.add([make_piece(1, state="fetched", sha256=sha256)])
        writer.add([])
    assert len(Catalog(tmp_path).pieces()) == 0


def test_quarantine_keeps_the_bytes_with_the_reason_beside_them(tmp_path: Path) -> None:
    with Catalog(tmp_path).writer() as writer:
        path = writer.quarantine(
            b"<html>", {"reason": "wrong_md5", "listed": "a" * 32, "url": "https://example.org/../é"}
        )
    assert path == tmp_path / "quarantine" / f"{hashlib.sha256(b'<html>').hexdigest()}.bin"
    assert path.read_bytes() == b"<html>"
    assert json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["url"] == "https://example.org/../é"


def test_a_second_writer_learns_who_writes_and_a_killed_writer_holds_no_lock(tmp_path: Path, run_script: Start) -> None:
    child = run_script(WRITE, tmp_path, 0, 10)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    with (
        pytest.raises(CatalogError, match=rf"process {child.pid} \(`-c {tmp_path} 0 10`\) since 20"),
        Catalog(tmp_path).writer(),
    ):
        pass
    child.kill()
    child.wait()
    with Catalog(tmp_path).writer() as writer:
        writer.add([make_piece(1)])
        with pytest.raises(CatalogError, match="is being written by process"), Catalog(tmp_path).writer():
            pass


def test_what_was_added_before_an_error_is_kept_and_merged(tmp_path: Path) -> None:
    def write_and_fail() -> None:
        with Catalog(tmp_path).writer() as writer:
            writer.add([make_piece(1)])
            writer.add([make_piece(2)])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    assert numbers(Catalog(tmp_path).pieces()) == [1, 2]
    assert part_names(tmp_path) == ["base"]
    with Catalog(tmp_path).writer():
        pass


def test_a_link_in_the_store_is_not_followed(tmp_path: Path) -> None:
    data, more = b"MThd one", b"MThd two"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    blobs = Blobs(tmp_path / "midi")
    for each in (data, more):
        folder = blobs.path(hashlib.sha256(each).hexdigest()).parent
        folder.parent.mkdir(exist_ok=True)
        folder.symlink_to(elsewhere)
    with pytest.raises(CatalogError, match="leads out of the store"):
        blobs.put(data)
    with pytest.raises(CatalogError, match="leads out of the store"):
        blobs.put_many([more])
    assert list(elsewhere.iterdir()) == []
