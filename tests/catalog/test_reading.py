"""Files read from disk are validated; one line names the file and the field."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from catalog.base.errors import CatalogError
from catalog.storage.reading import Above0, Count, Sha256, convert, parse_json, parse_toml, read_bytes, read_json

REMEDY = "make it again"


@dataclass(frozen=True, slots=True)
class Inner:
    seed: Count
    share: Above0 | None = None


@dataclass(frozen=True, slots=True)
class Record:
    inner: Inner
    sha256: Sha256
    pairs: tuple[tuple[int, float], ...] = ()


GOOD = '{"inner": {"seed": 3}, "sha256": "%s", "pairs": [[0, 1]]}' % ("0a" * 32)


def test_a_file_of_the_right_shape_is_read(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_text(GOOD)
    assert read_json(path, Record, fail=CatalogError, remedy=REMEDY) == Record(Inner(3), "0a" * 32, ((0, 1.0),))


@pytest.mark.parametrize(
    "old, new, says",
    [
        ("3", '"3"', "inner.seed: expected int, got str"),
        ("3", "-1", "inner.seed: expected int >= 0"),
        ("3", "9" * 400, "inner.seed: expected int <= 9007199254740992"),
        ("3", "NaN", "inner.seed: not a finite number"),
        ("3", "[" * 100_000, "inner.seed: expected int, got array"),
        ('"seed": 3', '"seed": 3, "share": 1e999', "inner.share: number out of range"),
        ('"seed": 3', '"seed": 3, "share": -Infinity', "inner.share: not a finite number"),
        ('"seed": 3', '"other": 3', "inner.seed: missing"),
        ('{"seed": 3}', "null", "inner: expected object, got null"),
        ("0a0a", "0A0A", "sha256: expected 64 hexadecimal digits"),
        ("[0, 1]", "[0]", "pairs[0]: expected array of length 2"),
        ('"pairs"', '"more": ' + "[" * 100_000 + "]" * 100_000 + ', "pairs"', "more: nested too deeply"),
        (GOOD, "[]", "the file: expected object, got array"),
        (GOOD, "{", "not JSON"),
        (GOOD, "\ufeff", "not JSON"),
    ],
)
def test_an_error_is_one_line_with_file_and_field(old: str, new: str, says: str) -> None:
    with pytest.raises(CatalogError) as error:
        parse_json(GOOD.replace(old, new, 1), Record, "run/record.json", fail=CatalogError, remedy=REMEDY)
    assert str(error.value).startswith(f"run/record.json: {says}")
    assert str(error.value).endswith(f"; {REMEDY}")
    assert "\n" not in str(error.value)


def test_another_version_is_named_before_its_fields_are_looked_at() -> None:
    with pytest.raises(CatalogError, match="x: format: 7, this version reads 2; make it again"):
        parse_json('{"format": 7}', Record, "x", fail=CatalogError, remedy=REMEDY, version=2)


def test_plain_values_are_checked_alike() -> None:
    with pytest.raises(CatalogError, match=r"x: inner\.seed: expected int, got str"):
        convert({"inner": {"seed": "3"}, "sha256": "0a" * 32}, Record, "x", fail=CatalogError, remedy=REMEDY)


@pytest.mark.parametrize(
    "text, says",
    [
        (b"a = " + b"[" * 100_000, "a: nested too deeply"),
        (b"a = " + b"9" * 5000, "not TOML"),
        (b"\xff", "not TOML"),
        (b"[a", "not TOML"),
    ],
)
def test_toml_is_bounded_too(text: bytes, says: str) -> None:
    with pytest.raises(CatalogError, match=f"^x: {says}.*; make it again$"):
        parse_toml(text, "x", fail=CatalogError, remedy=REMEDY)


def test_only_regular_files_of_a_bounded_size_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "large").write_bytes(b"x" * 101)
    for path, says in (
        (Path("/dev/zero"), "not a regular file"),
        (tmp_path / "pipe", "not a regular file"),
        (tmp_path, "Is a directory"),
        (tmp_path / "loop", "Too many levels of symbolic links"),
        (tmp_path / "large", "larger than 100 bytes"),
    ):
        with pytest.raises(CatalogError, match=says) as error:
            read_bytes(path, fail=CatalogError, remedy=REMEDY, max_bytes=100)
        assert str(error.value).startswith(f"{path}: ")
    with pytest.raises(FileNotFoundError):
        read_bytes(tmp_path / "none", fail=CatalogError, remedy=REMEDY)
