"""Corrections by hand: seen by every query, undone without a trace, and never lost to a damaged file."""

import random
import re
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from catalog.base.errors import CatalogError, UsageError, VgpianoError
from catalog.cli import app
from catalog.editing import Values, edit_pieces, undo_edits
from catalog.edits.entries import Edit, format_edits, key_of, keys_of, parse_edits
from catalog.edits.journal import append_lines, read_journal
from catalog.query.compiler import compile_query
from catalog.scenes import scene_of
from catalog.store import ORDER, ROWS, Catalog
from catalog.summary import list_games, list_totals
from tests.catalog.conftest import make_piece
from tests.catalog.test_cli import catalog as command

COLUMNS = ["bytes", "game", "series", "title", "sequencer", "edited", "excluded"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    with Catalog(folder).writer() as writer:
        hashes = [writer.put_blob(b"%d" % min(n, 4 if n == 5 else n)) for n in range(6)]
        rows = [
            make_piece(
                n,
                game="03" if n % 2 else "mega-man",
                series="03" if n % 2 else "mega-man",
                game_title="03" if n % 2 else "Mega Man",
                sequencer="someone",
                **({"state": "fetched", "sha256": hashes[n]} if n < 6 else {}),
            )
            for n in range(8)
        ]
        writer.add(rows)
        writer.add_measures(pa.table({"sha256": sorted(set(hashes)), "notes": pa.array(range(5), pa.int32())}))
    return folder


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    """Eight pieces of two games: the last two have no file, and 4 and 5 have the same one."""
    return Path(shutil.copytree(made, tmp_path / "root"))


def read(root: Path, query: str | None = None) -> dict[int, dict[str, Any]]:
    """Return the rows that match, by their number."""
    return {row.pop("bytes"): row for row in Catalog(root).pieces(query, COLUMNS).to_pylist()}


def toml(root: Path) -> Path:
    return root / "catalog" / "edits.toml"


def test_an_edit_is_seen_by_every_query_and_changes_no_table(root: Path) -> None:
    before = {path: path.read_bytes() for path in (root / "catalog").rglob("*.parquet")}
    done = edit_pieces(Catalog(root), "bytes == 1", Values(game="Mega Man", title="Dr.  Wily\n", why="a folder's name"))
    assert done.pieces == 1
    assert read(root, "game == 'mega-man' and title == 'Dr. Wily'") == {
        1: {
            "game": "mega-man",
            "series": "mega-man",
            "title": "Dr. Wily",
            "sequencer": "someone",
            "edited": "game, game_title, series, title",
            "excluded": None,
        }
    }
    assert 1 not in read(root, "game == '03'")
    assert set(read(root, "edited.notna()")) == {1}
    assert {path: path.read_bytes() for path in (root / "catalog").rglob("*.parquet")} == before
    [listed] = Catalog(root).pieces("bytes == 1", ["game", "title"], edited=False).to_pylist()
    assert listed == {"game": "03", "title": "Stage 1"}
    assert list_games(Catalog(root), "Mega Man")["pieces"].to_pylist() == [5]


def test_a_sequencer_can_be_removed_and_a_piece_without_a_file_corrected(root: Path) -> None:
    edit_pieces(Catalog(root), "bytes in [0, 7]", Values(sequencer=""))
    assert {number: row["sequencer"] for number, row in read(root, "sequencer.isna()").items()} == {0: None, 7: None}
    with Catalog(root).writer() as writer:  # the missing file turns up
        writer.add([make_piece(7, state="fetched", sha256=writer.put_blob(b"seven"), sequencer="someone")])
    assert read(root, "bytes == 7")[7]["sequencer"] is None
    edit_pieces(Catalog(root), "bytes == 7", Values(title="Found"))
    row = read(root, "bytes == 7")[7]
    assert (row["title"], row["sequencer"]) == ("Found", None)
    assert len(Catalog(root).edits()) == 2


def test_rows_with_one_file_have_one_entry(root: Path) -> None:
    done = edit_pieces(Catalog(root), "bytes == 5", Values(game="Mega Man"))
    assert done.pieces == 2
    assert done.notes == ["1 more row has the same file, and the same values now"]
    assert {row["game"] for row in read(root, "bytes in [4, 5]").values()} == {"mega-man"}
    assert len(Catalog(root).edits()) == 1


@pytest.mark.parametrize("seed", range(2))
def test_edits_and_any_query_give_the_same_rows_as_editing_the_whole_table(seed: int, root: Path) -> None:
    rng = random.Random(seed)
    for _ in range(3):
        numbers = rng.sample(range(8), rng.randint(1, 4))
        values = Values(
            game=rng.choice([None, "Mega Man", "New One"]),
            title=rng.choice([None, "A title"]),
            sequencer=rng.choice([None, ""]),
            exclude=rng.random() < 0.5,
            why="x",
            series=rng.choice(["zelda", "mega-man"]),
        )
        edit_pieces(Catalog(root), f"bytes in {numbers}", values)
    edits, listed = Catalog(root).edits(), Catalog(root).pieces(edited=False)
    rows = []
    for row in listed.to_pylist():  # every row by hand
        edit = next((edits[key] for key in keys_of(row) if key in edits), Edit())
        rows.append(
            row
            | edit.changes
            | {"edited": ", ".join(edit.changes) or None, "excluded": edit.why if edit.exclude else None}
            | {"scene": scene_of(edit.changes.get("title") or row["title"])}
        )
    whole = listed.from_pylist(
        sorted(rows, key=lambda row: [(row[name] is None, row[name] or "") for name in ORDER]), schema=ROWS
    )
    for query in (
        "game == 'mega-man'",
        "title == 'A title' or sequencer.isna()",
        "excluded.notna() and notes > 1",
        "edited.isna()",
        "not (game == 'mega-man') and notes.isna()",
        "bytes < 5",
        "scene == 'title' or notes == 2",
        "game_title.str.contains('New') or notes == 2",
    ):
        assert Catalog(root).pieces(query).to_pylist() == whole.filter(compile_query(query, ROWS)).to_pylist(), query
    assert Catalog(root).pieces().to_pylist() == whole.to_pylist()


def test_undo_takes_back_one_command_after_the_other(root: Path) -> None:
    states = [read(root)]
    for numbers, values in (
        ([1, 3], Values(title="One")),
        ([3, 6], Values(title="Two", sequencer="Else")),
        ([0, 1], Values(exclude=True, why="not a piece")),
    ):
        edit_pieces(Catalog(root), f"bytes in {numbers}", values)
        states.append(read(root))
    undo_edits(Catalog(root), "bytes in [1, 3]")
    states.append(read(root))
    assert set(read(root, "edited.notna() or excluded.notna()")) == {0, 6}
    for state in states[-2::-1]:
        undo_edits(Catalog(root))
        assert read(root) == state
    with pytest.raises(CatalogError, match="nothing to undo"):
        undo_edits(Catalog(root))
    assert [event.event for event in read_journal(root / "catalog")] == ["edit"] * 3 + ["undo"] * 5


def test_undo_keeps_what_somebody_changed_in_the_file_since(root: Path) -> None:
    edit_pieces(Catalog(root), "bytes in [1, 3]", Values(title="One"))
    text = toml(root).read_text()
    first = text.index('title = "One"')
    toml(root).write_text(text[:first] + 'title = "By hand"' + text[first + len('title = "One"') :])
    done = undo_edits(Catalog(root))
    assert done.notes[-1] == "1 edits were changed since and are kept"
    assert sorted(row["title"] for row in read(root, "edited.notna()").values()) == ["By hand"]


def test_a_line_taken_out_of_the_file_undoes_its_edit(root: Path) -> None:
    before = read(root)
    edit_pieces(Catalog(root), "bytes in [1, 6]", Values(title='Quo"te\\ é', exclude=True, why="wrong: #1 = {x}"))
    lines = toml(root).read_text().splitlines(keepends=True)
    entries = [line for line in lines if "Quo" in line]
    assert len(entries) == 2
    assert read(root)[1]["title"] == 'Quo"te\\ é'
    for line in entries:
        lines.remove(line)
        toml(root).write_text("".join(lines))
    assert read(root) == before


def test_the_file_reads_back_as_it_was_written() -> None:
    texts = ["plain", 'a "b" \\ c', "日本 – é", "x\u00adsoft".replace("\u00ad", ""), "{ } = # [x]", "'''"]
    edits = {f"{n:064x}": Edit(title=text, why=text, exclude=n % 2 == 0) for n, text in enumerate(texts)}
    edits["import - a folder/with spaces.mid"] = Edit(sequencer="")
    text = format_edits(edits)
    assert parse_edits(text.encode(), "here") == edits
    assert text.count("\n") == len(edits) + 5  # one line each


HASH = "a" * 64


DAMAGED = (
    ("[edits", "not TOML"),
    ("\udcff".encode("utf-8", "surrogateescape").decode("latin-1") + "=", "not TOML"),
    (f'[edits]\n"{HASH}" = 3', "a{64}: .*got `?int"),
    (f'[edits]\n"{HASH}" = {{ gmae = "x" }}', "gmae: unknown field"),
    (f'[edits]\n"{HASH}" = {{ game = "Not A Slug" }}', "game: "),
    (f'[edits]\n"{HASH}" = {{ title = 3 }}', "title: expected"),
    (f'[edits]\n"{HASH}" = {{ title = "" }}', "title: "),
    (f'[edits]\n"{HASH}" = {{ title = "a\\u001bb" }}', "title: has control characters"),
    (f'[edits]\n"{HASH}" = {{ exclude = "yes" }}', "exclude: expected"),
    (f'[edits]\n"{HASH}" = {{ title = "{"x" * 501}" }}', "title: "),
    ('[edits]\n"abc" = { title = "x" }', "abc: neither a SHA-256 nor SOURCE MD5 URL"),
    ("[edit]\n", "edit: unknown table"),
    ("edits = 3", "edits: expected a table"),
    ("a = " + "[" * 20_000, "nested too deeply|not TOML"),
)


def test_a_damaged_file_is_one_line_with_the_entry_and_the_field(root: Path) -> None:
    for text, says in DAMAGED:
        toml(root).write_text(text)
        with pytest.raises(CatalogError) as caught:
            read(root)
        message = str(caught.value)
        assert re.search(says, message), message
        assert str(toml(root)) in message
        assert "correct or remove that line, or restore the file from a copy" in message
        assert "\n" not in message
    assert any("edits.toml" in fault for fault in Catalog(root).verify().faults)
    assert Catalog(root).pieces(edited=False).num_rows == 8


def test_commands_report_a_damaged_file_in_one_line(root: Path) -> None:
    toml(root).write_text("[edits]\nx")
    done = command("edit", "bytes == 1", "--title", "x", root=root)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "edits.toml: not TOML" in done.stderr
    checked = CliRunner().invoke(app, ["verify", "--root", str(root)])
    assert checked.exit_code == 1
    assert checked.stdout.count("edits.toml: not TOML") == 1
    assert toml(root).read_text() == "[edits]\nx"


def test_a_journal_that_was_cut_goes_on_and_a_damaged_one_is_named(root: Path) -> None:
    journal = root / "catalog" / "edits.jsonl"
    edit_pieces(Catalog(root), "bytes == 1", Values(title="One"))
    whole = journal.read_bytes()
    journal.write_bytes(whole + whole[:20])
    edit_pieces(Catalog(root), "bytes == 1", Values(title="Two"))
    assert [event.after[key]["title"] for event in read_journal(root / "catalog") for key in event.after] == [
        "One",
        "Two",
    ]
    journal.write_bytes(b"{}\n")
    with pytest.raises(CatalogError, match=r"edits\.jsonl: line 1: .*missing; restore"):
        undo_edits(Catalog(root))
    assert read(root)[1]["title"] == "Two"
    big = root / "big"
    append_lines(big, b"a\n")
    big.write_bytes(b"a\n" + b"x" * 200_000)
    append_lines(big, b"b\n")
    assert big.read_bytes() == b"a\nb\n"


@pytest.mark.parametrize(
    "words, code, says",
    [
        ((), 2, "which pieces? give a query"),
        (("bytes == 1",), 2, "nothing to edit: give --game"),
        (("bytes == 1", "--exclude"), 2, "--exclude needs a reason"),
        (("bytes == 1", "--undo", "--title", "x"), 2, "--undo takes a query only"),
        (("bytes == 99", "--title", "x"), 1, "no piece matches bytes == 99"),
        (("bytes == 1", "--undo"), 1, "was edited"),
    ],
)
def test_what_cannot_be_edited_is_one_line(root: Path, words: tuple[str, ...], code: int, says: str) -> None:
    done = CliRunner().invoke(app, ["edit", *words, "--root", str(root)])
    assert isinstance(done.exception, VgpianoError)
    assert (done.exception.exit_code, done.stdout) == (code, "")
    assert says in str(done.exception)
    assert "\n" not in str(done.exception)
    assert not toml(root).exists()


@pytest.mark.parametrize("value, says", [(" ", "--title: is empty"), ("x" * 501, "--title: longer than 500")])
def test_a_value_that_cannot_be_kept_is_wrong_usage(value: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Values(title=value)


def test_the_command_edits_shows_and_undoes(root: Path) -> None:
    def run(*words: str) -> str:
        return CliRunner().invoke(app, [*words, "--root", str(root)]).stdout

    words = ("edit", "game == '03'", "--game", "mega", "--why", "a folder's name")
    assert "5 pieces would change (nothing written)" in run(*words, "--dry-run")
    assert not toml(root).exists()
    done = command(*words, root=root).stdout
    assert "03: Stage 1: game '03' → 'mega-man'" in done
    assert "5 pieces changed" in done
    assert "8 pieces" in run("show", "game == 'mega-man'")
    assert "undid the edit of" in run("edit", "--undo")
    assert "4 pieces" in run("show", "game == 'mega-man' and edited.isna()")
    new = run("edit", "bytes == 1", "--game", "Mega Mann")
    assert "game 'mega-mann' is new in this catalog; nearest: 'mega-man'" in new


def test_totals_count_edited_and_excluded_pieces(root: Path) -> None:
    assert not [what for what in list_totals(Catalog(root))["what"].to_pylist() if "by hand" in what]
    edit_pieces(Catalog(root), "bytes in [1, 2, 3]", Values(title="One"))
    edit_pieces(Catalog(root), "bytes in [3, 6]", Values(exclude=True, why="a test"))
    totals = list_totals(Catalog(root))
    counts = dict(zip(totals["what"].to_pylist(), totals["count"].to_pylist(), strict=True))
    assert (counts["pieces edited by hand"], counts["pieces excluded by hand"]) == (3, 2)


def test_a_row_is_keyed_by_its_file_or_by_its_identity() -> None:
    row = {"sha256": None, "source": "vgmusic", "url": "https://x/a b.mid", "md5": None}
    assert key_of(row) == "vgmusic - https://x/a b.mid"
    assert key_of(row | {"md5": "b" * 32}) in keys_of(row | {"md5": "b" * 32, "sha256": HASH})
    assert key_of(row) in keys_of(row | {"md5": "b" * 32, "sha256": HASH})
    assert key_of(row | {"sha256": HASH}) == HASH


def test_an_import_again_keeps_an_edit(tmp_path: Path, root: Path) -> None:
    from scraper.local.import_files import import_files

    folder = tmp_path / "files" / "03"
    folder.mkdir(parents=True)
    (folder / "x.mid").write_bytes(b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk\0\0\0\4\0\xff\x2f\0")
    import_files(root, [folder.parent])
    edit_pieces(Catalog(root), "source == 'import'", Values(game="Mega Man"))
    totals = import_files(root, [folder.parent])
    assert (totals.new, totals.held) == (0, 1)
    [row] = Catalog(root).pieces("source == 'import'", ["game", "edited"]).to_pylist()
    assert row == {"game": "mega-man", "edited": "game, game_title, series"}
