"""A catalog below a URL: the same rows, one writer, errors of one line.

The S3 server is a real one on this machine.
"""

import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from catalog import cli
from catalog.base.errors import CatalogError, LockedError, UsageError
from catalog.storage import lease
from catalog.storage.files import data_root, local_root
from catalog.storage.remote import RemotePath, parse_location
from catalog.store import Catalog
from scraper import cli as scraper_cli
from tests.catalog.conftest import make_piece

DATA = [b"MThd one", b"MThd two", b"MThd three"]


def fill(root: Any) -> Catalog:
    """A catalog of three fetched pieces and a missing one, written in two runs."""
    catalog = Catalog(root)
    for part in (DATA[:2], DATA[1:]):
        with catalog.writer() as writer:
            names = writer.put_blobs(part)
            writer.add(
                [
                    make_piece(DATA.index(data), state="fetched", sha256=name)
                    for data, name in zip(part, names, strict=True)
                ]
            )
            writer.add([make_piece(99)])
    return catalog


@pytest.fixture
def local(tmp_path: Path) -> Catalog:
    """The catalog of `fill` in a folder."""
    return fill(tmp_path / "local")


def test_a_remote_path_has_the_parts_of_a_path() -> None:
    path = parse_location("memory://me:pass-word@host/a/b?x=1")
    assert (str(path), path.name, str(path.parent)) == ("memory://host/a/b", "b", "memory://host/a")
    below = path / "c.d" / "e.json"
    assert (str(below), below.name, below.stem, below.suffix) == (
        "memory://host/a/b/c.d/e.json",
        "e.json",
        "e",
        ".json",
    )
    assert str(below.with_suffix(".bin")) == "memory://host/a/b/c.d/e.bin"
    assert str(below.parent.parent.parent.parent.parent) == "memory://host"
    assert "pass-word" not in repr(path)


@pytest.mark.parametrize("place", ["s3", "memory", "file"])
def test_a_catalog_below_a_url_has_the_rows_and_bytes_of_the_one_in_a_folder(
    place: str, bucket: str, tmp_path: Path, local: Catalog
) -> None:
    url = {"s3": f"{bucket}/vg", "memory": "memory://rows/vg", "file": (tmp_path / "a b").as_uri()}[place]
    catalog = fill(data_root(url))
    assert catalog.pieces().equals(local.pieces())
    query = "bytes > 1 and title.str.contains('Stage')"
    assert catalog.pieces(query, ["title", "bytes"]).equals(local.pieces(query, ["title", "bytes"]))
    assert [catalog.read_blob(name) for name in catalog.pieces()["sha256"].drop_null().to_pylist()] != []
    assert catalog.verify() == local.verify()
    assert catalog.unlisted() == set()


def test_a_catalog_that_was_copied_to_a_bucket_reads_the_same(bucket: str, local: Catalog, tmp_path: Path) -> None:
    root = parse_location(f"{bucket}/copied")
    for path in (tmp_path / "local").rglob("*"):
        if path.is_file() and not path.name.startswith("."):
            (root / str(path.relative_to(tmp_path / "local"))).write_bytes(path.read_bytes())
    assert Catalog(root).pieces().equals(local.pieces())
    assert Catalog(root).verify().ok


def test_pandas_reads_it_with_no_code_of_ours(bucket: str, s3_server: str, local: Catalog) -> None:
    from pyarrow.fs import S3FileSystem

    fill(parse_location(f"{bucket}/vg"))
    folder = f"{bucket.removeprefix('s3://')}/vg/catalog/pieces"
    read = pd.read_parquet(folder, filesystem=S3FileSystem(endpoint_override=s3_server))
    pd.testing.assert_frame_equal(read, local.pieces(columns=read.columns).to_pandas())


def test_a_second_writer_fails_with_the_lock_holder_in_the_message(bucket: str) -> None:
    catalog = Catalog(parse_location(f"{bucket}/vg"))
    with catalog.writer() as writer:
        with pytest.raises(LockedError, match=r"vg/catalog is being written by `.*` on .*, process \d+; wait"):
            catalog.writer().__enter__()
        writer.add([make_piece(1)])
        assert len(catalog.pieces()) == 1  # a reader needs no lock
    with catalog.writer() as writer:
        writer.add([make_piece(2)])
    assert len(catalog.pieces()) == 2


def test_a_reader_loses_no_row_while_files_are_merged_under_it(bucket: str) -> None:
    catalog = Catalog(parse_location(f"{bucket}/vg"))
    rows, done = [0], threading.Event()

    def write() -> None:
        with catalog.writer() as writer:
            for number in range(1, 13):
                writer.add([make_piece(number)])
                rows[0] = number
                if number % 4 == 0:
                    writer.compact()
        done.set()

    thread = threading.Thread(target=write)
    thread.start()
    while not done.is_set():
        before = rows[0]
        assert before <= len(catalog.pieces()) <= rows[0] + 1
    thread.join()
    assert len(catalog.pieces()) == 12


