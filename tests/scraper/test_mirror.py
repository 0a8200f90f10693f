"""`scrape mirror`: directory listings of real and simulated servers."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from html import escape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest

from catalog.base.errors import EmptyListingError, FetchError, ListingError, UsageError
from catalog.store import Catalog
from scraper.crawl.crawl import crawl_source, survey_source
from scraper.crawl.totals import Totals
from scraper.http import limits
from scraper.http.audit import audit_journal
from scraper.http.fetch import Fetcher
from scraper.local.import_files import import_files
from scraper.mirror.source import MIRROR
from scraper.sources import list_sections
from tests.scraper.conftest import HURRIED, Server, midi
from tests.scraper.test_cli import scrape

SITE = "https://www.example.org/midi/"
FILES = {
    "Legend_of_Zelda, The/Title (100%) & More.mid": midi(1),
    "Legend_of_Zelda, The/cave/B;side?.MID": midi(2),
    "スーパーマリオ/ünï'#1.mid": midi(3),
    "top 1.2.mid": midi(4),
}


def apache(*names: str, path: str = "/midi/") -> bytes:
    """Return a page of Apache's mod_autoindex, with its sort and parent links."""
    parent = path.rstrip("/").rpartition("/")[0] + "/"
    rows = "\n".join(
        f'<img src="/icons/sound2.gif" alt="[SND]"> <a href="{quote(name)}">{escape(name[:20])}</a>  2004-11-02 09:14  12K'
        for name in names
    )
    return (
        f'<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2 Final//EN">\n<html><head><title>Index of {path}</title></head>\n<body>'
        f'<h1>Index of {path}</h1>\n<pre><a href="?C=N;O=D">Name</a> <a href="?C=M;O=A">Last modified</a><hr>'
        f'<a href="{parent}">Parent Directory</a>  -\n{rows}\n<hr></pre>\n<address>Apache</address></body></html>\n'
    ).encode()


@dataclass
class Mirror:
    """Runs against one server into one data root."""

    server: Server
    root: Path
    path: str = "/midi/"

    def fetcher(self) -> Fetcher:
        return Fetcher(MIRROR.site(self.server.base_url + self.path, True), 0.0, patience=HURRIED)

    def __call__(self, limit: int | None = None) -> Totals:
        with self.fetcher() as fetcher:
            [section] = fetcher.site.sections
            totals = crawl_source(MIRROR, self.root, fetcher, section, limit)
        parts = ("held", "twins", "fetched", "missing", "quarantined", "unsafe", "not_asked")
        assert totals.listed == sum(getattr(totals, part) for part in parts)
        assert Catalog(self.root).verify().ok
        assert audit_journal(self.root).problems == ()
        [counted] = list_sections(self.root).to_pylist()
        assert counted["listed"] == totals.listed
        assert counted["held"] == totals.held + totals.twins + totals.fetched
        return totals

    def publish(self, files: dict[str, bytes], below: str = "/midi/") -> None:
        """Serve these files, an Apache listing of each folder, and robots.txt."""
        self.server.files = {"/robots.txt": self.server.files["/robots.txt"]}
        children: dict[str, dict[str, None]] = {below: {}}
        for name, data in files.items():
            self.server.files[quote(below + name)] = data
            *folders, last = name.split("/")
            here = below
            for folder in folders:
                children.setdefault(here, {})[folder + "/"] = None
                here += folder + "/"
            children.setdefault(here, {})[last] = None
        for path, names in children.items():
            self.server.files[quote(path)] = apache(*names, path=path)

    def rows(self) -> dict[str, dict[str, object]]:
        return {row["title"]: row for row in Catalog(self.root).pieces().to_pylist()}


@pytest.fixture
def mirror(server: Server, tmp_path: Path) -> Mirror:
    return Mirror(server, tmp_path / "data")


