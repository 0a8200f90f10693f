"""No flipped bit of a Parquet file is read as another value.

Other programs can read the files, and no module bypasses the checks.
"""

import ast
import io
import os
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from catalog.base.errors import CatalogError
from catalog.schema import PIECES, to_table
from catalog.storage.remote import RemotePath, parse_location
from catalog.store import Catalog
from catalog.table import parquet
from tests import forked
from tests.catalog.conftest import make_piece
from tests.test_architecture import FILES, imports

FLIPS = int(os.environ.get("VGPIANO_FLIPS", "16"))  # of each file, evenly over it
OF_PARQUET = {
    "ParquetFile",
    "ParquetWriter",
    "ParquetDataset",
    "ParquetFileFormat",
    "dataset",
    "read_parquet",
    "to_parquet",
}


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def evenly(data: bytes, count: int = FLIPS) -> list[int]:
    """Return evenly spaced bits of `data`, including the first and last bytes."""
    last = 8 * len(data) - 1
    return sorted({round(last * n / max(1, count - 1)) for n in range(count)})


def test_no_bit_of_a_file_counts_for_nothing() -> None:
    table = to_table([make_piece(n) for n in range(50)])
    file = io.BytesIO()
    parquet.write(table, file)
    data = file.getvalue()
    for bit in range(0, 8 * len(data), max(1, 8 * len(data) // (150 * FLIPS))):
        try:
            assert parquet.read(flipped(data, bit)).equals(table), f"bit {bit} of {len(data)} bytes"
        except (pa.ArrowException, OSError):
            continue
    assert parquet.read(data).equals(table)


@pytest.mark.parametrize("rows", [0, 1, 9000])
def test_other_programs_read_the_files(tmp_path: Path, rows: int) -> None:
    import duckdb  # these two take a second, which only the worker that runs this test need spend
    import polars as pl

    table, path = to_table([make_piece(n) for n in range(rows)]), tmp_path / "x.parquet"
    parquet.write(table, path, rows_a_group=4096)
    assert parquet.read(path.read_bytes()).equals(table)
    parquet.check_file(path)
    for count in (len(pd.read_parquet(path)), len(pl.read_parquet(path)), len(duckdb.sql(f"from '{path}'").fetchall())):
        assert count == rows


def test_a_large_footer_is_checked_too(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    parquet.write(to_table([make_piece(n) for n in range(3000)]), path, rows_a_group=64)
    data = path.read_bytes()
    size = int.from_bytes(data[-8:-4], "little")
    assert size > parquet.TAIL_READ_BYTES
    for place in range(len(data) - 8 - size, len(data), size // 50):
        path.write_bytes(flipped(data, 8 * place + 3))
        with pytest.raises(parquet.DamagedError):
            parquet.check_seal(path)


def test_a_file_of_another_program_is_read(tmp_path: Path) -> None:
    table, path = to_table([make_piece(n) for n in range(9)]), tmp_path / "x.parquet"
    table.to_pandas().to_parquet(path)
    parquet.check_seal(path)
    assert parquet.read(path.read_bytes()).num_rows == 9


def verified(root: Path | RemotePath) -> str:
    """Return what `catalog verify` prints; empty if there is no fault."""
    if isinstance(root, RemotePath):
        return "\n".join(Catalog(root).verify().faults)
    done = forked.command("catalog", "verify", "--root", root)
    return done.stdout + done.stderr if done.returncode else ""


@pytest.mark.parametrize("place", ["folder", "s3"])
@pytest.mark.parametrize("table", ["pieces", "measures"])
def test_no_flipped_bit_of_a_table_is_read_in_silence_and_verify_names_each(
    table: str, place: str, tmp_path: Path, bucket: str
) -> None:
    root, count, flips = tmp_path / "root", 40, FLIPS
    if place == "s3":
        root, count, flips = parse_location(f"{bucket}/vg"), 10, max(4, FLIPS // 10)
    with Catalog(root).writer() as writer:
        rows = [make_piece(n, state="fetched", sha256=writer.put_blob(b"%d" % n)) for n in range(count)]
        writer.add(rows)
        writer.add_measures(pa.table({"sha256": [row.sha256 for row in rows], "notes": range(count)}))
    columns, query = ("title", "bytes > 7 and title != 'x'") if table == "pieces" else ("notes", "notes > 7")

    def read() -> list[pa.Table]:
        catalog = Catalog(root)
        return [
            *(catalog.pieces(), catalog.measures(), catalog.pieces(query, ["title"])),
            *(catalog.pieces(columns=[columns]), catalog.measures(["sha256"]), catalog.pieces(query, [columns])),
        ]

    sound = read()
    [path] = (root / "catalog" / table).iterdir()
    data = path.read_bytes()
    for number, bit in enumerate(evenly(data, flips)):
        path.write_bytes(flipped(data, bit))
        try:
            assert read() == sound, f"bit {bit} of {len(data)} bytes"
        except CatalogError as error:
            assert path.name in str(error)  # noqa: PT017
        faults = "\n".join(Catalog(root).verify().faults) if number % 20 else verified(root)
        assert path.name in faults, f"bit {bit}"
    path.write_bytes(data)
    assert read() == sound
    assert verified(root) == ""


def test_parquet_is_read_and_written_in_one_module() -> None:
    trees = {module: ast.parse(path.read_text(encoding="utf-8")) for module, path in FILES.items()}
    calls = [node for node in ast.walk(trees.pop("catalog.table.parquet")) if isinstance(node, ast.Call)]
    checked = 0
    for call in calls:
        name = ast.unparse(call.func)
        if name.startswith(("pq.", "ds.Parquet")) and name != "ds.ParquetFileFormat":
            writes = name in ("pq.write_table", "pq.ParquetWriter")
            asked = "write_page_checksum" if writes else "page_checksum_verification"
            assert [ast.unparse(key.value) for key in call.keywords if key.arg == asked] == ["True"], name
            checked += 1
    assert checked
    for module, tree in trees.items():
        assert not [name for name in imports(ast.walk(tree)) if name.startswith("pyarrow.parquet")], module
        assert not OF_PARQUET & {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}, module


def test_the_walk_sees_what_goes_past_the_checks() -> None:
    for line in ("import pyarrow.parquet as pq", "from pyarrow import parquet"):
        assert [name for name in imports(ast.walk(ast.parse(line))) if name.startswith("pyarrow.parquet")]
    assert PIECES.names
