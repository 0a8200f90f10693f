"""A filtered read by row group gives the same rows as filtering the whole table.

This holds for one table or two, and for a base with newer parts.
"""

import os
import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from catalog import rows as catalog_rows
from catalog.query.compiler import compile_query, conditions
from catalog.store import ORDER, ROWS, Catalog
from catalog.table import parts, scan
from catalog.table import upsert as newest
from tests.catalog.conftest import make_piece

COLUMNS = (["title"], ["notes", "url"], ["sha256", "bytes", "tempo_bpm"])
EXHAUSTIVE = "VGPIANO_SCAN" in os.environ  # with all columns of every query, where else each of `FEW` has others
FEW = (0, 5, 300_000)
QUERIES = (
    "game == 'game-3'",
    "game == 'nowhere'",
    "title.str.contains('7') and bytes > 20",
    "not (sequencer == 'someone')",
    "sequencer.isna() or bytes < 9",
    "tempo_bpm >= 150",
    "tempo_bpm >= 150 and notes < 40",
    "notes != 8",
    "tempo_bpm.isna()",
    "game in ['game-1', 'game-3'] and tempo_bpm > 120",
    "game == 'game-2' and not tempo_bpm > 120",
    "bytes > notes",
    "bytes > 10 and bytes > notes and tempo_bpm < 170",
    "game == 'game-1' or tempo_bpm > 180",
    "bytes >= 0",
)


def digest(number: int) -> str:
    return f"{number * 7919 % 1009:064x}"


