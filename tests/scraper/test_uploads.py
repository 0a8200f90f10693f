"""New uploads: read from the newest page on, dated and checked."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.base.errors import EmptyListingError, FetchError, ListingError
from catalog.store import Catalog
from scraper.http import limits
from scraper.http.fetch import Fetcher
from scraper.vgmusic.crawl import Totals, crawl_section
from scraper.vgmusic.uploads import FOLDER, crawl_new, read_uploads
from scraper.vgmusic.urls import site
from tests.scraper.conftest import HURRIED, Server, midi
from tests.scraper.test_cli import here, scrape

A_PAGE = 3
START = datetime(2021, 3, 1, 12, 0, 0, tzinfo=UTC)


def upload(number: int, *, href: str = "", date: str = "", md5: str = "") -> str:
    """Return a row of uploads, dated `number` days after START."""
    when = date or (START + timedelta(days=number)).strftime("%Y-%m-%d %H:%M:%S")
    data = midi(number)
    return (
        f'<tr class="newfiles"><td>{when}\n<td>Super Nintendo<td>Game {number % 2}'
        f'<td><a href="{href or f"/new-files/{number}.mid"}">Tune {number}</a><td>someone<td align="right">{len(data)} bytes'
        f'<td><a href="/file/{md5 or hashlib.md5(data).hexdigest()}.html#disqus_thread">Comments</a></tr>'
    )


def uploads(*rows: str) -> bytes:
    pager = '<table><tr><td class="button"><form><input name="page" value="2"></form></td></tr></table>'
    return f'<html><body><table width="100%"><tr><th>Date</th></tr>{"".join(rows)}</table>{pager}'.encode()


PARTS = [upload(1), "<td>", "</table>", '<tr class="newfiles">', "<a href='x.mid'>", "<", "&#0;", "\0"]


def address(number: int) -> str:
    return f"{FOLDER}index.php?page={number}&s1=date&sd1=1"


def publish(server: Server, newest: int) -> None:
    """Serve uploads 1 to `newest`, newest first, A_PAGE on each page.

    Pages after the last one repeat it.
    """
    numbers = list(range(newest, 0, -1))
    pages = [numbers[at : at + A_PAGE] for at in range(0, newest, A_PAGE)]
    for at in range(1, 9):
        server.files[address(at)] = uploads(*map(upload, pages[min(at, len(pages)) - 1]))
    server.files |= {f"{FOLDER}{number}.mid": midi(number) for number in numbers}


def bring(server: Server, root: Path, limit: int | None = None) -> tuple[Totals, list[str]]:
    """Return the totals, and the requested paths, with page numbers for pages."""
    server.log.clear()
    with Fetcher(site(server.base_url, True), 0.0, patience=HURRIED) as fetcher:
        totals = crawl_new(root, fetcher, limit)
    counted = totals.held + totals.twins + totals.fetched + totals.missing + totals.quarantined + totals.unsafe
    assert totals.listed == counted + totals.not_asked
    assert Catalog(root).verify().ok
    paths = [seen.path.removeprefix(FOLDER) for seen in server.log if seen.path != "/robots.txt"]
    return totals, [f"page {path[15:].partition('&')[0]}" if path.startswith("index") else path for path in paths]


def test_uploads_come_with_their_dates_oldest_first(server: Server, tmp_path: Path) -> None:
    publish(server, 5)
    totals, asked = bring(server, tmp_path)
    assert asked == ["page 1", "page 2", "page 3", "1.mid", "2.mid", "3.mid", "4.mid", "5.mid"]
    assert (totals.listed, totals.fetched) == (5, 5)
    rows = {row["title"]: row for row in Catalog(tmp_path).pieces().to_pylist()}
    assert rows["Tune 2"]["listed_at"] == START + timedelta(days=2)
    assert (rows["Tune 2"]["section"], rows["Tune 2"]["game_title"], rows["Tune 2"]["sequencer"]) == (
        "new-files",
        "Game 0",
        "someone",
    )
    assert rows["Tune 2"]["url"] == f"{server.base_url}{FOLDER}2.mid"


def test_a_later_run_reads_no_further_than_the_first_page_without_news(server: Server, tmp_path: Path) -> None:
    publish(server, 20)
    bring(server, tmp_path)
    assert bring(server, tmp_path)[1] == ["page 1"]
    publish(server, 22)
    totals, asked = bring(server, tmp_path)
    assert asked == ["page 1", "page 2", "21.mid", "22.mid"]
    assert (totals.fetched, totals.held) == (2, 4)


def test_what_a_limited_run_left_out_is_found_again(server: Server, tmp_path: Path) -> None:
    publish(server, 9)
    assert bring(server, tmp_path, limit=4)[0].not_asked == 5
    assert bring(server, tmp_path)[1] == ["page 1", "page 2", "page 3", *(f"{n}.mid" for n in range(5, 10))]
    assert len(Catalog(tmp_path).pieces()) == 9


def test_a_file_that_a_section_brought_is_not_asked_for(server: Server, tmp_path: Path) -> None:
    server.publish({"held.mid": midi(2)})
    with Fetcher(site(server.base_url, True), 0.0, patience=HURRIED) as fetcher:
        crawl_section(tmp_path, fetcher)
    publish(server, 2)
    totals, asked = bring(server, tmp_path)
    assert (totals.held, totals.fetched) == (1, 1)
    assert "2.mid" not in asked
    assert Catalog(tmp_path).pieces("section == 'piano'")["listed_at"].to_pylist() == [None]


def test_a_bad_row_costs_itself_alone(server: Server, tmp_path: Path) -> None:
    publish(server, 1)
    bad = [
        upload(2, href="/new-files/upload/2.mid"),
        upload(3, href="https://evil.example/3.mid"),
        upload(4, href="/new-files/../4.mid"),
        upload(5, md5="0" * 32),
        upload(6),
        upload(7, date="2021-02-31 00:00:00"),
    ]
    server.files[address(1)] = uploads(upload(1), *bad, '<tr class="newfiles"><td>x')
    server.files |= {f"{FOLDER}{number}.mid": midi(number) for number in (5, 7)}
    for at in range(2, 4):
        server.files[address(at)] = server.files[address(1)]
    totals, asked = bring(server, tmp_path)
    assert (totals.fetched, totals.quarantined, totals.missing, totals.unsafe) == (2, 1, 1, 4)
    assert [row.reason for row in totals.rejected] == ["path_in_name", "absolute_address", "path_in_name", "no_link"]
    assert sorted(asked) == ["1.mid", "5.mid", "6.mid", "7.mid", "page 1", "page 2"]
    dates = {row["title"]: row["listed_at"] for row in Catalog(tmp_path).pieces().to_pylist()}
    assert dates["Tune 7"] is None


def test_an_upload_without_a_game_is_taken_as_untitled(server: Server, tmp_path: Path) -> None:
    publish(server, 2)
    server.files[address(1)] = server.files[address(1)].replace(b"Game 0", b"\n ")
    totals, _ = bring(server, tmp_path)
    assert (totals.fetched, totals.unsafe) == (2, 0)
    rows = {row["title"]: row for row in Catalog(tmp_path).pieces().to_pylist()}
    assert (rows["Tune 2"]["game_title"], rows["Tune 2"]["game"]) == ("untitled", "untitled")


def test_robots_txt_is_obeyed_for_pages_and_files(server: Server, tmp_path: Path) -> None:
    publish(server, 2)
    server.files["/robots.txt"] = b"User-agent: *\nDisallow: /new-files/2\n"
    totals, asked = bring(server, tmp_path / "a")
    assert (totals.fetched, totals.missing) == (1, 1)
    assert "2.mid" not in asked
    server.files["/robots.txt"] = b"User-agent: *\nDisallow: /new-files/index.php?page=1\n"
    with pytest.raises(FetchError, match=r"robots\.txt"):
        bring(server, tmp_path / "b")
    assert [seen.path for seen in server.log] == ["/robots.txt"]


def test_a_page_may_not_lead_elsewhere(server: Server, tmp_path: Path) -> None:
    publish(server, 2)
    server.faults[address(1)] = [lambda handler: handler.reply(302, Location=address(2))]
    with pytest.raises(FetchError, match="redirect_refused"):
        bring(server, tmp_path)


def test_a_page_that_is_cut_short_changes_nothing(server: Server, tmp_path: Path) -> None:
    publish(server, 9)
    server.files[address(2)] = server.files[address(2)].partition(b"Tune 5")[0]
    with pytest.raises(FetchError, match="incomplete"):
        bring(server, tmp_path)
    assert len(Catalog(tmp_path).pieces()) == 0


def test_a_page_of_something_else_is_an_error(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.files[address(1)] = b"<html>closed for repairs</html>"
    with pytest.raises(EmptyListingError, match="layout"):
        bring(server, tmp_path)
    monkeypatch.setattr(limits, "LISTING_ROWS", 9)
    with pytest.raises(ListingError, match="more than 9 rows"):
        read_uploads(uploads('<tr class="newfiles"><td>x' * 10))


@given(st.lists(st.sampled_from(PARTS), max_size=30))
def test_no_page_upsets_the_reader(parts: list[str]) -> None:
    try:
        listing = read_uploads("".join(parts).encode())
    except ListingError:
        return
    assert listing.rows or listing.rejected


def test_the_command_adds_up(server: Server, tmp_path: Path) -> None:
    publish(server, 2)
    done = scrape("new", *here(server, tmp_path))
    assert done.returncode == 0
    assert "listed 2 = 0 already held + 0 duplicates + 2 fetched" in done.stdout
    checked = scrape("journal", "--check", "--root", str(tmp_path))
    assert (checked.returncode, "0 problems" in checked.stdout) == (0, True)
