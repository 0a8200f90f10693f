"""The demo site: built once, reproducible, and scraped like the real site."""

import http.client
import json
import shutil
from pathlib import Path

import pytest

from catalog.base.errors import ScrapeError, UsageError
from catalog.store import Catalog
from scraper.demo.pieces import STAND_INS, StandIn
from scraper.demo.server import serve_folder
from scraper.demo.site import build_demo_site, serve_demo_site
from scraper.http.fetch import Fetcher
from scraper.vgmusic.crawl import crawl_section
from scraper.vgmusic.urls import SECTIONS, link_problem, site
from tests import forked

FEW = (
    StandIn("Legend Of Zelda, The: Ocarina Of Time", "bach/bwv103.6", "Bach, Chorale BWV 103.6"),
    StandIn("Legend Of Zelda, The: Ocarina Of Time", "no/such/work", "Nobody, Nothing"),
    StandIn("Chrono Trigger", "bach/bwv16.6", "Bach, Chorale BWV 16.6"),
)


def test_the_list_has_the_headings_that_the_three_commands_need() -> None:
    games = [piece.game for piece in STAND_INS]
    assert len(games) >= 60
    assert games.count("Legend Of Zelda, The: Ocarina Of Time") >= 12
    assert sum("Zelda" in game for game in games) >= 45
    assert len({piece.file for piece in STAND_INS}) == len(STAND_INS)
    assert all(link_problem(piece.file) is None and piece.title.startswith("Stand-in: ") for piece in STAND_INS)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "site"
    assert build_demo_site(folder, stand_ins=FEW) == 2
    return folder


