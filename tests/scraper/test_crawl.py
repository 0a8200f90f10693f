"""Crawling a section: requests, checks, stored files, and totals that add up."""

import json

import pytest

from catalog.base.errors import CatalogError, FetchError, ListingError
from scraper.http import limits
from scraper.http.fetch import Fetcher
from scraper.vgmusic.crawl import survey_section
from scraper.vgmusic.urls import site
from tests.scraper.conftest import PIANO, Handler, Scrape, Server, midi, page, row

FIVE = {f"{number}.mid": midi(number) for number in range(5)}


def test_a_section_is_stored_and_a_rerun_asks_for_the_page_alone(scrape: Scrape, server: Server) -> None:
    server.publish(FIVE)
    totals = scrape()
    assert (totals.listed, totals.fetched, totals.stopped) == (5, 5, None)
    assert server.asked() == ["/robots.txt", "PAGE", *FIVE]
    rows = scrape.catalog.pieces().to_pylist()
    assert {scrape.catalog.read_blob(row["sha256"]) for row in rows} == set(FIVE.values())
    again = scrape()
    assert (again.held, again.fetched, again.unchanged) == (5, 0, True)
    assert server.asked() == ["PAGE"]
    assert scrape.catalog.pieces().to_pylist() == rows


def test_a_row_has_what_page_and_answer_say(scrape: Scrape, server: Server) -> None:
    data = midi(1)
    server.files |= {
        PIANO: page(row("a%28b%29.mid", data, "Tune\x07 \u202eA"), game="Legend of Zelda, The: Spirit Tracks")
    }
    server.faults[PIANO + "a%28b%29.mid"] = [
        lambda handler: handler.reply(200, data, ETag='"abc"', Last_Modified="then")
    ]
    scrape()
    [piece] = scrape.catalog.pieces().to_pylist()
    assert piece["url"] == f"{server.base_url}{PIANO}a%28b%29.mid"
    assert (piece["source"], piece["section"], piece["series"]) == ("vgmusic", "piano", "zelda")
    assert (piece["title"], piece["sequencer"]) == ("Tune A", "someone")
    assert (piece["etag"], piece["last_modified"], piece["bytes"]) == ('"abc"', "then", len(data))
    assert piece["fetched_at"] is not None


def test_names_are_stored_in_one_unicode_form(scrape: Scrape, server: Server) -> None:
    server.files[PIANO] = page(row("a.mid", midi(1), "Pre\u0301lude"))
    server.files[PIANO + "a.mid"] = midi(1)
    scrape()
    assert scrape.catalog.pieces("title == 'Pre\u0301lude'")["title"].to_pylist() == ["Pr\u00e9lude"]


def test_a_grown_page_costs_its_new_rows_only(scrape: Scrape, server: Server) -> None:
    server.publish(FIVE)
    scrape()
    server.asked()
    server.publish(FIVE | {"new.mid": midi(99)})
    assert scrape().fetched == 1
    assert server.asked() == ["PAGE", "new.mid"]


def test_twins_on_a_page_are_fetched_once(scrape: Scrape, server: Server) -> None:
    server.publish({"a.mid": midi(1), "b.mid": midi(1), "c.mid": midi(2)})
    totals = scrape()
    assert (totals.fetched, totals.twins) == (2, 1)
    assert server.asked() == ["/robots.txt", "PAGE", "a.mid", "c.mid"]
    assert scrape.states() == {"a.mid": "fetched", "b.mid": "fetched", "c.mid": "fetched"}
    assert len(set(scrape.catalog.pieces(columns=["sha256"])["sha256"].to_pylist())) == 2
    assert scrape().held == 3


def test_a_file_that_moved_is_not_asked_for_again(scrape: Scrape, server: Server) -> None:
    server.publish({"old.mid": midi(1)})
    scrape()
    server.publish({"new.mid": midi(1)})
    server.asked()
    assert scrape().held == 1
    assert server.asked() == ["PAGE"]
    assert scrape.states() == {"new.mid": "fetched", "old.mid": "fetched"}


def test_a_changed_file_keeps_both(scrape: Scrape, server: Server) -> None:
    server.publish({"x.mid": midi(1)})
    scrape()
    server.publish({"x.mid": midi(2)})
    assert scrape().fetched == 1
    assert len(scrape.catalog.pieces("state == 'fetched'")) == 2


@pytest.mark.parametrize(
    "data, listed_size, listed_md5, reason",
    [
        (midi(1), 99, None, f"size_mismatch: listed 99 bytes, received {len(midi(1))}"),
        (midi(1), None, "0" * 32, "md5_mismatch: listed " + "0" * 32),
        (b"RIFF....", None, None, "not_midi"),
        (midi(1)[:13], None, None, "not_midi"),
    ],
)
def test_a_body_that_is_not_as_listed_is_quarantined_with_both_values(
    scrape: Scrape, server: Server, data: bytes, listed_size: int | None, listed_md5: str | None, reason: str
) -> None:
    server.publish({"good.mid": midi(2)}, row("bad.mid", data, size=listed_size, md5=listed_md5))
    server.files[PIANO + "bad.mid"] = data
    totals = scrape()
    assert (totals.fetched, totals.quarantined) == (1, 1)
    assert scrape.states() == {"bad.mid": "quarantined", "good.mid": "fetched"}
    assert scrape.reasons()["bad.mid"].startswith(reason)
    [kept] = (scrape.root / "quarantine").glob("*.bin")
    assert kept.read_bytes() == data
    details = json.loads(kept.with_suffix(".json").read_text())
    assert details["received_bytes"] == len(data)
    assert details["listed_bytes"] == (listed_size or len(data))
    assert details["listed_md5"] == (listed_md5 or details["received_md5"])
    assert scrape().quarantined == 1


