"""`render --query`: one page on which the pieces that a query finds can be played."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from base64 import b64decode
from pathlib import Path

import pytest

from catalog.base.errors import CatalogError, QueryError, TrainingError
from catalog.schema import FETCHED, Piece
from catalog.store import Catalog
from dataset.midi.midi_writer import write_midi
from dataset.notes.model import Notes
from tests import forked
from tests.once import Once
from tests.running import children, have_ended
from training.commands.render_query import page_path
from training.page.pieces_page import find_pieces

TURN = [60, 64, 67, 72, 65, 69, 72, 77]  # two bars of 4/4, four times: a loop that nothing marks
LOOPED = write_midi(Notes.of([n * 24 for n in range(32)], [22] * 32, TURN * 4, [80] * 32, [(0, 240.0)], [(0, 4, 4)]))
PLAIN, OTHER = (write_midi(Notes.of([0, 24, 60], [20] * 3, [50, 74, top], [70] * 3, [(0, 240.0)])) for top in (77, 79))
NO_MUSIC = b"<script>no music</script>"
OCARINA, TITLED = "Legend of Zelda, The: Ocarina of Time", "<b>Title & \u202eScreen"


def fill(root: Path) -> None:
    """Make a catalog of three pieces, the first listed twice, one that is no music, and one without its file."""
    listed = [
        ("ocarina-of-time", OCARINA, "Lost Woods", 'Ann "Nova" O\'Neil', "https://example.org/woods.mid", LOOPED),
        ("ocarina-of-time", OCARINA, "Saria's Song", None, "https://example.org/saria.mid", LOOPED),
        ("ocarina-of-time", OCARINA, "Torn Page", "Bea", "https://example.org/torn.mid", NO_MUSIC),
        ("ocarina-of-time", OCARINA, "Windmill", "Bea", "https://example.org/windmill.mid", None),
        ("ocarina-of-time", OCARINA, "Zora's Domain", "Bea", "https://example.org/zora.mid", OTHER),
        ("tetris", "Tetris", TITLED, None, "folder/title.mid", PLAIN),
    ]
    with Catalog(root).writer() as writer:
        writer.add(
            [
                Piece(
                    source="vgmusic",
                    section="piano",
                    url=url,
                    game_title=game_title,
                    game=game,
                    series="zelda" if game_title == OCARINA else game,
                    title=title,
                    state=FETCHED if data else "missing",
                    sequencer=sequencer,
                    md5=hashlib.md5(data).hexdigest() if data else None,
                    sha256=writer.put_blob(data) if data else None,
                    bytes=len(data) if data else None,
                )
                for game, game_title, title, sequencer, url, data in listed
            ]
        )


@pytest.fixture(name="root", scope="module")
def folder(once: Once, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(once("pieces-to-play", fill), tmp_path_factory.mktemp("play") / "root"))


def render(root: Path, *words: object) -> "forked.subprocess.CompletedProcess[str]":
    return forked.command("render", *words, "--root", root, env={}, cwd=root.parent)


def said(done: "forked.subprocess.CompletedProcess[str]") -> list[str]:
    """The lines on standard error, without those of progress, which a busy machine has time for."""
    return [line for line in done.stderr.splitlines() if not line.startswith("page: ")]


@pytest.fixture(name="path", scope="module")
def rendered(root: Path) -> Path:
    """The page of all pieces but one; what it cannot show is said by one line each, with the title."""
    done = render(root, "--query", "source == 'vgmusic'", "--sort", "-game,title", "--limit", 3)
    assert done.returncode == 1
    error, left_out = said(done)
    assert left_out == "3 of 4 pieces are on the page; --limit 0 shows all"
    assert error.startswith("error: not on the page: Torn Page (The Legend of Zelda: Ocarina of Time): ")
    assert error.endswith("leave it out of the query")
    path = root / "pages" / "source-vgmusic.html"
    assert done.stdout == f"{path}\n"
    return path


def test_the_page_has_title_game_maker_source_sound_roll_and_file_of_each_piece(path: Path) -> None:
    text = path.read_text()
    words = " ".join(re.sub(r"<[^>]+>", "", text).split())
    assert "Pieces of 2 games" in words
    assert "2 pieces that match source == &#39;vgmusic&#39;, sequenced by one person." in words
    assert "1 more matches, and is left out" in words
    assert "1 more matches, but the catalog has no file of it." in words
    assert "1 more matches, but its file cannot be read." in words
    assert (
        "The Legend of Zelda: Ocarina of Time · sequenced by Ann &#34;Nova&#34; O&#39;Neil · source of Lost Woods"
        in words
    )
    assert "the same file as Saria&#39;s Song (The Legend of Zelda: Ocarina of Time)" in words
    assert "loop of 2 bars from bar 1" in words
    assert "The music belongs to its composers" in words
    assert re.findall(r'<a href="(http[^"]+)"', text) == ["https://example.org/woods.mid"]
    held = {name: b64decode(data) for data, name in re.findall(r'href="data:[^,"]+,([^"]+)" download="([^"]+)"', text)}
    assert list(held.values()) == [PLAIN, LOOPED]
    assert list(held) == ["b-Title-Screen.mid", "Lost-Woods.mid"]
    assert len(re.findall(r'src="data:audio/mpeg;base64,[\w+/=]{1000,}"', text)) == 2
    assert text.count('<svg xmlns="http://www.w3.org/2000/svg" class="roll"') == 2


def test_no_text_of_others_becomes_markup_and_no_id_stands_twice(path: Path) -> None:
    text = path.read_text()
    assert "<b>Title" not in text
    assert "&lt;b&gt;Title" in text
    assert "\u202e" not in text
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', text)) <= set(ids)


def test_the_page_is_written_where_one_says(tmp_path: Path) -> None:
    for out, query, expected in (
        ("play.html", "bytes > 0", "play.html"),
        ("play", "game == 'ocarina-of-time'", "play/ocarina-of-time.html"),
        ("play", "series == 'zelda'", "play/series-zelda.html"),
    ):
        assert page_path(tmp_path / out, query) == tmp_path / expected
    more, less = (page_path(tmp_path, query) for query in ("bytes > 9", "bytes < 9"))
    assert more != less
    assert more.name.startswith("bytes-9-")


@pytest.mark.parametrize(
    "words, code, says",
    [
        (
            ("--query", "game == 'ocarina'"),
            1,
            "no piece matches game == 'ocarina'; no game 'ocarina'; nearest: 'ocarina-of-time'",
        ),
        (("--query", "title == 'Torn Page'"), 1, "none of the 1 pieces can be read"),
        (("--query", "bytes > 0", "--audio", "--format", "ogg"), 2, "leave out --audio, --format"),
        (("--query", "bytes > 0", "a.mid"), 2, "--query and a.mid exclude each other"),
        (("a.mid", "--limit", "3"), 2, "without --query, leave out --limit"),
    ],
)
def test_mistakes_are_one_line_and_leave_no_page(root: Path, words: tuple[str, ...], code: int, says: str) -> None:
    before = sorted(root.rglob("*.html"))
    done = render(root, *words)
    assert (done.returncode, says in said(done)[-1]) == (code, True), done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(root.rglob("*.html")) == before


def test_what_cannot_be_found_is_said_as_elsewhere(root: Path, tmp_path: Path) -> None:
    with pytest.raises(QueryError, match=r"titel.*nearest: title"):
        find_pieces(root, "titel == 'x'")
    with pytest.raises(QueryError, match="size"):
        find_pieces(root, "bytes > 0", sort="size")
    with pytest.raises(CatalogError, match="the catalog is empty; run `make scrape`"):
        find_pieces(tmp_path, "bytes > 0")
    with pytest.raises(TrainingError, match="none of the 1 pieces that match has a file yet"):
        find_pieces(root, "title == 'Windmill'")


@pytest.mark.skipif(sys.platform != "linux", reason="looks for child processes in /proc")
def test_ctrl_c_while_pieces_are_rendered_leaves_the_page_of_before(tmp_path: Path) -> None:
    catalog, page = tmp_path / "root", tmp_path / "out" / "page.html"
    page.parent.mkdir()
    page.write_text("the page of before")
    long = [Notes.of([n * 12 for n in range(1500)], [11] * 1500, [top] * 1500, [80] * 1500) for top in range(40, 80)]
    with Catalog(catalog).writer() as writer:
        blobs = [writer.put_blob(write_midi(notes)) for notes in long]
        writer.add(
            [
                Piece(
                    source="own", section="piano", url=f"{at}.mid", game_title="Tetris", game="tetris", series="tetris",
                    title=f"Piece {at}", state=FETCHED, sha256=sha256, bytes=1,
                )
                for at, sha256 in enumerate(blobs)
            ]
        )  # fmt: skip
    line = [Path(sys.executable).with_name("render"), "--query", "game == 'tetris'", "--limit", "0", "--out", page]
    process = subprocess.Popen(
        [*map(str, line), "--root", str(catalog)], stderr=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    while not (workers := children(process.pid)) and process.poll() is None:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, error = process.communicate(timeout=60)
    assert workers
    assert process.returncode == 130
    assert [line for line in error.splitlines() if not line.startswith("page")] == [
        "stopped: no page was written; run the same command to start again"
    ]
    assert page.read_text() == "the page of before"
    assert [*page.parent.iterdir()] == [page]
    assert have_ended(workers)