def fill(root: Path, *, merged: bool) -> Catalog:
    """A catalog of 200 pieces in many row groups; the last rows are merged or not.

    Some pieces have no bytes, some have the same bytes, and most are measured.
    """
    rng, catalog = random.Random(3), Catalog(root)

    def piece(number: int, **changes: Any) -> Any:
        named = {"game": f"game-{rng.randrange(5)}", "sequencer": rng.choice([None, "someone", "another"])}
        held = number % 9 != 0
        sha256 = digest(number // 2 if number % 10 == 1 else number) if held else None
        return make_piece(number, sha256=sha256, state="fetched" if held else "missing", **(named | changes))

    with catalog.writer() as writer:
        writer.add([piece(number, md5=None if number % 9 == 0 else f"{number:032x}") for number in range(150)])
        measured = [digest(number) for number in range(0, 150, 2)]
        tempos = [rng.choice([90.0, 120.0, 150.0, 180.0, None]) for _ in measured]
        notes = [rng.randrange(80) for _ in measured]
        writer.add_measures(pa.table({"sha256": measured, "tempo_bpm": tempos, "notes": notes}))
        writer.compact()
        for start in range(140, 200, 10):
            writer.add([piece(number, title=f"later {number}") for number in range(start, start + 10)])
        writer.add([piece(18, md5="f" * 32), piece(27, md5=None, title="asked again")])
        writer.add_measures(pa.table({"sha256": [digest(2), digest(190)], "tempo_bpm": [200.0, 60.0], "notes": [8, 8]}))
        if not merged:
            root.rename(root.with_name("unmerged"))  # as if killed: what the writer merges when it ends lies elsewhere
            root.mkdir()
    return Catalog(root if merged else root.with_name("unmerged"))


@pytest.fixture(params=FEW, ids=lambda few: f"few={few}")
def few(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Row groups of eight rows, and how many digests are looked up one by one."""
    monkeypatch.setattr(parts, "ROWS_A_GROUP", 8)
    monkeypatch.setattr(catalog_rows, "MAX_LOOKUPS", request.param)
    return int(request.param)


@pytest.mark.parametrize("merged", [True, False], ids=["merged", "with parts"])
def test_a_query_gives_the_same_rows_as_a_full_scan(tmp_path: Path, few: int, merged: bool) -> None:
    catalog = fill(tmp_path / "root", merged=merged)
    names = sorted(path.name.split("-")[0] for path in (catalog.root / "catalog" / "pieces").iterdir())
    assert names == (["base"] if merged else ["base", *["part"] * 7])
    if merged:
        file = pq.ParquetFile(next((catalog.root / "catalog" / "pieces").iterdir()))
        assert {file.metadata.row_group(i).num_rows for i in range(file.num_row_groups - 1)} == {8}
        assert file.num_row_groups > 20
    whole = catalog.pieces()
    assert len(whole) == 200
    assert sum(tempo is not None for tempo in whole["tempo_bpm"].to_pylist()) > 50
    found = []
    for turn, query in enumerate(QUERIES, FEW.index(few)):
        expected = whole.filter(compile_query(query, ROWS))
        rows = catalog.pieces(query)
        assert rows.equals(expected), query
        found.append(len(rows) > 0)
        for columns in COLUMNS if EXHAUSTIVE else [COLUMNS[turn % len(COLUMNS)]]:
            assert catalog.pieces(query, columns).equals(expected.select(columns)), (query, columns)
    assert found == ["nowhere" not in query for query in QUERIES]


def test_a_merge_row_group_by_row_group_is_a_sort_of_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "ROWS_A_GROUP", 4)
    rng, catalog, expected = random.Random(5), Catalog(tmp_path), dict[str, str]()
    for turn in range(12):
        with catalog.writer() as writer:
            for _ in range(3):
                numbers = rng.sample(range(60), rng.randrange(1, 15))
                writer.add([make_piece(n, game=f"g{rng.randrange(4)}", title=f"{turn}") for n in numbers])
                expected |= {f"https://example.org/{n}.mid": f"{turn}" for n in numbers}
        rows = catalog.pieces().to_pylist()
        assert {row["url"]: row["title"] for row in rows} == expected
        assert len(rows) == len(expected)
        places = [tuple(row[name] for name in ORDER) for row in rows]
        assert places == sorted(places)


def test_a_read_stops_beyond_max_rows(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"a": range(100), "b": [str(n) for n in range(100)]}), path, row_group_size=10)
    schema = pq.read_schema(path)
    (fragment,) = ds.dataset([str(path)], schema=schema, format="parquet").get_fragments()
    (condition,) = conditions("a >= 95", schema)
    assert scan.scan(fragment, schema, ["b"], condition, max_rows=4) is None
    found = scan.scan(fragment, schema, ["b", "a"], condition, max_rows=5)
    assert found is not None
    assert found.to_pydict() == {"b": ["95", "96", "97", "98", "99"], "a": [95, 96, 97, 98, 99]}


def test_an_update_keeps_unreplaced_rows() -> None:
    identity = newest.RowIdentity(("url", "md5"), ("url",), placeholder="md5")
    older = pa.table({"url": ["a", "b", "c", "d"], "md5": [None, "1", None, "2"]})
    update = newest.Update(pa.table({"url": ["a", "d", "d"], "md5": ["9", None, "2"]}), identity)
    assert update.unreplaced(older).to_pylist() == [{"url": "b", "md5": "1"}, {"url": "c", "md5": None}]
    assert update.rows.to_pylist() == [{"url": "a", "md5": "9"}, {"url": "d", "md5": "2"}]


def test_an_update_merged_into_tables_of_any_size_gives_the_newest_rows_of_all() -> None:
    identity = newest.RowIdentity(("url", "md5"), ("title", "url", "md5"), placeholder="md5")
    schema = pa.schema([(name, pa.string()) for name in ("title", "url", "md5")])
    rng = random.Random(7)

    def written(count: int) -> pa.Table:
        values = (
            (rng.choice([None, "", "a", "b"]), rng.choice("abcdef"), rng.choice([None, "1"])) for _ in range(count)
        )
        return pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in values], schema)

    for _ in range(200):
        first, later = written(rng.randrange(20)), written(rng.randrange(10))
        older = identity.newest(first)
        cuts = [0, *sorted(rng.randrange(len(older) + 1) for _ in range(4)), len(older)]  # some tables are empty
        tables = [older.slice(start, end - start) for start, end in pairwise(cuts)]
        merged = pa.concat_tables(newest.Update(later, identity).merge(tables))
        assert merged.to_pylist() == identity.newest(pa.concat_tables([first, later])).to_pylist()


def test_the_newest_row_of_a_key_counts_and_one_without_a_digest_until_another_of_its_address_comes() -> None:
    identity = newest.RowIdentity(("url", "md5"), ("title", "url"), placeholder="md5")
    rows = {
        "url": ["c", "a", "c", "b", "a", "b"],
        "md5": ["1", None, "1", "2", "3", None],
        "title": ["b", "a", None, "", None, "c"],
    }
    counted = [tuple(row.values()) for row in identity.newest(pa.table(rows)).to_pylist()]
    assert counted == [("b", "2", ""), ("b", None, "c"), ("a", "3", None), ("c", "1", None)]  # a missing title is last


def test_a_catalog_is_empty_until_something_is_known(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path)
    assert catalog.is_empty()
    with catalog.writer() as writer:
        assert catalog.is_empty()
        writer.add([make_piece(1)])
        assert not catalog.is_empty()
    assert not catalog.is_empty()
    assert catalog.measures(["notes"]).schema.names == ["notes"]