@pytest.fixture
def folder_site(tmp_path: Path) -> Iterator[str]:
    """Serve FILES, an empty folder and other files with Python's http.server."""
    top = tmp_path / "site"
    for name, data in FILES.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(data)
    (top / "empty").mkdir()
    (top / "readme.txt").write_text("not asked for")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(top))) as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{made.server_address[1]}"
        made.shutdown()
        thread.join()


def test_the_command_takes_in_what_pythons_server_lists_and_games_are_those_of_an_import(
    folder_site: str, tmp_path: Path
) -> None:
    words = ["mirror", folder_site, "--allow-private-hosts", "--delay", "0", "--root", str(tmp_path / "data")]
    planned = scrape(*words, "--dry-run")
    assert planned.stdout.startswith("listed 4: 0 held, 0 unsafe, 4 files to request"), planned
    done = scrape(*words)
    assert (done.returncode, done.stderr) == (0, "")
    assert "listed 4 = 0 already held + 0 duplicates + 4 fetched" in done.stdout
    again = scrape(*words)
    assert "listed 4 = 4 already held" in again.stdout
    assert "in 5 requests" in again.stdout  # a page for each of five folders
    checked = scrape("journal", "--check", "--root", str(tmp_path / "data"))
    assert (checked.returncode, ": 0 problems" in checked.stdout) == (0, True)

    import_files(tmp_path / "imported", [tmp_path / "site"])
    columns = ["md5", "game_title", "game", "series", "title"]
    ours, theirs = (
        {row["md5"]: row for row in Catalog(tmp_path / name).pieces(columns=columns).to_pylist()}
        for name in ("data", "imported")
    )
    top = Catalog(tmp_path / "data").pieces("title == 'top 1.2'", ["md5", "source"]).to_pylist()[0]
    assert top["source"] == "mirror"
    assert ours.pop(top["md5"])["game_title"] == "127.0.0.1"  # it lies in no folder
    theirs.pop(top["md5"])
    assert ours == theirs


def test_apaches_pages_are_read_and_only_downwards(mirror: Mirror, server: Server) -> None:
    mirror.publish(FILES | {"cover.jpg": b""})
    server.files["/secret.mid"] = midi(9)
    assert mirror().fetched == 4
    asked = server.asked()
    assert asked[:2] == ["/robots.txt", "/midi/"]
    assert len(asked) == 9  # robots.txt, four folders, four files: no order of columns, no parent, no picture
    assert all(path.startswith("/midi/") for path in asked[1:])
    rows = mirror.rows()
    assert {title: row["game"] for title, row in rows.items()} == {
        "Title (100%) & More": "legend-of-zelda",
        "B;side?": "cave",
        "ünï'#1": "スーパーマリオ",
        "top 1.2": "midi",
    }
    assert rows["top 1.2"]["section"] == f"127-0-0-1-{server.server_address[1]}-midi"
    assert rows["top 1.2"]["url"] == f"{server.base_url}/midi/top%201.2.mid"


def test_a_killed_or_limited_run_is_completed(mirror: Mirror, server: Server) -> None:
    mirror.publish(FILES)
    assert mirror(limit=1).not_asked == 3
    with mirror.fetcher() as fetcher:
        [section] = fetcher.site.sections
        plan = survey_source(MIRROR, mirror.root, fetcher, section)
    assert (plan.held, plan.to_request) == (1, 3)
    server.asked()
    assert mirror().fetched == 3
    assert len([path for path in server.asked() if path.lower().endswith(".mid")]) == 3
    totals = mirror()
    assert (totals.held, totals.unchanged) == (4, True)


def test_every_page_is_asked_for_conditionally(mirror: Mirror, server: Server) -> None:
    mirror.publish({"a/x.mid": midi(1)})
    pages = {path: server.files[path] for path in ("/midi/", "/midi/a/")}
    for path, body in pages.items():
        server.faults[path] = [
            lambda handler, body=body: handler.reply(200, body, ETag='"1"'),
            lambda handler: handler.reply(304),
        ]
    assert mirror().fetched == 1
    server.log.clear()
    totals = mirror()
    assert (totals.held, totals.unchanged) == (1, True)
    assert [seen.headers.get("If-None-Match") for seen in server.log] == ['"1-gzip", "1"'] * 2


