"""The command `catalog`, run as users run it."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from catalog.store import ROWS, Catalog
from tests import forked
from tests.catalog.conftest import make_piece


def catalog(*arguments: object, root: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """Run the command with `arguments`."""
    rooted = ["--root", root] if root else []
    environment = {key: value for key, value in os.environ.items() if key != "VGPIANO_ROOT"}
    return forked.command("catalog", *arguments, *rooted, env=environment)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small catalog: three games, a hostile title, and a missing piece."""
    folder = tmp_path_factory.mktemp("root")
    with Catalog(folder).writer() as writer:
        rows = [
            make_piece(n, state="fetched", sha256=writer.put_blob(b"%d" % n), game="ocarina-of-time", series="zelda",
                       game_title="Legend Of Zelda, The: Ocarina Of Time", title=f"Lost Woods {n}", sequencer="someone")
            for n in range(3)
        ]  # fmt: skip
        rows.append(
            make_piece(7, game="mega-man-9", series="mega-man", game_title="Megaman 9", title='=HYPERLINK("x")')
        )
        rows.append(
            make_piece(
                8,
                game="mega-man",
                series="mega-man",
                game_title="Mega Man",
                title="[red]a\x1b[31m\u202eb[/red]" + "long " * 30,
            )
        )
        writer.add(rows)
    return folder


def test_show_prints_the_pieces_of_a_query_whole(root: Path) -> None:
    shown = catalog("show", "series == 'zelda' and bytes >= 1", root=root)
    assert shown.returncode == 0
    assert "Lost Woods 1" in shown.stdout
    assert "Lost Woods 0" not in shown.stdout
    assert shown.stdout.rstrip().endswith("2 pieces")
    everything = catalog("show", root=root).stdout
    assert "long " * 29 in everything
    assert "[red]a[31mb[/red]" in everything
    assert "\x1b" not in everything
    assert "\u202e" not in everything


def test_columns_and_limit_choose_what_is_shown(root: Path) -> None:
    shown = catalog("show", "--columns", "bytes, notes", "--limit", 2, "--format", "csv", root=root)
    assert shown.stdout == "bytes,notes\n8,\n7,\n"
    assert "5 pieces, 1 shown (--limit 0 shows all)" in catalog("show", "--limit", 1, root=root).stdout
    assert "nearest: title" in catalog("show", "--columns", "game,titel", root=root).stderr


@pytest.mark.parametrize(
    "columns, says",
    [
        ("title,title", "title repeated"),
        ("title, bytes ,title,bytes", "bytes, title repeated"),
        ("", "an empty name"),
        ("title,,bytes", "an empty name"),
        (",", "an empty name"),
        ("titles", "nearest: title"),
        ("all,title", "no column 'all'"),
    ],
)
@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_columns_that_cannot_be_shown_are_wrong_usage(root: Path, columns: str, says: str, form: str) -> None:
    shown = catalog("show", "--columns", columns, "--format", form, root=root)
    assert (shown.returncode, shown.stdout) == (2, "")
    assert says in shown.stderr
    assert shown.stderr.count("\n") == 1


def values(root: Path, *words: object) -> list[str]:
    """Return the lines of `catalog show` as CSV, without the header."""
    shown = catalog("show", *words, "--format", "csv", root=root)
    assert shown.returncode == 0, shown.stderr
    return shown.stdout.splitlines()[1:]


def test_rows_are_sorted_by_any_columns_and_the_first_are_shown(root: Path) -> None:
    assert values(root, "--sort", "bytes", "--columns", "bytes") == ["0", "1", "2", "7", "8"]
    assert values(root, "--sort", "-bytes", "--columns", "game", "--limit", 2) == ["mega-man", "mega-man-9"]
    assert values(root, "--sort", "series, -bytes", "--columns", "bytes") == ["8", "7", "2", "1", "0"]
    assert values(root, "--sort", "-sequencer", "--columns", "sequencer,bytes")[-1].startswith(",")  # missing is last


def test_pieces_are_counted_by_the_values_of_columns(root: Path) -> None:
    assert values(root, "--group-by", "game") == ["ocarina-of-time,3", "mega-man,1", "mega-man-9,1"]
    assert values(root, "--group-by", "series,state") == ["zelda,fetched,3", "mega-man,missing,2"]
    assert values(root, "series == 'Mega Man'", "--group-by", "game", "--sort", "-game", "--limit", 1) == [
        "mega-man-9,1"
    ]
    assert values(root, "--group-by", "sequencer", "--sort", "pieces") == [",2", "someone,3"]
    assert values(root, "bytes > 99", "--group-by", "game") == []
    assert catalog("show", "--group-by", "game", "--limit", 1, root=root).stdout.endswith(
        "3 groups, 1 shown (--limit 0 shows all)\n"
    )


