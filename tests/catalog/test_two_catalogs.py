"""Copied files of another catalog are detected; nothing is lost or changed.

The message says what to do.
"""

import random
import shutil
from pathlib import Path

import pytest

from catalog.base.errors import CatalogError
from catalog.storage.remote import RemotePath, parse_location
from catalog.store import Catalog
from catalog.table import parquet
from catalog.table.identity import is_own_file, read_identity
from tests import forked
from tests.catalog.conftest import make_piece
from tests.catalog.test_cli import catalog

FIRST, SECOND = range(6), range(100, 104)


def made(root: Path, numbers: range, *, merged: bool) -> Path:
    """A catalog with a piece of each number and measures of it.

    With `merged` False, its files are those of a killed writer.
    """
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


@pytest.mark.parametrize("seed", range(8))
def test_a_copy_and_its_original_are_two_catalogs_once_both_are_written_to(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    ours = made(tmp_path / "ours", FIRST, merged=rng.random() < 0.5)
    theirs = tmp_path / "theirs"
    shutil.copytree(ours, theirs)
    for number in range(rng.randint(1, 3)):
        made(theirs, range(100 + 2 * number, 102 + 2 * number), merged=rng.random() < 0.7)
    made(ours, range(50, 52), merged=rng.random() < 0.7)
    before = titles(ours)
    assert len(before) == len(FIRST) + 2
    assert len(titles(theirs)) > len(FIRST)
    taken = [path for path in files(theirs) if path.suffix == ".parquet"]
    for path in rng.sample(taken, rng.randint(1, len(taken))):
        shutil.copy2(path, ours / path.relative_to(theirs))
    copied = tree(ours)
    others = [path for path in files(ours) if path.suffix == ".parquet" and not is_own(path, ours)]
    if others:
        with pytest.raises(CatalogError, match="not of this catalog"):
            titles(ours)
        with pytest.raises(CatalogError, match="not of this catalog"), Catalog(ours).writer() as writer:
            writer.add([make_piece(7)])
        assert {name: data for name, data in tree(ours).items() if ".lock" not in name} == {
            name: data for name, data in copied.items() if ".lock" not in name
        }
        for path in others:
            path.unlink()
    assert titles(ours) == before
    with Catalog(ours).writer() as writer:
        writer.add([make_piece(7)])
    assert titles(ours) == sorted([*before, make_piece(7).title])


def is_own(path: Path, root: Path) -> bool:
    """Return whether a file belongs to the catalog by its identity."""
    own = read_identity(root / "catalog")
    assert own is not None
    return is_own_file(own, path.relative_to(root / "catalog").as_posix(), path.name.split("-")[2])


def test_files_of_a_copy_are_detected_below_a_url(bucket: str) -> None:
    ours, theirs = (parse_location(f"{bucket}/{name}") for name in ("ours", "theirs"))
    assert isinstance(ours, RemotePath)
    assert isinstance(theirs, RemotePath)
    with Catalog(ours).writer() as writer:
        writer.add([make_piece(1)])

    def copy(source: RemotePath, target: RemotePath) -> None:
        for entry in (source / "catalog").entries(below=True):
            (target / entry.path.inner.removeprefix(f"{source.inner}/")).write_bytes(entry.path.read_bytes())

    copy(ours, theirs)
    for root, number in ((ours, 2), (theirs, 102)):
        with Catalog(root).writer() as writer:
            writer.add([make_piece(number)])
    assert sorted(Catalog(ours).pieces()["bytes"].to_pylist()) == [1, 2]
    for path in (theirs / "catalog" / "pieces").iterdir():
        (ours / "catalog" / "pieces" / path.name).write_bytes(path.read_bytes())
    with pytest.raises(CatalogError, match="not of this catalog"):
        Catalog(ours).pieces()
    assert [fault for fault in Catalog(ours).verify().faults if "not of this catalog" in fault]


def test_a_moved_catalog_stays_the_same_one(tmp_path: Path) -> None:
    root = made(tmp_path / "old", FIRST, merged=True)
    before = (root / "catalog" / "catalog.json").read_bytes()
    moved = root.rename(tmp_path / "new")
    with Catalog(moved).writer() as writer:
        writer.add([make_piece(50)])
    assert (moved / "catalog" / "catalog.json").read_bytes() == before


def test_files_of_two_catalogs_and_no_identity_are_not_touched(tmp_path: Path) -> None:
    ours, theirs = (made(tmp_path / name, numbers, merged=True) for name, numbers in (("a", FIRST), ("b", SECOND)))
    (ours / "catalog" / "catalog.json").unlink()
    [base] = (theirs / "catalog" / "pieces").glob("base-*.parquet")
    shutil.copy2(base, ours / "catalog" / "pieces")
    before = files(ours)
    with pytest.raises(CatalogError, match="not of this catalog"), Catalog(ours).writer():
        pass
    assert files(ours) == before


@pytest.mark.parametrize("size", [0, 3, 700])
def test_a_part_that_was_cut_short_is_named_and_nothing_is_lost(size: int, tmp_path: Path) -> None:
    root = made(tmp_path / "root", FIRST, merged=False)
    [*_, last] = sorted((root / "catalog" / "pieces").glob("part-*.parquet"))
    last.write_bytes(last.read_bytes()[:size])
    before = tree(root / "catalog")
    midi = tmp_path / "new" / "x.mid"
    midi.parent.mkdir()
    midi.write_bytes(b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk\0\0\0\4\0\xff\x2f\0")
    for words in (("scrape", "import", midi.parent), ("catalog", "show")):
        done = forked.command(*words, "--root", root)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
        assert f"{last.name}: damaged: {'cut short' if size else 'empty'}" in done.stderr
        assert "restore that file from a copy, or move it away" in done.stderr
    assert {name: data for name, data in tree(root / "catalog").items() if name in before} == before
    last.unlink()
    with Catalog(root).writer() as writer:
        writer.add([make_piece(50)])
    assert len(titles(root)) == len(FIRST) / 2 + 1


def test_a_column_that_tells_pieces_apart_is_missed(tmp_path: Path) -> None:
    root = made(tmp_path, FIRST, merged=True)
    [base] = (root / "catalog" / "pieces").glob("base-*.parquet")
    parquet.write(parquet.read(base.read_bytes()).drop_columns("url"), base)
    with pytest.raises(CatalogError, match=r"\.parquet: column url: missing"):
        titles(root)


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
