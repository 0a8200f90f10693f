"""Two catalogs become one that has what either has, in both orders; or the merge is refused.

VGPIANO_MERGES=100 tries so many random pairs.
"""

import hashlib
import json
import os
import random
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from catalog.base.errors import CatalogError, UsageError
from catalog.blobs import Blobs
from catalog.cli import app
from catalog.editing import Values, edit_pieces, undo_edits
from catalog.edits.journal import read_journal
from catalog.merge.books import read_books, write_books
from catalog.merge.pieces import union_of
from catalog.merging import merge_catalog
from catalog.schema import PIECES, Piece
from catalog.storage.remote import parse_location
from catalog.store import Catalog
from tests.catalog.conftest import make_piece
from tests.catalog.test_cli import catalog as command
from tests.killing import stepped

PAIRS = int(os.environ.get("VGPIANO_MERGES", "2"))
START = datetime(2024, 1, 1, tzinfo=UTC)
SIDES = ("train", "validation", "test")


def blob(number: int) -> bytes:
    return b"file %d" % number


def add(root: Path, rng: random.Random, numbers: list[int]) -> None:
    """Add rows of `numbers` in random states, with files, dates, measures and sides."""

    def day() -> datetime:
        return START + timedelta(days=rng.randrange(1000))

    pieces, measured = [], []
    with Catalog(root).writer() as writer:
        for n in numbers:
            source = "import" if n % 5 == 0 else "vgmusic"
            state = rng.choice(["fetched", "fetched", "missing", "quarantined"])
            facts: dict[str, Any] = {"md5": hashlib.md5(blob(n)).hexdigest(), "fetched_at": None}
            if state == "fetched":
                facts |= {"sha256": writer.put_blob(blob(n)), "fetched_at": day()}
                measured.append((facts["sha256"], n))
            elif state == "missing" and n % 3 == 0:
                facts |= {"md5": None, "reason": "404"}
            elif state == "quarantined":
                writer.quarantine(b"bad %d" % n, {"url": str(n)})
            else:
                facts |= {"gone_since": rng.choice([None, day()])}
            pieces.append(make_piece(n, source=source, state=state, listed_at=rng.choice([None, START]), **facts))
        writer.add(pieces)
        hashes, notes = zip(*measured, strict=True) if measured else ((), ())
        columns = [pa.array(hashes, pa.string()), pa.array(notes, pa.int32())]
        writer.add_measures(pa.table(columns, names=["sha256", "notes"]))
    book = {hashlib.sha256(blob(n)).hexdigest(): rng.choice(SIDES) for n in numbers if rng.random() < 0.5}
    for name in {f"seed-{rng.randrange(2)}.parquet"} if book else set():
        write_books(root, {name: book | read_books(root).get(name, {})})
    for number in rng.sample(numbers, 2):
        edit_pieces(Catalog(root), f"bytes == {number}", Values(title=f"Title {rng.randrange(3)}"))
    journal = root / "scrape" / "journal.jsonl"
    journal.parent.mkdir(exist_ok=True)
    with journal.open("a") as file:
        file.write(json.dumps({"event": "end", "run": f"{rng.randrange(16**12):012x}", "at": str(day())}) + "\n")


def pair(seed: int, folder: Path) -> tuple[Path, Path]:
    """Two roots with some pieces in common; in every second pair one began as a copy of the other."""
    rng = random.Random(seed)
    ours, theirs = folder / "ours", folder / "theirs"
    numbers = list(range(30))
    add(ours, rng, rng.sample(numbers, 8))
    if seed % 2:
        shutil.copytree(ours, theirs)
        add(ours, rng, rng.sample(numbers, 5))
    add(theirs, rng, rng.sample(numbers, 8))
    return ours, theirs


def rows(root: Path) -> dict[tuple[Any, ...], dict[str, Any]]:
    listed = Catalog(root).pieces(columns=PIECES.names, edited=False).to_pylist()
    return {(row["source"], row["url"], row["md5"]): row for row in listed}


def lines(root: Path) -> set[str]:
    return set((root / "scrape" / "journal.jsonl").read_text().splitlines())


def tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def check_union(merged: Path, first: Path, second: Path) -> None:
    """Fail unless `merged` has all that `first` and `second` have; the first counts."""
    ones, others, found = rows(first), rows(second), rows(merged)
    received = {key[:2] for each in (ones, others) for key in each if key[2] is not None}
    for key in {*ones, *others} - {*found}:
        assert key[2] is None, "a row is lost"
        assert key[:2] in received, "a placeholder is lost that nothing replaces"
    assert {*found} <= {*ones, *others}
    rank = ("missing", "quarantined", "fetched")
    for key, row in found.items():
        own = [each[key] for each in (ones, others) if key in each]
        assert row["state"] == max((each["state"] for each in own), key=rank.index)
        for name in ("sha256", "listed_at", "sequencer", "bytes"):
            assert row[name] is not None or all(each[name] is None for each in own)
        for name in ("fetched_at", "gone_since"):
            assert row[name] == min((each[name] for each in own if each[name]), default=None)
    for root in (first, second):
        held = {row["sha256"] for row in rows(root).values() if row["sha256"]}
        assert held <= {row["sha256"] for row in found.values()}
        assert {*Catalog(root).measures()["sha256"].to_pylist()} <= {*Catalog(merged).measures()["sha256"].to_pylist()}
        assert lines(root) <= lines(merged)
        assert {event.id for event in read_journal(root / "catalog")} <= {
            e.id for e in read_journal(merged / "catalog")
        }
        assert {path.name for path in (root / "quarantine").glob("*")} <= {
            p.name for p in (merged / "quarantine").glob("*")
        }
    books = [read_books(root) for root in (first, second)]
    for name, book in read_books(merged).items():
        assert book == books[1].get(name, {}) | books[0].get(name, {})
    assert {*read_books(merged)} == {*books[0], *books[1]}
    # an edited piece has the first's values, else the second's
    edited = [
        {
            (row["source"], row["url"]): row["title"]
            for row in Catalog(root).pieces("edited.notna()", ["source", "url", "title"]).to_pylist()
        }
        for root in (first, second)
    ]
    now: dict[tuple[str, str], set[str]] = {}  # an address has two rows if its file was missed after it was received
    for row in Catalog(merged).pieces(columns=["source", "url", "title"]).to_pylist():
        now.setdefault((row["source"], row["url"]), set()).add(row["title"])
    for address, title in (edited[1] | edited[0]).items():
        assert title in now[address]
    assert Catalog(merged).verify().ok


@pytest.mark.parametrize("seed", range(PAIRS))
def test_any_two_catalogs_become_their_union_in_both_orders(seed: int, tmp_path: Path) -> None:
    ours, theirs = pair(seed, tmp_path)
    first, second = tmp_path / "first", tmp_path / "second"
    for root, one, other in ((first, ours, theirs), (second, theirs, ours)):
        shutil.copytree(one, root)
        before = tree(other)
        merge_catalog(root, other)
        assert {name: data for name, data in tree(other).items() if ".lock" not in name} == {
            name: data for name, data in before.items() if ".lock" not in name
        }
        check_union(root, one, other)
        again = tree(root)
        assert merge_catalog(root, other).line == "nothing new"
        assert {name: data for name, data in tree(root).items() if not name.endswith(".json")} == {
            name: data for name, data in again.items() if not name.endswith(".json")
        }
    assert rows(first) == rows(second)


@pytest.mark.parametrize("seed", range(PAIRS))
def test_after_a_copy_of_one_over_the_other_the_message_leads_to_the_union(seed: int, tmp_path: Path) -> None:
    ours, theirs = pair(seed, tmp_path)
    before = shutil.copytree(ours, tmp_path / "before")
    shutil.copytree(theirs, ours, dirs_exist_ok=True)  # as rsync -a theirs/ ours/
    with pytest.raises(
        CatalogError,
        match=r"not of this catalog; .* another folder, such as OTHER/catalog/(pieces|measures); .*merge OTHER",
    ):
        Catalog(ours).pieces()
    with pytest.raises(CatalogError, match="not of this catalog"):
        merge_catalog(tmp_path / "third", ours)
    other = tmp_path / "other"
    for path in list((ours / "catalog").rglob("*.parquet")):
        if (before / path.relative_to(ours)).exists() and not (theirs / path.relative_to(ours)).exists():
            target = other / path.relative_to(ours)
            target.parent.mkdir(parents=True, exist_ok=True)
            path.rename(target)
    merge_catalog(ours, other)
    assert {key for key in rows(ours) if key[2]} == {key for root in (before, theirs) for key in rows(root) if key[2]}
    assert Catalog(ours).verify().ok


def made(root: Path, *pieces: Piece, files: tuple[int, ...] = ()) -> Path:
    with Catalog(root).writer() as writer:
        for number in files:
            writer.put_blob(blob(number))
        writer.add(pieces)
    return root


