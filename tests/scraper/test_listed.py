"""Import of a copied site: titles, games and sequencers from the listing pages beside the files."""

import os
from pathlib import Path
from typing import Any

import pytest

from catalog.store import Catalog
from scraper.http import limits
from scraper.local.import_files import ImportTotals, Labels, import_files
from scraper.sources import SOURCES
from tests.scraper.conftest import midi, page, row
from tests.scraper.test_cli import scrape

READ = SOURCES["vgmusic"].read
OCARINA = "Legend Of Zelda, The: Ocarina Of Time"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The folder of a section in a copy made with wget: its page, two files in it and one that is not."""
    folder = tmp_path / "www.vgmusic.com" / "music" / "console" / "nintendo" / "n64"
    folder.mkdir(parents=True)
    rows = (
        row("woods.mid", midi(1), 'Lost Woods - "Saria\'s Song"'),
        row("eb%28piano%29.mid", midi(2), "Epona's Ballad"),
    )
    (folder / "index.html").write_bytes(page(*rows, game=OCARINA))
    for number, name in enumerate(("woods.mid", "eb(piano).mid", "Not_Listed.mid"), start=1):
        (folder / name).write_bytes(midi(number))
    return folder


def bring(folder: Path, root: Path, **labels: Any) -> ImportTotals:
    return import_files(root, [folder.parents[3]], Labels(**labels), read_page=READ)


def told(root: Path) -> dict[str, tuple[str, str, str | None]]:
    """Return file name to (title, game, sequencer)."""
    rows = Catalog(root).pieces().to_pylist()
    return {each["url"].rpartition("/")[2]: (each["title"], each["game"], each["sequencer"]) for each in rows}


def test_a_copied_page_tells_of_its_files_and_names_of_the_others(copy: Path, tmp_path: Path) -> None:
    totals = bring(copy, tmp_path / "data")
    assert (totals.files, totals.new, totals.listed, totals.skipped) == (3, 3, 2, {})
    assert told(tmp_path / "data") == {
        "woods.mid": ('Lost Woods - "Saria\'s Song"', "ocarina-of-time", "someone"),
        "eb%28piano%29.mid": ("Epona's Ballad", "ocarina-of-time", "someone"),
        "Not_Listed.mid": ("Not Listed", "n64", None),
    }
    assert {each["game_title"] for each in Catalog(tmp_path / "data").pieces().to_pylist()} == {OCARINA, "n64"}
    again = bring(copy, tmp_path / "data")
    assert (again.new, again.held, again.listed) == (0, 3, 2)


def test_the_command_says_how_many_are_listed_and_options_come_first(copy: Path, tmp_path: Path) -> None:
    words = ("import", str(copy.parents[3]), "--root", str(tmp_path / "data"))
    done = scrape(*words)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1] == "2 of 3 files have their titles from listing pages beside them"
    done = scrape(*words, "--game", "My Game")
    assert set(told(tmp_path / "data").values()) == {
        ('Lost Woods - "Saria\'s Song"', "my-game", "someone"),
        ("Epona's Ballad", "my-game", "someone"),
        ("Not Listed", "my-game", None),
    }


def test_a_page_that_comes_later_renames_what_was_imported_without_it(copy: Path, tmp_path: Path) -> None:
    text = (copy / "index.html").read_bytes()
    (copy / "index.html").unlink()
    assert bring(copy, tmp_path / "data").listed == 0
    assert told(tmp_path / "data")["woods.mid"] == ("woods", "n64", None)
    (copy / "index-sz.HTM").write_bytes(text)
    totals = bring(copy, tmp_path / "data")
    assert (totals.new, totals.held, totals.listed) == (2, 1, 2)
    assert len(Catalog(tmp_path / "data").pieces()) == 3
    assert told(tmp_path / "data")["woods.mid"][1:] == ("ocarina-of-time", "someone")


def test_of_names_that_differ_in_case_the_content_decides(copy: Path, tmp_path: Path) -> None:
    rows = (
        row("Route.mid", midi(5), "Route"),
        row("route.mid", midi(6), "Another Route"),
    )
    (copy / "index.html").write_bytes(page(*rows, row("changed.mid", midi(9), "Changed")))
    for path in copy.glob("*.mid"):
        path.unlink()
    (copy / "route.mid").write_bytes(midi(5))  # overwritten by Route.mid on a disk without case
    (copy / "changed.mid").write_bytes(midi(10))
    bring(copy, tmp_path / "data")
    assert sorted(title for title, *_ in told(tmp_path / "data").values()) == ["Changed", "Route"]


@pytest.mark.parametrize("fault", ["link", "large", "other", "gone", "folder"])
def test_a_page_that_cannot_be_read_costs_its_titles_only(copy: Path, tmp_path: Path, fault: str) -> None:
    place = copy / "index.html"
    text = place.read_bytes()
    place.unlink()
    if fault == "link":
        (tmp_path / "elsewhere.html").write_bytes(text)
        place.symlink_to(tmp_path / "elsewhere.html")
    elif fault == "large":
        place.write_bytes(text + b" " * limits.PAGE_BYTES)
    elif fault == "other":
        place.write_bytes(b"<html><a href='woods.mid'>my favourite tune</a><td class=header>")
    elif fault == "gone":
        os.mkfifo(place)
    else:
        place.mkdir()
    totals = bring(copy, tmp_path / "data")
    assert (totals.new, totals.listed) == (3, 0)
    assert told(tmp_path / "data")["woods.mid"] == ("woods", "n64", None)
