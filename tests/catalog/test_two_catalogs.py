"""Files of another catalog that are copied in are told apart: nothing is lost, nothing is touched, and the way out is said."""

import random
import shutil
from pathlib import Path

import pytest

from catalog.errors import CatalogError
from catalog.store import Catalog
from tests.catalog.conftest import make_piece
from tests.catalog.test_cli import catalog

FIRST, SECOND = range(6), range(100, 104)


def made(root: Path, numbers: range, *, merged: bool) -> Path:
    """A catalog with a piece of each number and measures of it; with `merged` False its files are those of a killed writer."""
    for chunk in (numbers[::2], numbers[1::2]):
        with Catalog(root).writer() as writer:
            hashes = [writer.put_blob(b"%d" % n) for n in chunk]
            if not merged:
                writer.compact = lambda: None  # type: ignore[method-assign]
            writer.add([make_piece(n, state="fetched", sha256=sha) for n, sha in zip(chunk, hashes, strict=True)])
    return root


def titles(root: Path) -> list[str]:
    return sorted(Catalog(root).pieces(columns=["title"])["title"].to_pylist())


def tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def files(root: Path) -> list[Path]:
    return sorted(path for path in (root / "catalog").rglob("*") if path.suffix in (".parquet", ".json"))


@pytest.mark.parametrize("seed", range(12))
def test_no_copy_of_another_catalogs_files_loses_a_row(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    ours, theirs = (
        made(tmp_path / name, numbers, merged=rng.random() < 0.5)
        for name, numbers in (("ours", FIRST), ("theirs", SECOND))
    )
    before, own = titles(ours), tree(ours)
    copied = rng.sample(files(theirs), rng.randint(1, len(files(theirs))))
    for path in copied:
        shutil.copy2(path, ours / path.relative_to(theirs))
    tables = [path for path in copied if path.suffix == ".parquet"]
    after = tree(ours)
    if tables:
        with pytest.raises(CatalogError, match="not of this catalog"):
            titles(ours)
        with pytest.raises(CatalogError, match="not of this catalog"), Catalog(ours).writer() as writer:
            writer.add([make_piece(7)])
        assert {name: data for name, data in tree(ours).items() if ".lock" not in name} == {
            name: data for name, data in after.items() if ".lock" not in name
        }
        assert [fault for fault in Catalog(ours).verify().faults if "not of this catalog" in fault]
        for path in tables:
            (ours / path.relative_to(theirs)).unlink()
    assert titles(ours) == before
    with Catalog(ours).writer() as writer:
        writer.add([make_piece(7)])
    assert titles(ours) == sorted([*before, make_piece(7).title])
    assert Catalog(ours).verify().ok
    assert {name for name in own if name.startswith("midi")} <= tree(ours).keys()


def test_the_command_names_the_files_and_the_way_out(tmp_path: Path) -> None:
    ours, theirs = (made(tmp_path / name, numbers, merged=True) for name, numbers in (("a", FIRST), ("b", SECOND)))
    [base] = (theirs / "catalog" / "pieces").glob("base-*.parquet")
    shutil.copy2(base, ours / "catalog" / "pieces")
    for words in (("stats",), ("show", "title != ''"), ("verify",)):
        done = catalog(*words, root=ours)
        assert done.returncode == 1
        said = done.stdout + done.stderr
        assert base.name in said
        assert "moved to another folder" in said
        assert "Traceback" not in said


def test_a_catalog_of_an_older_version_is_taken_over_and_a_later_copy_is_not(tmp_path: Path) -> None:
    root = made(tmp_path / "old", FIRST, merged=False)
    (root / "catalog" / "catalog.json").unlink()
    for path in list((root / "catalog").glob("*/*.parquet")):
        path.rename(path.with_name("-".join(path.stem.split("-")[:2]) + ".parquet"))
    before = titles(root)
    assert len(before) == len(FIRST)
    with Catalog(root).writer() as writer:
        writer.add([make_piece(50)])
    assert titles(root) == sorted([*before, make_piece(50).title])
    other = made(tmp_path / "other", SECOND, merged=True)
    [base] = (other / "catalog" / "pieces").glob("base-*.parquet")
    shutil.copy2(base, root / "catalog" / "pieces" / "part-000000000001.parquet")
    with pytest.raises(CatalogError, match=r"part-000000000001\.parquet: not of this catalog"):
        titles(root)


def test_a_killed_takeover_of_an_older_catalog_goes_on(tmp_path: Path) -> None:
    root = made(tmp_path / "old", FIRST, merged=False)
    (root / "catalog" / "catalog.json").unlink()
    for path in list((root / "catalog").glob("*/*.parquet")):
        path.rename(path.with_name("-".join(path.stem.split("-")[:2]) + ".parquet"))
    before = titles(root)
    manager = Catalog(root).writer()
    writer = manager.__enter__()
    writer.add([make_piece(50)])  # and killed here: files of both forms lie side by side
    assert titles(root) == sorted([*before, make_piece(50).title])
    assert Catalog(root).verify().ok


def test_a_column_of_another_type_is_named(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    root = made(tmp_path, FIRST, merged=True)
    [base] = (root / "catalog" / "pieces").glob("base-*.parquet")
    table = pq.read_table(base)
    at = table.schema.get_field_index("bytes")
    spoiled = table.set_column(at, "bytes", table["bytes"].cast("string"))
    base.unlink()
    pq.write_table(spoiled, base.with_name("base-000000000009.parquet"))
    with pytest.raises(CatalogError, match=r"base-000000000009\.parquet: column bytes: expected int64, got string"):
        titles(root)