def files(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(p.relative_to(folder)): (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.rglob("*") if p.is_file()
    }


def test_it_is_made_once_and_a_piece_that_fails_costs_one_line(made: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = files(made)
    assert build_demo_site(made, stand_ins=FEW) == 2
    assert files(made) == before
    assert capfd.readouterr().err == ""
    assert b"Nobody" not in before["music/other/miscellaneous/piano/index.html"][0]


def test_it_is_scraped_whole_and_again_with_one_request(made: Path, tmp_path: Path) -> None:
    seen: list[str] = []
    with serve_folder(made, on_request=seen.append) as base_url:
        for _ in range(2):
            seen.clear()
            with Fetcher(site(base_url, True), 0) as fetcher:
                totals = crawl_section(tmp_path, fetcher)
        assert (totals.held, totals.unchanged, seen) == (2, True, [SECTIONS["piano"]])
    rows = Catalog(tmp_path).pieces().to_pylist()
    assert [(row["game"], row["title"], row["sequencer"]) for row in rows] == [
        ("chrono-trigger", "Stand-in: Bach, Chorale BWV 16.6", "music21 corpus"),
        ("ocarina-of-time", "Stand-in: Bach, Chorale BWV 103.6", "music21 corpus"),
    ]


def test_another_list_is_made_anew_with_the_same_bytes(made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    shutil.copytree(made, folder)
    name = FEW[0].file
    piano = folder / SECTIONS["piano"].strip("/")
    (piano / FEW[2].file).write_bytes(b"stale")
    assert build_demo_site(folder, stand_ins=FEW[:1]) == 1
    assert [path.name for path in piano.glob("*.mid")] == [name]
    assert (piano / name).read_bytes() == (made / SECTIONS["piano"].strip("/") / name).read_bytes()


def ask(base_url: str, path: str, **headers: str) -> tuple[int, dict[str, str]]:
    connection = http.client.HTTPConnection(base_url.removeprefix("http://"), timeout=5)
    connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status, dict(response.headers)


def test_it_answers_as_apache_does(made: Path) -> None:
    piano = SECTIONS["piano"]
    with serve_folder(made) as base_url:
        status, headers = ask(base_url, piano + FEW[0].file)
        assert (status, headers["Content-Type"]) == (200, "audio/midi")
        status, headers = ask(base_url, piano, Accept_Encoding="gzip")
        assert (status, headers["Content-Encoding"], headers["ETag"][-6:]) == (200, "gzip", '-gzip"')
        tag, date = headers["ETag"], headers["Last-Modified"]
        assert ask(base_url, piano, If_None_Match=tag, If_Modified_Since=date)[0] == 200
        assert ask(base_url, piano, If_None_Match=tag.replace("-gzip", ""))[0] == 304
        assert ask(base_url, piano, If_Modified_Since=date)[0] == 304
        assert ask(base_url, piano.rstrip("/"))[0] == 301


@pytest.mark.parametrize(
    "path", ["/../../etc/passwd", "/%2e%2e/x", "/.made.json", "/.lock", "//etc/passwd", "/music/../.lock"]
)
def test_it_serves_nothing_but_the_site(made: Path, path: str) -> None:
    with serve_folder(made) as base_url:
        assert ask(base_url, path)[0] == 404


def test_a_port_that_is_taken_is_one_clear_line(made: Path) -> None:
    with (
        serve_folder(made) as base_url,
        pytest.raises(ScrapeError, match="--port"),
        serve_folder(made, int(base_url[-5:])),
    ):
        pass


def test_its_address_stays_the_same_from_one_time_to_the_next(made: Path) -> None:
    with serve_demo_site(made) as first, serve_demo_site(made) as beside:
        assert beside != first
    with serve_demo_site(made) as second, serve_folder(made) as other:
        assert second == beside
        assert other != second


def test_somebodys_mirror_is_left_as_it_is(tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    section = mirror / SECTIONS["piano"].strip("/")
    section.mkdir(parents=True)
    (section / "theirs.mid").write_bytes(b"MThd theirs")
    (section / FEW[0].file).write_bytes(b"MThd theirs too")
    before = files(mirror)
    with pytest.raises(UsageError, match="--dir"):
        build_demo_site(mirror, stand_ins=FEW)
    assert files(mirror) == before  # not even a lock


@pytest.mark.parametrize("kind", ["a file", "a hidden file", "a deep file", "a link to a folder", "a damaged record"])
def test_a_folder_that_is_not_empty_needs_a_record_of_ours(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "deep").mkdir(parents=True)
    made = {"a file": "x", "a hidden file": ".x", "a deep file": "deep/x", "a damaged record": ".made.json"}
    if kind == "a link to a folder":
        (folder / "music").symlink_to(tmp_path)
    else:
        (folder / made[kind]).write_bytes(b"{}")
    done = forked.command("scrape", "demo-site", "--dir", folder, "--port", 0, "--", "true")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert str(folder) in done.stderr
    assert "--dir" in done.stderr
    left = {"music" if kind == "a link to a folder" else made[kind].partition("/")[0], "deep"}
    assert {path.name for path in folder.iterdir()} == left


def test_only_what_the_record_names_is_removed(made: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(made, tmp_path / "site"))
    piano = folder / SECTIONS["piano"].strip("/")
    (piano / "mine.mid").write_bytes(b"MThd mine")
    assert build_demo_site(folder, stand_ins=FEW[:1]) == 1
    assert sorted(path.name for path in piano.glob("*.mid")) == sorted([FEW[0].file, "mine.mid"])
    assert (piano / "mine.mid").read_bytes() == b"MThd mine"
    record = json.loads((folder / ".made.json").read_text())
    (folder / ".made.json").write_text(json.dumps({**record, "key": "another", "files": ["../../../../mine.txt"]}))
    (folder / "mine.txt").write_text("mine")
    assert build_demo_site(folder, stand_ins=FEW[:1]) == 1
    assert (folder / "mine.txt").read_text() == "mine"


def test_a_site_of_an_earlier_version_is_completed_and_nothing_of_it_removed(made: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(made, tmp_path / "site"))
    record = json.loads((folder / ".made.json").read_text())
    del record["files"]
    (folder / ".made.json").write_text(json.dumps(record))
    before = {name: held for name, held in files(folder).items() if name != ".made.json"}
    assert build_demo_site(folder, stand_ins=FEW) == 2
    assert {name: held for name, held in files(folder).items() if name != ".made.json"} == before
    assert json.loads((folder / ".made.json").read_text())["files"] == [piece.file for piece in FEW]