def test_files_and_folders_that_go_are_marked_and_unmarked_when_back(mirror: Mirror) -> None:
    mirror.publish(FILES)
    mirror()
    mirror.publish({"top 1.2.mid": midi(4)})
    assert mirror().gone == 3
    mirror.publish(FILES)
    assert mirror().back == 3


@pytest.mark.parametrize("status", [403, 404])
def test_a_folder_that_cannot_be_read_costs_itself_alone(mirror: Mirror, server: Server, status: int) -> None:
    mirror.publish(FILES)
    mirror()
    path = quote("/midi/Legend_of_Zelda, The/")
    server.faults[path] = [lambda handler: handler.reply(status)]
    with mirror.fetcher() as fetcher:
        [section] = fetcher.site.sections
        totals = crawl_source(MIRROR, mirror.root, fetcher, section)
    assert (totals.listed, totals.held, totals.gone) == (2, 2, 0)  # what is below it is not taken for gone
    assert totals.unread == ((server.base_url + path, f"http_{status}"),)
    assert mirror().held == 4


def test_robots_txt_is_obeyed_for_folders_and_files(mirror: Mirror, server: Server) -> None:
    server.files["/robots.txt"] = b"User-agent: *\nDisallow: /midi/b/\nDisallow: /midi/a/x.mid\n"
    mirror.publish({"a/x.mid": midi(1), "a/y.mid": midi(2), "b/z.mid": midi(3)})
    totals = mirror()
    assert (totals.fetched, totals.missing, len(totals.unread)) == (1, 1, 1)
    assert server.asked() == ["/robots.txt", "/midi/", "/midi/a/", "/midi/a/y.mid"]


def test_a_server_in_trouble_changes_nothing(mirror: Mirror, server: Server) -> None:
    mirror.publish(FILES)
    server.faults[quote("/midi/Legend_of_Zelda, The/")] = [lambda handler: handler.reply(500)] * limits.TRIES
    with pytest.raises(FetchError, match="http_500"):
        mirror()
    assert len(Catalog(mirror.root).pieces()) == 0


def test_a_page_cut_short_is_not_kept_and_marks_nothing(mirror: Mirror, server: Server) -> None:
    mirror.publish({"a.mid": midi(1), "b.mid": midi(2)})
    mirror()
    body = server.files["/midi/"]
    server.faults["/midi/"] = [lambda handler: handler.reply(200, body[: body.index(b"b.mid")])]
    with mirror.fetcher() as fetcher:
        [section] = fetcher.site.sections
        totals = crawl_source(MIRROR, mirror.root, fetcher, section)
    assert (totals.gone, "is incomplete" in (totals.stopped or "")) == (0, True)
    [kept] = (mirror.root / "scrape").glob("mirror-*.html")
    assert kept.read_bytes() == body
    assert mirror().gone == 0