def fetched(number: int, **changes: Any) -> Piece:
    data = blob(number)
    facts = {"sha256": hashlib.sha256(data).hexdigest(), "md5": hashlib.md5(data).hexdigest()}
    return make_piece(number, **({"state": "fetched", **facts} | changes))


def test_what_two_catalogs_disagree_about_stays_as_here_and_is_listed(tmp_path: Path) -> None:
    ours = made(tmp_path / "ours", fetched(1), fetched(2), files=(1, 2))
    theirs = made(tmp_path / "theirs", fetched(1, title="Another"), fetched(2), files=(1, 2))
    one, two = (hashlib.sha256(blob(n)).hexdigest() for n in (1, 2))
    write_books(ours, {"seed-0.parquet": {one: "train"}})
    write_books(theirs, {"seed-0.parquet": {one: "test", two: "validation"}})
    edit_pieces(Catalog(ours), "bytes == 2", Values(title="Ours"))
    edit_pieces(Catalog(theirs), "bytes == 2", Values(exclude=True, why="theirs"))
    tried = CliRunner().invoke(app, ["merge", str(theirs), "--dry-run", "--root", str(ours)])
    assert tried.stdout.splitlines()[-1].startswith("would add: 1 sides of splits")
    done = CliRunner().invoke(app, ["merge", str(theirs), "--root", str(ours)])
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[:3] == [
        "kept as here: https://example.org/1.mid: title: Stage 1 here, Another there",
        f"kept as here: splits/seed-0.parquet: {one}: train here, test there",
        f"kept as here: edits.toml: {two}: title = 'Ours' here, excluded there",
    ]
    assert done.stdout.splitlines()[-1].endswith("3 disagreements, kept as here")
    assert read_books(ours)["seed-0.parquet"] == {one: "train", two: "validation"}
    assert [row["title"] for row in Catalog(ours).pieces().to_pylist()] == ["Ours", "Stage 1"]
    assert len(read_journal(ours / "catalog")[-1].conflicts) == 3
    assert [event.theirs for event in read_journal(ours / "catalog")] == [False, True, False]


def test_undo_takes_back_the_edits_of_a_merge_and_then_ones_own(tmp_path: Path) -> None:
    ours = made(tmp_path / "ours", fetched(1), files=(1,))
    theirs = made(tmp_path / "theirs", fetched(1), fetched(2), files=(1, 2))
    edit_pieces(Catalog(ours), "bytes == 1", Values(title="Ours"))
    edit_pieces(Catalog(theirs), "bytes == 2", Values(title="Theirs"))
    merge_catalog(ours, theirs)
    for left in (["Ours", "Theirs"], ["Ours"], []):
        assert sorted(row["title"] for row in Catalog(ours).pieces("edited.notna()").to_pylist()) == left
        if left:
            undo_edits(Catalog(ours))


def test_an_edit_of_a_missing_piece_and_one_of_its_file_are_of_one_piece(tmp_path: Path) -> None:
    md5 = hashlib.md5(blob(1)).hexdigest()
    ours = made(tmp_path / "ours", make_piece(1, md5=md5))
    theirs = made(tmp_path / "theirs", fetched(1), files=(1,))
    edit_pieces(Catalog(ours), "bytes == 1", Values(title="Ours"))
    edit_pieces(Catalog(theirs), "bytes == 1", Values(title="Theirs"))
    for root, other, title in ((ours, theirs, "Ours"), (theirs, ours, "Theirs")):
        merged = shutil.copytree(root, tmp_path / title)
        done = merge_catalog(merged, other)
        assert [row["title"] for row in Catalog(merged).pieces().to_pylist()] == [title]
        assert len(done.conflicts) == len(Catalog(merged).edits()) == 1


def test_a_row_without_md5_gives_way_to_what_the_other_catalog_received() -> None:
    def row(piece: Piece) -> dict[str, Any]:
        return {name: getattr(piece, name) for name in PIECES.names}

    failed, received = row(make_piece(1, md5=None)), row(fetched(1))
    union = union_of([failed], [received])
    assert (union.rows, union.placeholders) == ([received], [])
    union = union_of([received], [failed])
    assert (union.rows, union.placeholders) == ([], [])
    union = union_of([received, failed], [received])  # ours knows the file, and failed after that
    assert (union.rows, union.placeholders) == ([], [])
    union = union_of([received], [received, failed])
    assert (union.rows, union.placeholders) == ([], [failed])


