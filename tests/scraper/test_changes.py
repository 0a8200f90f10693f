"""A changing listing: removed files are marked, only new ones downloaded."""

from datetime import datetime
from typing import Any

from catalog.schema import Piece
from scraper.crawl.listing_diff import diff_listing
from scraper.vgmusic.listing import parse
from tests.scraper.conftest import PIANO, Scrape, Server, midi, page, row

FIVE = {f"{number}.mid": midi(number) for number in range(5)}


def rows(scrape: Scrape) -> dict[str, dict[str, Any]]:
    """Return file name and first letters of the MD5 to row."""
    return {f"{row['url'].rpartition('/')[2]} {row['md5'][:4]}": row for row in scrape.catalog.pieces().to_pylist()}


def test_a_row_that_vanished_is_kept_and_marked_and_unmarked_when_it_is_back(scrape: Scrape, server: Server) -> None:
    server.publish(FIVE)
    scrape()
    before = rows(scrape)
    server.publish({name: data for name, data in FIVE.items() if name != "2.mid"})
    totals = scrape()
    assert (totals.listed, totals.held, totals.gone, totals.back) == (4, 4, 1, 0)
    [gone] = [row for row in rows(scrape).values() if row["gone_since"] is not None]
    assert gone["url"].endswith("/2.mid")
    assert gone["state"] == "fetched"
    assert gone | {"gone_since": None} == next(row for row in before.values() if row["url"] == gone["url"])
    again = scrape()
    assert (again.gone, again.back) == (0, 0)
    assert gone in rows(scrape).values()  # still gone since then
    server.publish(FIVE)
    server.asked()
    totals = scrape()
    assert (totals.gone, totals.back, totals.fetched) == (0, 1, 0)
    assert server.asked() == ["PAGE"]
    assert rows(scrape) == before


def test_a_changed_file_keeps_both_and_the_old_one_is_marked(scrape: Scrape, server: Server) -> None:
    server.publish({"x.mid": midi(1), "y.mid": midi(3)})
    scrape()
    before = rows(scrape)
    server.publish({"x.mid": midi(2), "y.mid": midi(3)})
    assert scrape().fetched == 1
    found = scrape.catalog.pieces("title == 'x.mid'").to_pylist()
    assert [row["state"] for row in found] == ["fetched", "fetched"]
    old, new = sorted(found, key=lambda row: row["gone_since"] is None)
    assert old["gone_since"] is not None
    assert new["gone_since"] is None
    assert {scrape.catalog.read_blob(row["sha256"]) for row in found} == {midi(1), midi(2)}
    assert old["fetched_at"] == next(row for row in before.values() if row["url"] == old["url"])["fetched_at"]


def test_a_grown_page_costs_exactly_its_new_rows_and_old_times_stay(scrape: Scrape, server: Server) -> None:
    server.publish(FIVE)
    scrape()
    before = rows(scrape)
    server.asked()
    new = {f"new{number}.mid": midi(50 + number) for number in range(3)}
    server.publish(new | FIVE)
    assert scrape().fetched == 3
    assert server.asked() == ["PAGE", *new]
    assert before.items() <= rows(scrape).items()


def test_mending_a_damaged_file_keeps_the_time_it_first_came(scrape: Scrape, server: Server) -> None:
    server.publish(FIVE)
    scrape()
    before = rows(scrape)
    for path in (scrape.root / "midi").glob("??/*.mid"):
        path.write_bytes(b"MThd")
    server.faults[PIANO + "3.mid"] = [lambda handler: handler.reply(404)]
    assert scrape().fetched == 4
    lost = next(row for row in rows(scrape).values() if row["url"].endswith("/3.mid"))
    assert lost["state"] == "missing"
    assert lost["fetched_at"] is not None
    assert scrape().fetched == 1
    assert rows(scrape) == before


def test_what_was_never_had_is_marked_too_and_a_limited_run_unmarks_it(scrape: Scrape, server: Server) -> None:
    server.publish({"x.mid": midi(1)}, row("gone.mid", midi(2)))
    scrape()
    server.publish({"x.mid": midi(1)})
    assert scrape().gone == 1
    server.publish({"x.mid": midi(1)}, row("gone.mid", midi(2)))
    assert scrape(limit=0).back == 1
    assert all(row["gone_since"] is None for row in rows(scrape).values())


def test_a_page_without_md5s_is_judged_by_addresses(scrape: Scrape, server: Server) -> None:
    server.publish(FIVE)
    scrape()
    server.files[PIANO] = page(*(f'<tr><td><a href="{name}">{name}</a><td>{len(FIVE[name])} bytes' for name in FIVE))
    totals = scrape()
    assert (totals.held, totals.gone) == (5, 0)


def test_rows_of_other_places_are_left_alone() -> None:
    here = "https://www.vgmusic.com/music/other/miscellaneous/piano/"
    listing = parse(page(row("x.mid", midi(1))))
    elsewhere = ["https://www.vgmusic.com/music/other/y.mid", here + "deeper/y.mid", "http://127.0.0.1:9/y.mid"]
    common = {"source": "vgmusic", "section": "piano", "state": "fetched", "game_title": "", "game": "", "series": ""}
    known = [Piece(url=url, title="", **common) for url in (*elsewhere, here + "y.mid")]
    now = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
    [gone] = diff_listing(known, listing, here, now)
    assert (gone.url, gone.gone_since) == (here + "y.mid", now)