@pytest.mark.parametrize(
    "words, says",
    [
        (["--sort", "bites"], "nearest: bytes"),
        (["--sort", "bytes,-bytes"], "bytes repeated"),
        (["--sort", "-"], "an empty name"),
        (["--group-by", "gaem"], "nearest: game"),
        (["--group-by", "game", "--sort", "bytes"], "no column 'bytes'"),
        (["--group-by", "game", "--columns", "game"], "exclude each other"),
        (["bytes > 3", "--game", "ocarina"], "exclude each other"),
    ],
)
def test_an_order_or_a_group_that_is_none_is_wrong_usage(root: Path, words: list[str], says: str) -> None:
    shown = catalog("show", *words, root=root)
    assert (shown.returncode, shown.stdout, shown.stderr.count("\n")) == (2, "", 1)
    assert says in shown.stderr


def test_json_is_a_list_of_objects_with_iso_times(root: Path) -> None:
    rows = json.loads(catalog("show", "--format", "json", root=root).stdout)
    assert [list(row) for row in rows] == [ROWS.names] * 5
    assert rows[-1]["fetched_at"] == "2024-01-01T00:00:00+00:00"
    assert rows[0]["notes"] is None
    assert rows[1]["title"] == '=HYPERLINK("x")'


def test_csv_is_no_formula_and_no_escape_sequence(root: Path) -> None:
    printed = catalog("show", "--format", "csv", root=root).stdout
    rows = list(csv.DictReader(io.StringIO(printed)))
    assert len(rows) == 5
    assert rows[1]["title"] == '\'=HYPERLINK("x")'
    assert "\x1b" not in printed
    assert all(not cell.startswith(("=", "+", "@")) for row in rows for cell in row.values())


def test_a_name_that_is_not_there_brings_the_nearest(root: Path) -> None:
    for query, says in [
        ("series == 'zeldda'", "no series 'zeldda'; nearest: 'zelda'"),
        ("game == 'ocarina'", "no game 'ocarina'; nearest: 'ocarina-of-time'"),
        ("game in ['Rockman 99'] or state == 'fetch'", "nearest: 'fetched'"),
        ("notes > 3", "nothing has been measured yet, so notes are missing; run `dataset measure`"),
    ]:
        shown = catalog("show", query, root=root)
        assert shown.returncode == 0
        assert "0 pieces" in shown.stdout
        assert says in shown.stderr


def test_a_wrong_query_is_wrong_usage_in_one_line(root: Path) -> None:
    for query in ("serie == 'zelda'", "(" * 9_999, "bytes > 'x'", "\x1b[31m"):
        shown = catalog("show", query, root=root)
        assert (shown.returncode, shown.stdout) == (2, "")
        assert shown.stderr.startswith("error: ")
        assert shown.stderr.count("\n") == 1
        assert "\x1b" not in shown.stderr


def test_games_are_counted_and_found(root: Path) -> None:
    shown = json.loads(catalog("games", "--format", "json", root=root).stdout)
    assert [(row["game"], row["series"], row["pieces"]) for row in shown] == [
        ("ocarina-of-time", "zelda", 3), ("mega-man", "mega-man", 1), ("mega-man-9", "mega-man", 1)
    ]  # fmt: skip
    assert shown[0]["name"] == "The Legend of Zelda: Ocarina of Time"
    for text, count in [("Megaman", 2), ("megaman ix", 1), ("nothing", 0)]:
        assert len(json.loads(catalog("games", text, "--format", "json", root=root).stdout)) == count
    assert catalog("games", "ocarina", root=root).stdout.rstrip().endswith("1 game")


def test_schema_says_what_every_field_means() -> None:
    rows = json.loads(catalog("schema", "--format", "json").stdout)
    assert {row["name"] for row in rows} == set(ROWS.names)
    assert all(row["description"] and row["type"] for row in rows)


def test_stats_add_up(root: Path) -> None:
    rows = {row["what"]: row["count"] for row in json.loads(catalog("stats", "--format", "json", root=root).stdout)}
    assert rows["pieces"] == rows["pieces fetched"] + rows["pieces missing"] == 5
    assert (rows["files"], rows["bytes of files"], rows["games"], rows["series"], rows["sequencers"]) == (3, 3, 3, 2, 1)
    assert rows["pieces of series zelda"] == 3