def test_what_cannot_be_merged_is_refused_and_changes_no_row(tmp_path: Path) -> None:
    ours = made(tmp_path / "ours", fetched(1), files=(1,))
    theirs = made(tmp_path / "theirs", fetched(1), fetched(2), files=(1, 2))
    with pytest.raises(UsageError, match="is the catalog itself"):
        merge_catalog(ours, ours)
    done = command("merge", tmp_path / "nowhere", root=ours)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "the catalog is empty" in done.stderr
    before = rows(ours)
    path = Blobs(theirs / "midi").path(hashlib.sha256(blob(2)).hexdigest())
    assert isinstance(path, Path)
    for data, says in ((b"other", "is damaged"), (None, "is missing")):
        path.unlink()
        if data is not None:
            path.write_bytes(data)
        with pytest.raises(CatalogError, match=says):
            merge_catalog(ours, theirs)
        assert rows(ours) == before
    path.write_bytes(blob(2))
    book = theirs / "splits" / "seed-0.parquet"
    for data, says in ((b"PAR1", "cannot be read"), (None, "is not a SHA-256 and a side")):
        if data is None:
            write_books(theirs, {"seed-0.parquet": {"a" * 64: "left"}})
        else:
            book.parent.mkdir()
            book.write_bytes(data)
        with pytest.raises(CatalogError, match=f"seed-0.parquet.*{says}"):
            merge_catalog(ours, theirs)
    shutil.rmtree(book.parent)
    (theirs / "catalog" / "edits.toml").write_text("[")
    with pytest.raises(CatalogError, match=r"edits\.toml: not TOML"):
        merge_catalog(ours, theirs)
    (theirs / "catalog" / "edits.toml").unlink()
    with Catalog(ours).writer(), pytest.raises(CatalogError, match="is being written by"):
        merge_catalog(ours, theirs)
    assert rows(ours) == before
    merge_catalog(ours, theirs)
    assert len(rows(ours)) == 2


def test_two_files_of_one_address_and_md5_are_refused(tmp_path: Path) -> None:
    ours = made(tmp_path / "ours", fetched(1, md5="a" * 32), files=(1,))
    theirs = made(tmp_path / "theirs", make_piece(1, state="fetched", md5="a" * 32, sha256="b" * 64))
    with pytest.raises(CatalogError, match="two files of one address and MD5"):
        merge_catalog(ours, theirs)


def test_a_merge_killed_at_any_step_goes_on(tmp_path: Path) -> None:
    ours, theirs = pair(1, tmp_path)
    count = tmp_path / "count"
    expected = shutil.copytree(ours, tmp_path / "expected")
    assert stepped(expected, None, "catalog", "merge", theirs, "--root", expected, count=count).returncode == 0
    steps = int(count.read_text())
    assert steps > 20
    for last in sorted(random.Random(0).sample(range(steps), min(PAIRS // 2, steps))):
        root = shutil.copytree(ours, tmp_path / str(last))
        assert stepped(root, last, "catalog", "merge", theirs, "--root", root, count=count).returncode < 0
        assert rows(root).keys() >= {key for key in rows(ours) if key[2]}
        merge_catalog(root, theirs)
        assert rows(root) == rows(expected)
        assert Catalog(root).edits() == Catalog(expected).edits()
        assert lines(root) == lines(expected)
        assert {event.id for event in read_journal(theirs / "catalog")} <= {
            e.id for e in read_journal(root / "catalog")
        }
        assert read_books(root) == read_books(expected)
        assert Catalog(root).verify().ok


def test_catalogs_merge_below_a_url_and_from_one(bucket: str, tmp_path: Path) -> None:
    ours = made(tmp_path / "ours", fetched(1), files=(1,))
    theirs = made(tmp_path / "theirs", fetched(2), files=(2,))
    write_books(theirs, {"seed-0.parquet": {hashlib.sha256(blob(2)).hexdigest(): "test"}})
    edit_pieces(Catalog(theirs), "bytes == 2", Values(title="Theirs"))
    there = parse_location(f"{bucket}/data")
    back = tmp_path / "back"
    for from_root in (ours, theirs):
        merge_catalog(there, from_root)
    edit_pieces(Catalog(there), "bytes == 1", Values(title="A"))
    edit_pieces(Catalog(there), "bytes == 2", Values(title="B"))
    undo_edits(Catalog(there))
    merge_catalog(back, there)
    assert sorted(row["title"] for row in Catalog(back).pieces().to_pylist()) == ["A", "Theirs"]
    assert len(read_journal(back / "catalog")) == 7
    assert Catalog(back).verify().ok
    assert read_books(back) == read_books(theirs)
