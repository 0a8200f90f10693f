"""Sections from the site's menu: found, matched by name, crawled together."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.base.errors import FetchError, ListingError, UsageError
from catalog.store import Catalog
from scraper.http.fetch import Fetcher
from scraper.vgmusic.crawl import crawl_sections
from scraper.vgmusic.menu import choose_sections, read_menu
from scraper.vgmusic.urls import MUSIC, section_name, site
from tests.scraper.conftest import HURRIED, PIANO, Server, midi, page, row
from tests.scraper.test_cli import here, scrape

SNES, GEN, EMPTY = "/music/console/nintendo/snes/", "/music/console/sega/genesis/", "/music/console/microsoft/xboxone/"
EMPTY_PAGE = b"<html><table><tr class='header'><th class='header'>Song Title</th></tr></table></html>"
SITE = site("https://www.vgmusic.com")


def menu(*links: tuple[str, str]) -> bytes:
    """Return a page like /music/.

    Cells and paragraphs are unclosed, and the first menu has site information.
    """
    first = '<p class="menuhead">Site<p class="menu"><a href="/">Home</a><br><a href="/information/">About</a>'
    rest = "".join(f'<a href="{href}">{title}</a><br>\n' for href, title in links)
    return (
        f'<html><body><p class="menu"><a href="./music/not/in/sidebar/">X</a></p><div id="sidebar">{first}'
        f'<p class="menularge">Nintendo &amp; Co</p><p class="menu">{rest}</div><p>text <a href="/music/no/menu/">Y</a>'
    ).encode()


THREE = (("./music/console/nintendo/snes/", "Super Nintendo"), (GEN, "Sega Genesis"), (EMPTY, "Xbox One"))


@pytest.fixture
def fetcher(server: Server) -> Fetcher:
    server.files |= {
        MUSIC: menu(*THREE, ("music/other/miscellaneous/piano/", "Piano Only")),
        SNES: page(row("a.mid", midi(1)), row("b.mid", midi(2))),
        SNES + "a.mid": midi(1),
        SNES + "b.mid": midi(2),
        GEN: page(row("a.mid", midi(3)), row("c.mid", midi(1))),
        GEN + "a.mid": midi(3),
        EMPTY: EMPTY_PAGE,
        PIANO: page(row("p.mid", midi(4))),
        PIANO + "p.mid": midi(4),
    }
    return Fetcher(site(server.base_url, True), 0.0, patience=HURRIED)


def test_the_menu_gives_sections_groups_and_nothing_else() -> None:
    found = read_menu(menu(*THREE, (GEN, "again"), ("ftp://www.vgmusic.com/music/x/", "not of the web")), SITE)
    assert [(one.name, one.path, one.title) for one in found] == [
        ("console-nintendo-snes", SNES, "Super Nintendo"),
        ("console-sega-genesis", GEN, "Sega Genesis"),
        ("console-microsoft-xboxone", EMPTY, "Xbox One"),
    ]
    assert {one.group for one in found} == {"Nintendo & Co"}


@pytest.mark.parametrize(
    "href",
    [
        "https://evil.example/music/a/",
        "//evil.example/music/a/",
        "/music/../etc/",
        "/music/a/%2e%2e/b/",
        "/music/a/?x=1",
        "/music/a b/",
        "/music/a",
        "/music/",
        "javascript:alert(1)",
        "https://user@www.vgmusic.com/music/a/",
        "/music/" + "a/" * 9,
        "/music/" + "a" * 61 + "/",
        "",
    ],
)
def test_a_link_that_is_no_section_is_not_followed(href: str) -> None:
    assert [one.path for one in read_menu(menu((href, "Bad"), (SNES, "Good")), SITE)] == [SNES]
    assert section_name(href) is None


def test_a_page_without_a_menu_is_an_error() -> None:
    with pytest.raises(ListingError, match="layout"):
        read_menu(
            b"<p class='menu'><a href='/information/'>x</a><a href='https://elsewhere.example/music/a/'>y</a>", SITE
        )


@pytest.mark.parametrize("base", ["https://www.vgmusic.com", "http://127.0.0.1:8000"])
@pytest.mark.parametrize(
    "href",
    [
        "/music/console/sega/genesis/",
        "./music/console/sega/genesis/",
        "music/console/sega/genesis/index.html",
        "console/sega/genesis/",
        "./console/sega/genesis/",
        "../music/console/sega/genesis/",
        "http://www.vgmusic.com/music/console/sega/genesis/",
        "https://vgmusic.com/music/console/sega/genesis/",
        "//WWW.vgmusic.com/music/console/sega/genesis/",
    ],
)
def test_links_of_every_form_lead_to_the_same_section(href: str, base: str) -> None:
    found = read_menu(menu((href, "Genesis")), site(base, True))
    assert [(one.name, one.path, one.title) for one in found] == [("console-sega-genesis", GEN, "Genesis")]


COUNTED = f"""<p class="menuhead">Site<p class="menu"><a href="/updates/">Updates</a> <strong>1</strong><br>
<p class="menularge">\n Sega\n</p><p class="menu"><a href="{GEN}">Sega <b>Genesis</b></a>\n (2,413) \n <br>
<a href="./music/console/sega/32x/">Sega 32X (63)</a> <br> <a href="/music/console/sega/game/">Game 64\n (1)<br>
<a href="/music/console/sega/">All of Sega</a> (0)</p>"""


@pytest.mark.parametrize("frame", ["<div id='sidebar'>{}</div>", "<body>{}</body>"])
def test_numbers_of_files_behind_links_are_not_read_and_a_sidebar_is_not_needed(frame: str) -> None:
    found = read_menu(frame.format(COUNTED).encode(), SITE)
    assert [(one.name, one.title, one.group) for one in found] == [
        ("console-sega-genesis", "Sega Genesis", "Sega"),
        ("console-sega-32x", "Sega 32X", "Sega"),
        ("console-sega-game", "Game 64", "Sega"),
        ("console-sega", "All of Sega", "Sega"),
    ]


def test_a_page_without_marked_menus_is_read_by_its_links() -> None:
    page = f"<h2>Sega</h2><ul><li><a href='console/sega/'>Sega</a><li><a href='{GEN}'>Genesis</a> (2,413)</ul>"
    assert [(one.path, one.title) for one in read_menu(page.encode(), SITE)] == [
        ("/music/console/sega/", "Sega"),
        (GEN, "Genesis"),
    ]


def test_a_group_of_sections_without_files_is_no_failure(server: Server, tmp_path: Path) -> None:
    links = ("console/sega/", "Sega"), (GEN, "Genesis")
    server.files |= {
        MUSIC: menu(*links),
        GEN: page(row("a.mid", midi(3))),
        "/music/console/sega/": b"<html><body><a href='genesis/'>Genesis</a></body></html>",
    }
    done = scrape("vgmusic", "--section", "all", "--dry-run", *here(server, tmp_path))
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "2 sections = 1 done + 1 empty + 0 failed")


@pytest.mark.real
def test_the_menu_with_counts_in_the_case_file(scraper_cases: Path, server: Server, tmp_path: Path) -> None:
    server.files[MUSIC] = (scraper_cases / "menu_with_counts.html").read_bytes()
    with Fetcher(site(server.base_url, True), 0.0, patience=HURRIED) as fetcher:
        titles = [one.title for one in choose_sections(tmp_path, fetcher, "all")]
        assert titles == ["NES", "SNES", "Sony PlayStation", "Sony PlayStation 2", "Xbox", "Xbox 360", "Xbox One"]
        for wanted, name in (
            ("NES", "console-nintendo-nes"),
            ("Sony PlayStation", "console-sony-ps1"),
            ("Xbox", "console-microsoft-xbox"),
        ):
            assert [one.name for one in choose_sections(tmp_path, fetcher, wanted)] == [name]


@given(st.text(alphabet="<>/=\"'apdivmenuid #sidebarclass.music!-", max_size=300))
def test_no_page_upsets_the_reader_of_menus(text: str) -> None:
    with suppress(ListingError):
        read_menu((text + "<p id=sidebar><p class=menu><a href=/music/a/>x").encode(), SITE)


def test_all_sections_are_crawled_in_one_session(fetcher: Fetcher, server: Server, tmp_path: Path) -> None:
    sections = choose_sections(tmp_path, fetcher, "all")
    outcomes = list(crawl_sections(tmp_path, fetcher, sections))
    totals = {one.section.name: one.totals for one in outcomes}
    assert [(name, one.fetched, one.twins + one.held) if one else name for name, one in totals.items()] == [
        ("console-nintendo-snes", 2, 0),
        ("console-sega-genesis", 1, 1),  # c.mid is the first section's a.mid
        "console-microsoft-xboxone",
        ("piano", 1, 0),
    ]
    assert [one.section.name for one in outcomes if one.empty] == ["console-microsoft-xboxone"]
    asked = [seen.path for seen in server.log]
    files = [[SNES, SNES + "a.mid", SNES + "b.mid"], [GEN, GEN + "a.mid"], [EMPTY], [PIANO, PIANO + "p.mid"]]
    assert asked == ["/robots.txt", MUSIC, *(path for one in files for path in one)]
    assert set(Catalog(tmp_path).pieces()["section"].to_pylist()) == {
        "console-nintendo-snes",
        "console-sega-genesis",
        "piano",
    }
    assert len(Catalog(tmp_path).pieces()) == 5
    assert Catalog(tmp_path).verify().ok
    server.log.clear()
    assert [one.totals.held for one in crawl_sections(tmp_path, fetcher, sections) if one.totals] == [2, 2, 1]
    assert [seen.path for seen in server.log] == [SNES, GEN, EMPTY, PIANO]
    assert set(Catalog(tmp_path).pieces()["gone_since"].to_pylist()) == {None}


def test_the_limit_is_over_all_sections(fetcher: Fetcher, tmp_path: Path) -> None:
    outcomes = crawl_sections(tmp_path, fetcher, choose_sections(tmp_path, fetcher, "all"), limit=3)
    assert [one.totals.fetched for one in outcomes if one.totals] == [2, 1, 0]


def test_a_section_that_is_gone_costs_itself_and_trouble_the_rest(
    fetcher: Fetcher, server: Server, tmp_path: Path
) -> None:
    del server.files[SNES]
    sections = choose_sections(tmp_path, fetcher, "all")
    problems = [one.problem for one in crawl_sections(tmp_path, fetcher, sections)]
    assert "http_404" in (problems[0] or "")
    assert problems[1] is None
    server.files[EMPTY] = EMPTY_PAGE[:30]  # cut short: no proof that it is empty
    assert [
        (one.empty, "is incomplete" in (one.problem or "")) for one in crawl_sections(tmp_path, fetcher, sections[2:3])
    ] == [(False, True)]
    server.for_ever = True
    server.faults[GEN] = [lambda handler: handler.reply(503)]
    with pytest.raises(FetchError, match="http_503"):
        list(crawl_sections(tmp_path, fetcher, sections))


def test_a_section_is_meant_by_path_name_or_title(fetcher: Fetcher, server: Server, tmp_path: Path) -> None:
    assert choose_sections(tmp_path, fetcher, "piano")[0].path == PIANO
    assert [choose_sections(tmp_path, fetcher, path)[0].name for path in (SNES, PIANO)] == [
        "console-nintendo-snes",
        "piano",
    ]
    assert server.log == []
    for words in ("snes", "Super Nintendo", "super", "console-nintendo-snes"):
        assert [one.path for one in choose_sections(tmp_path, fetcher, words)] == [SNES]
    with pytest.raises(UsageError, match=r"nearest: .*genesis"):
        choose_sections(tmp_path, fetcher, "sega-genesys")
    with pytest.raises(UsageError, match="not the path of a section"):
        choose_sections(tmp_path, fetcher, "/music/../x/")


def test_a_section_that_robots_txt_refuses_is_left_out(fetcher: Fetcher, server: Server, tmp_path: Path) -> None:
    server.files["/robots.txt"] = f"User-agent: *\nDisallow: {GEN}\n".encode()
    assert GEN not in [one.path for one in choose_sections(tmp_path, fetcher, "all")]


@pytest.mark.usefixtures("fetcher")
def test_the_command_tells_of_each_section(server: Server, tmp_path: Path) -> None:
    done = scrape("vgmusic", "--section", "all", *here(server, tmp_path))
    assert done.returncode == 0
    assert "piano:\nlisted 1 = 0 already held" in done.stdout
    assert done.stdout.endswith("4 sections = 3 done + 1 empty + 0 failed\n")
    assert "console-microsoft-xboxone: no song in the page" in done.stderr
    del server.files[GEN]
    again = scrape("vgmusic", "--section", "all", *here(server, tmp_path))
    assert (again.returncode, "2 done + 1 empty + 1 failed" in again.stdout) == (1, True)
    plan = scrape("vgmusic", "--section", "all", "--dry-run", *here(server, tmp_path))
    assert "console-nintendo-snes: listed 2: 2 held" in plan.stdout