def test_verify_lists_what_is_missing_and_wrong(tmp_path: Path) -> None:
    store = Catalog(tmp_path)
    with store.writer() as writer:
        hashes = [writer.put_blob(b"%d" % n) for n in range(3)]
        writer.add([make_piece(n, state="fetched", sha256=sha256) for n, sha256 in enumerate(hashes)])
    clean = catalog("verify", root=tmp_path)
    assert (clean.returncode, clean.stdout) == (0, "3 files checked: 0 missing, 0 wrong\n")
    store.blob_path(hashes[0]).unlink()
    store.blob_path(hashes[1]).write_bytes(b"")
    broken = catalog("verify", root=tmp_path)
    assert broken.returncode == 1
    assert broken.stdout.splitlines() == [
        f"missing {hashes[0]}",
        f"wrong {hashes[1]}",
        "3 files checked: 1 missing, 1 wrong",
    ]


def test_what_is_no_file_in_place_of_bytes_is_wrong_and_ends_nothing(tmp_path: Path) -> None:
    store = Catalog(tmp_path)
    with store.writer() as writer:
        hashes = [writer.put_blob(b"%d" % n) for n in range(6)]
        writer.add([make_piece(n, state="fetched", sha256=sha256) for n, sha256 in enumerate(hashes)])
    pipe, loop, folder, dangling, device, _ = paths = [store.blob_path(sha256) for sha256 in hashes]
    for path in paths[:-1]:
        path.unlink()
    os.mkfifo(pipe)
    loop.symlink_to(loop)
    folder.mkdir()
    dangling.symlink_to(tmp_path / "nowhere")
    device.symlink_to("/dev/zero")
    found = catalog("verify", root=tmp_path)
    assert found.returncode == 1
    assert sorted(found.stdout.splitlines()[:-1]) == sorted(
        [f"missing {hashes[3]}", *(f"wrong {hashes[n]}" for n in (0, 1, 2, 4))]
    )
    assert found.stdout.endswith("6 files checked: 1 missing, 4 wrong\n")
    folder.rmdir()
    with store.writer() as writer:  # bytes that come again mend all of them
        assert writer.put_blobs([b"%d" % n for n in range(5)]) == hashes[:5]
    assert catalog("verify", root=tmp_path).returncode == 0


@pytest.mark.parametrize("command", ["show", "games", "stats", "verify"])
def test_an_empty_catalog_says_how_to_fill_it(command: str, tmp_path: Path) -> None:
    shown = catalog(command, root=tmp_path / "none")
    assert (shown.returncode, shown.stdout) == (1, "")
    assert "run `make scrape`" in shown.stderr
    assert shown.stderr.count("\n") == 1


def test_help_loads_nothing_heavy() -> None:
    assert "verify" in catalog("--help").stdout
    code = (
        "import sys, catalog.cli; print([m for m in ('pyarrow', 'pandas', 'numpy', 'tensorflow') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_totals_have_the_bytes_of_each_part_of_the_data_root(root: Path) -> None:
    (root / "runs" / "one").mkdir(parents=True)
    (root / "runs" / "one" / "weights").write_bytes(b"12345")
    (root / "runs" / "two").symlink_to(root / "midi")
    (root / "scrape").mkdir(exist_ok=True)
    (root / "scrape" / "journal.jsonl").write_bytes(b"{}\n")
    (root / "scrape" / "page").write_bytes(b"1234567")
    (root / "my-own").mkdir()
    (root / "my-own" / "file").write_bytes(b"not counted")
    rows = {row["what"]: row["count"] for row in json.loads(catalog("stats", "--format", "json", root=root).stdout)}
    link = (root / "runs" / "two").lstat().st_size
    assert (rows["bytes in runs"], rows["bytes in scrape, the rest"], rows["bytes in scrape/journal.jsonl"]) == (
        5 + link,
        7,
        3,
    )
    assert rows["bytes in midi"] == sum(path.stat().st_size for path in (root / "midi").rglob("*.mid"))
    parts = [size for what, size in rows.items() if what.startswith("bytes in ")]
    assert rows["bytes on disk"] == sum(parts)
    below = [path for name in ("midi", "catalog", "scrape", "runs") for path in (root / name).rglob("*")]
    assert rows["bytes on disk"] == sum(path.lstat().st_size for path in below if path.is_symlink() or path.is_file())