def test_a_server_whose_folders_never_end_is_left_in_time(
    mirror: Mirror, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SECTION_PAGES", 20)
    for depth in range(30):
        server.files["/midi/" + "a/" * depth] = apache("a/", "x.mid")
    with pytest.raises(ListingError, match="more than 20 folders"):
        mirror()
    assert len(server.asked()) == 21  # robots.txt too


def test_an_address_that_lists_nothing_is_an_error(mirror: Mirror, server: Server) -> None:
    server.files["/midi/"] = b"<html><body><a href='https://elsewhere.invalid/x.mid'>x</a></body></html>"
    with pytest.raises(EmptyListingError, match=r"no \.mid file is listed"):
        mirror()


@pytest.mark.parametrize(
    "href",
    [
        "../x.mid",
        "/x.mid",
        "//evil.invalid/midi/x.mid",
        "https://evil.invalid/midi/x.mid",
        "http://www.example.org/midi/x.mid",
        "sub/x.mid",
        "x.mid?a=b",
        "x.mid#a",
        "get?file=x.mid",
        "get#x.mid",
        "sub?order=/",
        "?C=N;O=D",
        "./",
        "",
        "javascript:x.mid",
        "http://[x.mid",
        "x.txt",
    ],
)
def test_a_link_to_anything_else_is_left_alone(href: str) -> None:
    listing = MIRROR.read(f'<a href="{href}">x</a><a href="good.mid">y</a>'.encode(), SITE)
    assert ([row.file for row in listing.rows], listing.rejected, listing.folders) == (["good.mid"], (), ())


@pytest.mark.parametrize("href", ["good.mid", "./good.mid", "/midi/good.mid", SITE + "good.mid", "g%6fod.mid"])
def test_all_ways_to_write_a_link_mean_one_file(href: str) -> None:
    listing = MIRROR.read(f'<a href="{href}">x</a><a href="good.mid">y</a><a href=sub/>z</a>'.encode(), SITE)
    assert ([row.file for row in listing.rows], listing.folders) == (["good.mid"], ("sub",))


@pytest.mark.parametrize(
    "href, reason",
    [
        ("a%2F..%2Fb.mid", "path_in_name"),
        ("a%5Cb.mid", "path_in_name"),
        ("%2e%2e%2fx/", "path_in_name"),
        (".git/", "leading_dot_or_dash"),
        (".x.mid", "leading_dot_or_dash"),
        ("a%0ab.mid", "unusual_character"),
        ("a%E2%80%AEb.mid", "unusual_character"),
        ("%FF.mid", "unusual_character"),
        ("a" * 260 + ".mid", "name_too_long"),
    ],
)
def test_an_unsafe_name_is_counted_with_its_reason(href: str, reason: str) -> None:
    listing = MIRROR.read(f'<a href="{href}">x</a><a href="{href}">icon</a>'.encode(), SITE)
    assert [found.reason for found in listing.rejected] == [reason]
    assert not listing.rows
    assert not listing.folders


@pytest.mark.parametrize(
    "address, path, section",
    [
        ("https://example.org", "/", "example-org"),
        ("https://example.org/midi", "/midi/", "example-org-midi"),
        ("https://example.org/My%20Midi//", "/My%20Midi/", "example-org-my-20midi"),
        ("https://example.org/My Midi/", "/My%20Midi/", "example-org-my-20midi"),
        ("https://example.org/midi/index.html", "/midi/index.html", "example-org-midi-index-html"),
    ],
)
def test_an_address_is_one_section(address: str, path: str, section: str) -> None:
    assert MIRROR.site(address).sections == {section: path}


@pytest.mark.parametrize(
    "address",
    [
        "midi",
        "ftp://example.org/midi/",
        "http://example.org/midi/",
        "https://user@example.org/",
        "https://example.org/?a=b",
        "https://example.org/../x/",
        "https://[example/",
        "http://127.0.0.1/",
    ],
)
def test_a_wrong_address_is_refused(address: str) -> None:
    with pytest.raises(UsageError):
        MIRROR.site(address)


def test_the_command_names_folders_that_could_not_be_read(mirror: Mirror, server: Server) -> None:
    mirror.publish(FILES)
    server.faults[quote("/midi/スーパーマリオ/")] = [lambda handler: handler.reply(403)]
    words = ["--allow-private-hosts", "--delay", "0", "--root", str(mirror.root)]
    done = scrape("mirror", server.base_url + "/midi/", *words)
    assert done.returncode == 0
    assert f"folder not read: {server.base_url}{quote('/midi/スーパーマリオ/')}: http_403" in done.stderr
