"""Importing local files: every file is counted, and no archive can do harm."""

import json
import os
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.base.errors import UsageError
from catalog.store import Catalog
from scraper.http import limits
from scraper.local.archive import decode_name
from scraper.local.import_files import ImportTotals, Labels, import_files
from scraper.local.midi_title import title_of
from tests.scraper.conftest import midi
from tests.scraper.test_cli import scrape

Zipped = dict[str, bytes]


def zipped(path: Path, files: Zipped, spoil: Callable[[bytearray], None] | None = None) -> Path:
    """Return a zip file of `files`, optionally damaged."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    if spoil:
        data = bytearray(path.read_bytes())
        spoil(data)
        path.write_bytes(data)
    return path


def named(number: int, *metas: tuple[int, bytes]) -> bytes:
    """Return the MIDI file of `number` with meta events before its note."""
    data = midi(number)
    events = b"".join(b"\x00\xff" + bytes([kind, len(text)]) + text for kind, text in metas)
    return data[:18] + (len(data) - 22 + len(events)).to_bytes(4) + events + data[22:]


def bring(root: Path, *paths: Path, **labels: str) -> ImportTotals:
    totals = import_files(root, paths, Labels(**labels))  # type: ignore[arg-type]
    assert totals.files == totals.new + totals.held + sum(totals.skipped.values())
    assert Catalog(root).verify().ok
    return totals


def rows(root: Path) -> list[dict[str, object]]:
    return [{**row, "fetched_at": None} for row in Catalog(root).pieces().to_pylist()]


def addresses(root: Path) -> list[str]:
    return sorted(Catalog(root).pieces(columns=["url"])["url"].to_pylist())


def test_folders_in_folders_and_a_zip_in_a_folder(tmp_path: Path) -> None:
    mine = tmp_path / "My Music"
    (mine / "Legend of Zelda, The: Ocarina of Time" / "deep").mkdir(parents=True)
    (mine / "Legend of Zelda, The: Ocarina of Time" / "Lost_Woods.mid").write_bytes(midi(1))
    (mine / "Legend of Zelda, The: Ocarina of Time" / "deep" / "b#1?.MID").write_bytes(midi(2))
    (mine / "read me.txt").write_bytes(b"hello")
    zipped(
        mine / "Tetris.zip",
        {"a/c.mid": midi(3), "d.rmi": b"RIFF\0\0\0\0RMIDdata\0\0\0\0" + midi(4), "e.zip": b"PK\3\4"},
    )
    totals = bring(tmp_path / "data", mine)
    assert (totals.files, totals.new, totals.skipped) == (6, 4, {"zip_in_zip": 1, "not_midi": 1})
    assert addresses(tmp_path / "data") == [
        "import:My%20Music/Legend%20of%20Zelda%2C%20The%3A%20Ocarina%20of%20Time/Lost_Woods.mid",
        "import:My%20Music/Legend%20of%20Zelda%2C%20The%3A%20Ocarina%20of%20Time/deep/b%231%3F.MID",
        "import:My%20Music/Tetris.zip!/a/c.mid",
        "import:My%20Music/Tetris.zip!/d.rmi",
    ]
    by_title = {row["title"]: row for row in rows(tmp_path / "data")}
    assert by_title["Lost Woods"]["game"] == "ocarina-of-time"
    assert (by_title["Lost Woods"]["source"], by_title["Lost Woods"]["section"]) == ("import", "my-music")
    assert (by_title["c"]["game_title"], by_title["d"]["game_title"], by_title["c"]["state"]) == (
        "a",
        "Tetris",
        "fetched",
    )
    assert Catalog(tmp_path / "data").read_blob(str(by_title["c"]["sha256"])) == midi(3)


def test_equal_bytes_are_kept_once_and_every_row(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"x/1.mid": midi(1), "y/1.mid": midi(1), "y/2.mid": midi(2)})
    totals = bring(tmp_path / "data", archive)
    assert (totals.new, totals.twins, totals.bytes) == (3, 1, len(midi(1)) + len(midi(2)))
    assert len(list((tmp_path / "data" / "midi").glob("??/*.mid"))) == 2


def test_what_is_in_stays_as_it_is_and_a_damaged_file_is_mended(tmp_path: Path) -> None:
    archive, root = zipped(tmp_path / "a.zip", {f"{n}.mid": midi(n) for n in range(5)}), tmp_path / "data"
    bring(root, archive)
    before = Catalog(root).pieces().to_pylist()
    next((root / "midi").glob("??/*.mid")).write_bytes(b"damaged")
    totals = bring(root, archive)
    assert (totals.new, totals.held, totals.bytes) == (0, 5, 0)
    assert Catalog(root).pieces().to_pylist() == before
    assert bring(root, archive, game="Tetris").new == 5
    assert set(Catalog(root).pieces()["game"].to_pylist()) == {"tetris"}
    assert len(Catalog(root).pieces()) == 5


def test_hostile_members_cost_themselves_alone(tmp_path: Path) -> None:
    bomb, folder = b"MThd" + bytes(3_000_000), tmp_path / "in"
    folder.mkdir()
    path = folder / "bad.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("../up.mid", "/abs.mid", "C:/drive.mid", "a//b.mid", "x/../../y.mid", "n" * 1001):
            archive.writestr(zipfile.ZipInfo(name), midi(1))
        link = zipfile.ZipInfo("link.mid")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("bomb.mid", bomb)
        archive.writestr("honest-but-large.mid", b"MThd" + os.urandom(limits.FILE_BYTES))
        archive.writestr("bzip2.mid", midi(2), zipfile.ZIP_BZIP2)
        archive.writestr("locked.mid", midi(3))
        archive.writestr("lies.mid", bomb)
        archive.writestr("broken.mid", midi(4), zipfile.ZIP_STORED)
        archive.writestr("back\\slash.mid", midi(5))
        archive.writestr("text.txt", "words")
        archive.writestr("good.mid", midi(6))
    data = bytearray(path.read_bytes())
    directory = data.rindex(b"lies.mid") - 46
    data[directory + 24 : directory + 28] = (99).to_bytes(4, "little")  # its size, as declared
    locked = data.rindex(b"locked.mid") - 46
    data[locked + 8] |= 1
    data[data.index(midi(4)) + 20] ^= 1
    path.write_bytes(data)
    totals = bring(tmp_path / "data", path)
    assert totals.skipped == {
        "unsafe_name": 6,
        "link": 1,
        "bomb": 1,
        "too_large": 1,
        "unsupported_compression": 1,
        "encrypted": 1,
        "corrupt": 2,
        "not_midi": 1,
    }
    assert addresses(tmp_path / "data") == ["import:bad.zip!/back/slash.mid", "import:bad.zip!/good.mid"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "in"]
    assert [path.name for path in folder.iterdir()] == ["bad.zip"]


def test_an_archive_that_unpacks_to_too_much_is_left_half_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = zipped(tmp_path / "a.zip", {f"{n}.mid": midi(n) for n in range(9)})
    monkeypatch.setattr(limits, "ARCHIVE_TIMES", 0)
    monkeypatch.setattr(limits, "FILE_BYTES", 3 * len(midi(1)))
    totals = bring(tmp_path / "data", archive)
    assert (totals.new, totals.skipped) == (3, {"archive_too_large": 6})


def test_an_archive_that_is_none_costs_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "cut.zip").write_bytes(zipped(tmp_path / "whole.zip", {"a.mid": midi(1)}).read_bytes()[:-30])
    size = limits.ARCHIVE_DIRECTORY_BYTES + 1
    with (folder / "endless.zip").open("wb") as file:  # a directory larger than any honest one
        file.write(b"PK\3\4")
        file.truncate(size)
        file.seek(size)
        file.write(b"PK\5\6" + bytes(8) + size.to_bytes(4, "little") + bytes(6))
    zipped(folder / "many.zip", {f"{n}.mid": midi(n) for n in range(4)})
    zipped(folder / "good.zip", {"a.mid": midi(1)})
    monkeypatch.setattr(limits, "ARCHIVE_FILES", 3)
    totals = bring(tmp_path / "data", folder)
    assert (totals.new, totals.skipped) == (1, {"broken_archive": 2, "too_many_files": 1})


@pytest.mark.parametrize(
    "raw, text",
    [
        ("ゼルダの伝説".encode("cp932"), "ゼルダの伝説"),
        ("Pokémon".encode("cp437"), "Pokémon"),
        ("Böse Königin".encode("cp437"), "Böse Königin"),
        ("Ünï".encode(), "Ünï"),
    ],
)
def test_names_in_old_encodings_are_read(tmp_path: Path, raw: bytes, text: str) -> None:
    assert decode_name(raw) == text
    plain = "N" * len(raw)

    def rename(data: bytearray) -> None:
        data[:] = data.replace(plain.encode(), raw)

    archive = zipped(tmp_path / "a.zip", {f"{plain}.mid": midi(1)}, rename)
    assert bring(tmp_path / "data", archive).new == 1
    assert rows(tmp_path / "data")[0]["title"] == text


def test_links_and_pipes_are_not_followed_and_the_data_root_is_no_source(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "in"
    outside.mkdir()
    folder.mkdir()
    (outside / "secret.mid").write_bytes(midi(1))
    (folder / "a.mid").symlink_to(outside / "secret.mid")
    (folder / "b").symlink_to(outside)
    os.mkfifo(folder / "pipe.mid")
    (folder / os.fsdecode(b"caf\xe9.mid")).symlink_to("nowhere")
    (folder / "c.mid").write_bytes(midi(2))
    for _ in range(2):
        totals = bring(folder / "data", folder)
        assert (totals.files, totals.skipped) == (5, {"link": 3, "not_a_file": 1})
    assert totals.held == 1
    assert addresses(folder / "data") == ["import:in/c.mid"]


def test_wrapped_files_arrive_as_they_are_and_their_titles_are_read(tmp_path: Path) -> None:
    plain = named(1, (3, "Pokémon".encode("cp1252")))
    data = b"data" + len(plain).to_bytes(4, "little") + plain
    info = b"LIST" + (1000).to_bytes(4, "little") + b"INFO".ljust(1000, b" ")
    files = {
        "info first.rmi": b"RIFF" + bytes(4) + b"RMID" + info + data,
        "mac": bytes([0, 1, 65]).ljust(83, b"\0") + len(plain).to_bytes(4) + bytes(41) + plain + bytes(128),
        "junk.mid": b"\r\n" + plain,
    }
    others = {
        "talk.txt": b"MThd is how it begins",
        "cut.mid": plain[:13],
        "list.rmi": b"RIFF" + bytes(4) + b"RMID" + info,
    }
    (tmp_path / "in").mkdir()
    for name, content in (files | others).items():
        (tmp_path / "in" / name).write_bytes(content)
    zipped(tmp_path / "in" / "a.zip", files | others)
    totals = bring(tmp_path / "data", tmp_path / "in", title_from_text=True)  # type: ignore[arg-type]
    assert (totals.new, totals.twins, totals.skipped) == (6, 3, {"not_midi": 6})
    assert {row["title"] for row in rows(tmp_path / "data")} == {"Pokémon"}
    assert {row["bytes"] for row in rows(tmp_path / "data")} == {len(content) for content in files.values()}


def test_titles_games_and_series_as_told(tmp_path: Path) -> None:
    files = {"x/a_b.mid": named(1, (1, b"words"), (3, b"Lost\x1b[31m Woods")), "x/c_d.mid": midi(2)}
    archive, root = zipped(tmp_path / "a.zip", files), tmp_path / "data"
    bring(root, archive, game="Ocarina of Time", title_from_text=True)  # type: ignore[arg-type]
    assert [(row["title"], row["series"]) for row in rows(root)] == [("Lost[31m Woods", "zelda"), ("c d", "zelda")]
    bring(root, archive, game="Some Game", series="Legend of Zelda")
    assert [(row["title"], row["game"], row["series"]) for row in rows(root)] == [
        ("a b", "some-game", "zelda"),
        ("c d", "some-game", "zelda"),
    ]


def test_names_of_a_mac_are_found_by_what_is_typed(tmp_path: Path) -> None:
    folder = tmp_path / "in" / "Cafe\u0301 Quest"
    folder.mkdir(parents=True)
    (folder / "Pre\u0301lude.mid").write_bytes(midi(1))
    bring(tmp_path / "data", folder)
    [found] = (
        Catalog(tmp_path / "data").pieces("title == 'Pr\u00e9lude' and game_title == 'Cafe\u0301 Quest'").to_pylist()
    )
    assert (found["title"], found["game_title"]) == ("Pr\u00e9lude", "Caf\u00e9 Quest")
    assert found["url"] == "import:Cafe%CC%81%20Quest/Pre%CC%81lude.mid"
    assert bring(tmp_path / "data", folder).held == 1
    bring(tmp_path / "data", folder, game="E\u0301tude")
    assert len(Catalog(tmp_path / "data").pieces("game_title == '\u00c9tude' and game == 'Etude'")) == 1


def test_a_file_says_its_title() -> None:
    assert title_of(named(1, (1, b"text"), (3, b"name"))) == "name"
    assert title_of(named(1, (3, b"  "), (1, "曲名だ".encode("cp932")))) == "曲名だ"
    assert title_of(midi(1)) is None
    assert title_of(named(1, (3, b"name"))[:29]) is None


def test_the_titles_of_the_case_files(midi_cases: Path) -> None:
    expected = json.loads((midi_cases / "expected.json").read_text(encoding="utf-8"))
    titles = {name: facts["title"] for name, facts in expected.items() if "title" in facts}
    assert titles
    assert {name: title_of((midi_cases / name).read_bytes()) for name in titles} == titles


def test_a_title_after_events_with_running_status() -> None:
    data = named(1, (6, b"mark"))
    events = b"\0\x90\x3c\x40\0\xff\x01\0" + b"\0\x3c\0" * 3 + b"\0\xff\x03\x01A"
    assert title_of(data[:22] + events + data[22:]) is None  # the track is no longer than it says
    assert title_of(data[:18] + (99).to_bytes(4) + events + data[22:]) == "A"


@given(st.binary(max_size=80), st.integers(0, 2**32 - 1))
def test_no_bytes_upset_the_reader_of_titles(body: bytes, length: int) -> None:
    assert title_of(b"MThd" + bytes(10) + b"MTrk" + length.to_bytes(4) + body) is None or body


def test_the_command_adds_up_and_fails_where_there_is_nothing(tmp_path: Path) -> None:
    archive, root = zipped(tmp_path / "a.zip", {"a.mid": midi(1), "\u202eb.txt": b"x"}), str(tmp_path / "data")
    done = scrape("import", str(archive), "--root", root, "--title-from", "text")
    assert done.returncode == 0
    assert "found 2 = 1 new (0 of them with duplicate bytes) + 0 already held + 1 skipped (1 not_midi)" in done.stdout
    assert "skipped: not_midi: import:a.zip!/" in done.stderr
    assert scrape("import", str(tmp_path / "none"), "--root", root).returncode == 2
    (tmp_path / "empty").mkdir()
    assert scrape("import", str(tmp_path / "empty"), "--root", root).returncode == 1
    with pytest.raises(UsageError, match="none"):
        import_files(tmp_path / "data", [tmp_path / "none"])
