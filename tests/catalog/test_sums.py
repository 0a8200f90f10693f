"""The SHA256SUMS of a folder: coreutils accepts it, and every bit counts."""

import subprocess
from pathlib import Path

import pytest

from catalog.base.errors import CatalogError
from catalog.storage.checksums import SUMS_FILE, faults, format_sums, read_sums, write_listed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of files with their list, one of them rewritten."""
    (tmp_path / "deep").mkdir()
    files = {name: name.encode() for name in ("a", "c d", "deep/b", "é")}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / SUMS_FILE).write_text(format_sums(files))
    write_listed(tmp_path, "a", b"anew", fail=CatalogError)
    return tmp_path


def test_sha256sum_checks_the_list(folder: Path) -> None:
    checked = subprocess.run(["sha256sum", "-c", SUMS_FILE], cwd=folder, capture_output=True, text=True, check=True)
    assert checked.stdout.count(": OK") == 4
    assert list(faults(folder)) == []
    (folder / "deep" / "b").unlink()
    (folder / "é").write_text("another")
    assert [line.removeprefix(f"{folder}/").partition(";")[0] for line in faults(folder)] == [
        "deep/b: missing",
        f"é: damaged: its content does not match {SUMS_FILE}",
    ]


def test_every_bit_of_the_list_counts(folder: Path) -> None:
    listed = (folder / SUMS_FILE).read_bytes()
    note = listed.find(b"# before")  # of what the file was before it was written anew: of no account once it is
    for bit in range(8 * note):
        spoiled = bytearray(listed)
        spoiled[bit // 8] ^= 1 << bit % 8
        (folder / SUMS_FILE).write_bytes(spoiled)
        assert list(faults(folder)), f"bit {bit}: {bytes(spoiled)!r}"


def test_a_list_that_was_cut_short_is_none(folder: Path) -> None:
    listed = (folder / SUMS_FILE).read_bytes()
    for size in (0, 3, len(listed) - 1):
        (folder / SUMS_FILE).write_bytes(listed[:size])
        with pytest.raises(CatalogError, match=rf"{SUMS_FILE}: {'cut short' if size else 'empty'}"):
            read_sums(folder, fail=CatalogError)
        assert list(faults(folder))
