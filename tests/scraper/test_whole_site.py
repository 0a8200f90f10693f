"""The whole site by a replica of 58 sections, whatever form its menu has."""

import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from catalog.base.errors import UsageError
from catalog.store import Catalog
from scraper.http.fetch import Fetcher
from scraper.vgmusic.menu import choose_sections
from scraper.vgmusic.urls import section_name, site
from tests import forked
from tests.scraper.conftest import HURRIED, Server
from tests.scraper.replica import EMPTY, FORMS, GROUP_PAGES, MUSIC, SECTIONS, menu_page, music, songs, write_replica


class Quiet(SimpleHTTPRequestHandler):
    """Serves the files of a folder as Apache does, without a log."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Return a function that writes a replica with a menu and returns its address."""
    folder = tmp_path / "site"
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        server.daemon_threads, server.block_on_close = True, False
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()

        def write(menu: str) -> str:
            write_replica(folder, menu)
            return f"http://127.0.0.1:{server.server_address[1]}"

        yield write
        server.shutdown()
        thread.join()


def here(address: str, root: Path) -> tuple[str, ...]:
    return ("--base-url", address, "--allow-private-hosts", "--delay", "0", "--root", str(root))


def test_the_replica_has_58_sections_of_as_many_names() -> None:
    assert len(SECTIONS) == 58
    assert len({section_name(MUSIC + path) for _, path, _ in SECTIONS} - {None}) == 58
    assert len({title for *_, title in SECTIONS}) == 58


@pytest.mark.parametrize("counts", [True, False], ids=["counts", "plain"])
@pytest.mark.parametrize("form", FORMS)
def test_each_form_of_the_menu_gives_58_sections_and_a_title_exactly_one(
    form: Callable[[bool], str], counts: bool, server: Server, tmp_path: Path
) -> None:
    server.files[MUSIC] = menu_page(form(counts))
    wanted = [(MUSIC + path, title) for _, path, title in SECTIONS]
    with Fetcher(site(server.base_url, True), 0.0, patience=HURRIED) as fetcher:
        found = [(one.path, one.title) for one in choose_sections(tmp_path, fetcher, "all")]
        assert [one for one in found if one[0] not in GROUP_PAGES] == wanted
        for each in ("NES", "Xbox", "Comedy & Memes"):
            chosen = choose_sections(tmp_path, fetcher, each)
            assert [(one.path, one.title) for one in chosen] == [one for one in wanted if one[1] == each]
        with pytest.raises(UsageError, match="matches 4 sections"):
            choose_sections(tmp_path, fetcher, "Sony PlayS")


def test_the_command_reads_every_section_and_none_fails(serve: Callable[[str], str], tmp_path: Path) -> None:
    address, root = serve(music(True)), tmp_path / "data"
    done = forked.command("scrape", "vgmusic", "--section", "all", "--dry-run", *here(address, root))
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "60 sections = 56 done + 4 empty + 0 failed")
    nes = forked.command("scrape", "vgmusic", "--section", "NES", *here(address, root))
    assert nes.returncode == 0
    held = Catalog(root).pieces(columns=["section", "game_title"]).to_pylist()
    number = next(number for number, (_, _, title) in enumerate(SECTIONS) if title == "NES")
    assert held == [{"section": "console-nintendo-nes", "game_title": "Game of NES"}] * songs(number)
    assert len(EMPTY) + len(GROUP_PAGES) == 4