def test_a_wrapped_file_is_a_midi_file(scrape: Scrape, server: Server) -> None:
    data = b"RIFF\0\0\0\0RMIDLIST\2\0\0\0hidata" + len(midi(1)).to_bytes(4, "little") + midi(1)
    server.publish({"wrapped.mid": data})
    assert scrape().fetched == 1


def test_a_body_that_is_right_at_last_leaves_quarantine_behind(scrape: Scrape, server: Server) -> None:
    server.publish({"x.mid": midi(1)})
    server.faults[PIANO + "x.mid"] = [lambda handler: handler.reply(200, midi(2))]
    assert scrape().quarantined == 1
    assert scrape().fetched == 1
    assert scrape.states() == {"x.mid": "fetched"}


def test_what_is_not_there_is_missing_with_a_reason_and_costs_nothing_else(scrape: Scrape, server: Server) -> None:
    server.publish(FIVE, row("gone.mid", midi(9)), row("soft.mid", midi(8)))
    server.faults[PIANO + "soft.mid"] = [lambda handler: handler.reply(200, b"<html>sorry", Content_Type="text/html")]
    totals = scrape()
    assert (totals.fetched, totals.missing, totals.stopped) == (5, 2, None)
    assert scrape.reasons() == {"gone.mid": "http_404", "soft.mid": "soft_404: a web page instead of the file"}
    assert server.asked().count("gone.mid") == 1


def test_unsafe_rows_are_counted_with_reasons_and_never_asked_for(scrape: Scrape, server: Server) -> None:
    server.publish({"x.mid": midi(1)}, row("../../secret.mid", b""), row("http://evil.invalid/y.mid", b""))
    totals = scrape()
    assert (totals.fetched, totals.unsafe) == (1, 2)
    assert [found.reason for found in totals.rejected] == ["path_in_name", "absolute_address"]
    assert server.asked() == ["/robots.txt", "PAGE", "x.mid"]


def test_five_failures_in_a_row_end_the_run_and_the_next_one_goes_on(scrape: Scrape, server: Server) -> None:
    files = {f"{number}.mid": midi(number) for number in range(10)}
    server.publish(files)
    for number in range(2, 9):
        server.faults[f"{PIANO}{number}.mid"] = [lambda handler: handler.reply(500)] * limits.TRIES
    totals = scrape()
    assert (totals.fetched, totals.missing, totals.not_asked) == (2, 5, 3)
    assert "5 failures in a row" in (totals.stopped or "")
    server.faults.clear()
    assert scrape().fetched == 8
    assert scrape.reasons() == {}


def test_being_asked_to_come_back_later_ends_the_run_with_what_was_got(scrape: Scrape, server: Server) -> None:
    server.publish(FIVE)
    server.faults[PIANO + "3.mid"] = [lambda handler: handler.reply(503, Retry_After="9999")]
    totals = scrape()
    assert (totals.fetched, totals.not_asked) == (3, 2)
    assert "asks for a pause until" in (totals.stopped or "")


def test_a_limited_run_is_completed_by_the_next_though_the_page_is_unchanged(scrape: Scrape, server: Server) -> None:
    server.publish(FIVE)
    first = scrape(limit=2)
    assert (first.fetched, first.not_asked) == (2, 3)
    assert scrape(limit=0).not_asked == 3
    server.asked()
    rest = scrape()
    assert (rest.held, rest.fetched) == (2, 3)
    assert server.asked() == ["PAGE", "2.mid", "3.mid", "4.mid"]


def test_the_page_is_asked_for_with_both_forms_of_its_etag(scrape: Scrape, server: Server) -> None:
    server.publish({"x.mid": midi(1)})
    body = server.files[PIANO]
    server.faults[PIANO] = [
        lambda handler: handler.reply(
            200, body, ETag='"378b2-5bf-gzip"', Last_Modified="Wed, 07 Apr 2021 10:01:11 GMT"
        ),
        lambda handler: handler.reply(304),
    ]
    scrape()
    server.log.clear()
    assert scrape().unchanged
    [seen] = server.log
    assert seen.headers["If-None-Match"] == '"378b2-5bf-gzip", "378b2-5bf"'
    assert seen.headers["If-Modified-Since"] == "Wed, 07 Apr 2021 10:01:11 GMT"