HOLDER = """
import sys, time
from catalog.storage import lease
from catalog.storage.remote import parse_location
with lease.hold_lease(parse_location(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_killed_writer_is_forgotten_when_its_lease_has_run_out(
    bucket: str, run_script: Callable[..., "subprocess.Popen[str]"], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = parse_location(f"{bucket}/vg")
    assert isinstance(folder, RemotePath)
    holder = run_script(HOLDER, folder)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    holder.kill()
    holder.communicate()
    monkeypatch.setattr(lease, "PAUSE_S", 0.01)
    with pytest.raises(LockedError, match=f"process {holder.pid}"):
        lease.hold_lease(folder).__enter__()
    monkeypatch.setattr(lease, "EXPIRES_S", 0.9)  # the store's clock counts whole seconds
    monkeypatch.setattr(lease, "PAUSE_S", 0.5)
    monkeypatch.setattr(lease, "TRIES", 20)
    with lease.hold_lease(folder):
        assert len((folder / ".lock").entries()) == 1


def test_a_lease_is_renewed_while_its_holder_lives(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "RENEW_S", 0.2)
    folder = parse_location(f"{bucket}/vg")
    assert isinstance(folder, RemotePath)
    with lease.hold_lease(folder) as held:
        first = (folder / ".lock").entries()[0].modified
        threading.Event().wait(1.3)
        latest = (folder / ".lock").entries()[0].modified
        held.check()
    assert first is not None
    assert latest is not None
    assert latest - first >= timedelta(seconds=1)
    assert (folder / ".lock").entries() == []


def test_a_writer_that_may_have_lost_its_lease_stops_writing(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    catalog = Catalog(parse_location(f"{bucket}/vg"))
    now = lease._now

    def sleep_between_two_rows() -> None:
        with catalog.writer() as writer:
            writer.add([make_piece(1)])
            monkeypatch.setattr(lease, "_now", lambda: now() + 55)
            with pytest.raises(CatalogError, match="could not be renewed for"):
                writer.add([make_piece(2)])

    with pytest.raises(CatalogError, match="could not be renewed for"):
        sleep_between_two_rows()
    assert catalog.pieces()["url"].to_pylist() == [make_piece(1).url]


@pytest.mark.parametrize("place", ["s3", "memory"])
def test_there_are_never_two_holders(place: str, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "PAUSE_S", 0.02)
    folder = parse_location(f"{bucket}/race" if place == "s3" else "memory://race/x")
    assert isinstance(folder, RemotePath)
    inside: list[int] = []
    most: list[int] = []

    def contend(number: int) -> None:
        for _ in range(60):  # all may stand in each other's way for a while
            with suppress(LockedError), lease.hold_lease(folder):
                inside.append(number)
                most.append(len(inside))
                threading.Event().wait(0.005)
                inside.remove(number)
                return

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(contend, range(4)))
    assert set(most) == {1}


def call(main: Callable[[], None], monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Return the exit code of a command."""
    monkeypatch.setattr(sys, "argv", ["command", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


@pytest.mark.parametrize(
    "url, code, said",
    [
        ("zzz://host/vg", 2, "no file system for zzz://"),
        ("s3://", 2, ""),
        ("file://host/vg", 2, "a file URL has three slashes"),
        ("s3://no-such-bucket/vg", 1, "no pieces in s3://no-such-bucket/vg/catalog"),
        ("s3://me:pass-word@some-bucket/vg?nonsense=1", 2, "Unexpected query parameter"),
    ],
)
def test_a_wrong_url_is_answered_in_one_line_without_its_password(
    url: str,
    code: int,
    said: str,
    bucket: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert call(cli.main, monkeypatch, "show", "--root", url) == code
    out, error = capsys.readouterr()
    assert (out, error.count("\n")) == ("", 1)
    assert error.startswith("error: ")
    assert said in error
    assert "pass-word" not in error
    assert "me:" not in error


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "adlfs", None)
    with pytest.raises(UsageError, match=r"az:// needs a library that is not installed: .*adlfs"):
        parse_location("az://container/vg")


def test_wrong_credentials_are_answered_in_one_line_and_not_shown(
    bucket: str, s3_server: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from moto import settings
    from moto.core.responses import ActionAuthenticatorMixin

    fill(parse_location(f"{bucket}/vg"))
    monkeypatch.setattr(settings, "INITIAL_NO_AUTH_ACTION_COUNT", 0.0)  # from now on the server looks at who asks
    monkeypatch.setattr(ActionAuthenticatorMixin, "request_count", 0)
    url = f"s3://some-user:pass-word@{bucket.removeprefix('s3://')}/vg?endpoint_override={s3_server}"
    assert call(cli.main, monkeypatch, "show", "--root", url) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"error: {bucket}/vg/catalog/pieces: ListObjectsV2: ")
    assert error.endswith("check the bucket's name, the endpoint (such as AWS_ENDPOINT_URL) and the credentials\n")
    assert not any(secret in error for secret in ("pass-word", "some-user", "endpoint_override"))


def test_what_cannot_be_written_whole_is_not_written(tmp_path: Path) -> None:
    root = parse_location(f"local://{tmp_path}")
    with pytest.raises(CatalogError, match=r"a write to local:// is not atomic; write to a folder and copy it there"):
        Catalog(root).writer().__enter__()
    assert list(tmp_path.iterdir()) == []


def test_scraping_refuses_a_url_and_says_what_to_do(
    bucket: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(scraper_cli.main, monkeypatch, "vgmusic", "--root", f"{bucket}/vg") == 2
    assert "needs a folder (it keeps a journal there): use --root FOLDER, then copy" in capsys.readouterr().err
    with pytest.raises(UsageError):
        local_root(f"{bucket}/vg")


def test_files_are_imported_into_a_bucket(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Zelda").mkdir()
    (tmp_path / "Zelda" / "Theme.mid").write_bytes(b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk\0\0\0\4\0\xff\x2f\0")
    monkeypatch.setenv("VGPIANO_ROOT", f"{bucket}/vg")
    for new in ("1 new", "0 new"):
        assert call(scraper_cli.main, monkeypatch, "import", str(tmp_path)) == 0
        assert f"found 1 = {new}" in capsys.readouterr().out
    assert Catalog(data_root()).pieces()["title"].to_pylist() == ["Theme"]
