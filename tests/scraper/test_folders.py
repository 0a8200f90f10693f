"""The game of a file from the names of its folders."""

import re
import urllib.parse
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from catalog.games import game_of
from catalog.store import Catalog
from scraper.local.import_files import import_files
from scraper.source.folders import folder_game
from tests.scraper.conftest import midi


@pytest.mark.parametrize(
    "folders, title",
    [
        (["Quest of Moss {Jane Doe}", "Disc 2", "midi"], "Quest of Moss"),
        (["Music", "Quest of Moss_ The Fern", "CD1"], "Quest of Moss: The Fern"),
        (["Quest of Moss", "Disk B of 2"], "Quest of Moss"),
        (["Quest of Moss", "03"], "Quest of Moss"),
        (["midi"], "midi"),
        (["Disc 1", "MIDIs"], "MIDIs"),
        (["Moss", "1942"], "1942"),
        (["Moss", "___", " "], "Moss"),
        ([], "untitled"),
    ],
)
def test_folders_within_that_of_a_game_are_passed_over(folders: list[str], title: str) -> None:
    assert folder_game(folders) == title


@pytest.mark.parametrize(
    "name, title",
    [
        ("Quest of Moss The Fern Returns", "Quest of Moss: The Fern Returns"),
        ("Quest of Moss A Fern Returns", "Quest of Moss: A Fern Returns"),
        ("Quest of Moss the Fern", "Quest of Moss the Fern"),
        ("Lord Of The Ferns", "Lord Of The Ferns"),
        ("Super Moss A (Japan)", "Super Moss A (Japan)"),
        ("Sonic The Hedgehog 2 (GameGear)", "Sonic The Hedgehog 2 (GameGear)"),
        ("Legend of Zelda, The The Wind Waker", "Legend of Zelda, The: The Wind Waker"),
    ],
)
def test_a_colon_that_was_left_out_is_put_back_before_a_subtitle_in_capitals(name: str, title: str) -> None:
    assert folder_game([name]) == title


def test_folders_and_archives_of_a_changed_title_give_one_game(tmp_path: Path) -> None:
    mine = tmp_path / "Mine"
    for number, name in enumerate(("Legend of Zelda, The_ Ocarina of Time", "Legend_of_Zelda,_The__Ocarina_of_Time")):
        (mine / name / "midi").mkdir(parents=True)
        (mine / name / "midi" / "1.mid").write_bytes(midi(number))
    with zipfile.ZipFile(mine / "Legend of Zelda, The Ocarina of Time {Jane Doe}.zip", "w") as archive:
        archive.writestr("Disc 1/1.mid", midi(3))
    import_files(tmp_path / "data", [mine])
    rows = Catalog(tmp_path / "data").pieces().to_pylist()
    assert [row["game"] for row in rows] == ["ocarina-of-time"] * 3
    assert {row["game_title"] for row in rows} == {"Legend of Zelda, The: Ocarina of Time"}


Replace = Callable[[str], str]
REPLACEMENTS: dict[str, Replace] = {
    "colon to _": lambda title: title.replace(":", "_"),
    "colon to -": lambda title: title.replace(":", "-"),
    "colon dropped": lambda title: title.replace(":", ""),
    "every odd character to _": lambda title: re.sub(r"[^\w .()-]", "_", title),
    "all but letters and digits to _": lambda title: re.sub(r"[^A-Za-z0-9 ]", "_", title),
    "what Windows forbids to _": lambda title: re.sub(r'[<>:"/\\|?*]', "_", title),
    "what Windows forbids dropped": lambda title: re.sub(r'[<>:"/\\|?*]', "", title),
    "percent escapes": lambda title: urllib.parse.quote(title, safe=" "),
    "spaces to _": lambda title: title.replace(" ", "_"),
}


@pytest.mark.real
@pytest.mark.parametrize("replacement", REPLACEMENTS)
def test_of_the_real_titles_at_most_1_of_100_pieces_gets_another_game(replacement: str, real_titles: Path) -> None:
    listed = [line.rsplit("\t", 1) for line in real_titles.read_text(encoding="utf-8").splitlines()]
    wrong = {
        title: int(pieces)
        for title, pieces in listed
        if game_of(folder_game(["Mine", REPLACEMENTS[replacement](title)])).game != game_of(title).game
    }
    assert sum(wrong.values()) <= 0.01 * sum(int(pieces) for _, pieces in listed), wrong


@pytest.mark.real
def test_the_names_of_folders_in_the_case_file(scraper_cases: Path) -> None:
    lines = (scraper_cases / "folder_names.txt").read_text(encoding="utf-8").splitlines()
    cases = [line.split("\t") for line in lines if not line.startswith("#")]
    assert len(cases) >= 9
    for name, expected in cases:
        game = game_of(folder_game(["Mine", name]))
        assert expected in (game.game, f"series {game.series}"), name