def test_a_damaged_memory_of_the_page_is_no_memory(scrape: Scrape, server: Server) -> None:
    server.publish({"x.mid": midi(1)})
    body = server.files[PIANO]
    server.faults[PIANO] = [lambda handler: handler.reply(200, body, ETag='"1"')]
    scrape()
    (scrape.root / "scrape" / "vgmusic-piano.html").write_bytes(b"half a pa")
    server.log.clear()
    assert not scrape().unchanged
    assert "If-None-Match" not in server.log[0].headers


def test_damaged_and_lost_files_are_fetched_again(scrape: Scrape, server: Server) -> None:
    server.publish(FIVE)
    scrape()
    first, second, *_ = sorted((scrape.root / "midi").glob("??/*.mid"))
    first.write_bytes(b"MThd but not the rest")
    second.unlink()
    totals = scrape()
    assert (totals.held, totals.fetched) == (3, 2)


def test_robots_are_obeyed(scrape: Scrape, server: Server) -> None:
    server.publish(FIVE)
    server.files["/robots.txt"] = b"User-agent: *\nDisallow: /music/other/\n"
    with pytest.raises(FetchError, match="disallows /music/other/miscellaneous/piano/"):
        scrape()
    assert server.asked() == ["/robots.txt"]


def test_robots_may_forbid_one_file(scrape: Scrape, server: Server) -> None:
    server.publish(FIVE)
    server.files["/robots.txt"] = b"User-agent: vgpiano\nDisallow: /*/3.mid$\n"
    assert scrape().missing == 1
    assert "robots.txt" in scrape.reasons()["3.mid"]
    assert "3.mid" not in server.asked()


@pytest.mark.parametrize("status", [404, 403, 410])
def test_no_robots_means_no_rules(scrape: Scrape, server: Server, status: int) -> None:
    server.publish(FIVE)
    server.faults["/robots.txt"] = [lambda handler: handler.reply(status)]
    assert scrape().fetched == 5


@pytest.mark.parametrize("status", [500, 503, 429])
def test_robots_that_cannot_be_read_stop_the_run(scrape: Scrape, server: Server, status: int) -> None:
    server.publish(FIVE)
    server.faults["/robots.txt"] = [lambda handler: handler.reply(status)] * limits.TRIES
    with pytest.raises(FetchError, match=r"cannot read .*/robots\.txt"):
        scrape()
    assert set(server.asked()) == {"/robots.txt"}


def test_robots_are_asked_for_again_after_a_day(scrape: Scrape, server: Server) -> None:
    server.publish(FIVE)
    scrape()
    memory = scrape.root / "scrape" / "robots.json"
    facts = json.loads(memory.read_text())
    memory.write_text(json.dumps(facts | {"at": facts["at"] - limits.ROBOTS_FRESH_S - 1}))
    server.asked()
    scrape()
    assert server.asked() == ["/robots.txt", "PAGE"]


def test_a_crawl_delay_slows_us_down(scrape: Scrape, server: Server) -> None:
    server.publish({"x.mid": midi(1)})
    server.files["/robots.txt"] = b"User-agent: *\nCrawl-delay: 0.4\n"
    scrape()
    starts = [seen.at for seen in server.log]
    assert starts[2] - starts[1] > 0.3


@pytest.mark.parametrize("body", [b"<html>Under construction</html>", b""])
def test_a_page_that_is_no_listing_changes_nothing(scrape: Scrape, server: Server, body: bytes) -> None:
    server.publish(FIVE)
    scrape()
    server.files[PIANO] = body
    with pytest.raises(ListingError):
        scrape()
    server.publish(FIVE)
    assert scrape().held == 5


def test_a_listing_page_that_cannot_be_had_is_an_error(scrape: Scrape, server: Server) -> None:
    with pytest.raises(FetchError, match="http_404"):
        scrape()


def test_a_second_run_at_the_same_time_is_told_who_is_at_work(scrape: Scrape, server: Server) -> None:
    server.publish(FIVE)
    with scrape.catalog.writer(), pytest.raises(CatalogError, match="process"):
        scrape()
    assert server.asked() == []


def test_a_survey_asks_for_no_file_and_writes_no_row(scrape: Scrape, server: Server) -> None:
    server.publish(FIVE | {"twin.mid": midi(1)}, row("../x.mid", b""))
    with Fetcher(site(server.base_url, True), 0.1) as fetcher:
        plan = survey_section(scrape.root, fetcher)
    assert (plan.listed, plan.held, plan.unsafe, plan.to_request) == (7, 0, 1, 5)
    assert plan.bytes == 5 * len(midi(1))
    assert plan.seconds == pytest.approx(0.55)
    assert server.asked() == ["/robots.txt", "PAGE"]
    assert len(scrape.catalog.pieces()) == 0


def wrong_length(handler: Handler) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(midi(0)[:-5])
    handler.close_connection = True


def test_a_body_cut_short_without_a_length_does_not_pass(scrape: Scrape, server: Server) -> None:
    server.publish(FIVE)
    server.faults[PIANO + "0.mid"] = [wrong_length]
    assert scrape().quarantined == 1
    assert scrape().fetched == 1
