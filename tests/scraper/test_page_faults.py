"""All faults of a listing page or robots.txt: the run stops or recovers."""

import hashlib
from pathlib import Path

import pytest

from catalog.store import Catalog
from tests.scraper import switches
from tests.scraper.boxed import scrape
from tests.scraper.chaos import Chaos, Switch
from tests.scraper.conftest import PIANO, midi, page, row
from tests.scraper.spoiled import FILES, PAGE, ROBOTS, checked, clean_run, holding_files, states  # noqa: F401 - a fixture

NEW_PAGE = page(*(row(name, midi(int(name[0]) + 50)) for name in FILES), game="B Game")
STOPS = {  # what a bad listing page or robots.txt makes of a run: nothing is asked for, one line says why
    "404": (switches.status(404), "http_404"),
    "403": (switches.status(403), "http_403"),
    "500 for ever": (switches.status(500), "http_500"),
    "429 with hours": (switches.retry_after("7200"), "asks for a pause until"),
    "reset for ever": (switches.reset_mid_body, "network_error"),
    "truncated for ever": (switches.truncated, "network_error"),
    "truncated in chunks": (switches.truncated_chunks, "network_error"),
    "gzip bomb": (switches.gzip_bomb, "too_large: more than "),
    "gzip bomb in gzip": (switches.gzip_bomb_in_gzip, "too_large"),
    "endless body": (switches.endless_body, "too_large"),
    "endless headers": (switches.endless_head, "network_error"),
    "redirect loop": (switches.redirect_to_self, "redirect_loop"),
    "redirect off site": (switches.redirect("https://evil.invalid/"), "redirect_refused"),
    "redirect to a private address": (switches.redirect("http://10.0.0.1/"), "redirect_refused"),
    "challenge page": (switches.challenge, "challenge page"),
}
PAGE_STOPS = STOPS | {
    "a page that is none": (switches.body(b"<html>We are moving house</html>", "text/html"), "no song in the page"),
    "an empty page": (switches.body(b"", "text/html"), "no song in the page"),
    "304 unasked": (switches.status(304), "304"),
    "half a page that begins before its table": (switches.body(b"<html><body><table><tr>", "text/html"), "no song"),
}
ROBOTS_SHARES = ("500 for ever", "reset for ever", "gzip bomb", "redirect loop", "redirect off site", "challenge page")
ROBOTS_STOPS = {name: STOPS[name] for name in ROBOTS_SHARES} | {
    "503": (switches.status(503), "cannot read *robots.txt (http_503)"),
    "429": (switches.status(429), "cannot read *robots.txt (http_429)"),
    "huge": (switches.body(b"# long\n" * 100_000, "text/plain"), "cannot read *robots.txt (too_large"),
    "forbids": (switches.body(b"User-agent: *\nDisallow: /music/\n", "text/plain"), "disallows *: stopped"),
    "wants an hour between requests": (
        switches.body(b"User-agent: *\nCrawl-delay: 3600\n", "text/plain"),
        "more than the limit",
    ),
}
WHERE = [(PAGE, name, *stop) for name, stop in PAGE_STOPS.items()]
WHERE += [(ROBOTS, name, *stop) for name, stop in ROBOTS_STOPS.items()]


@pytest.mark.parametrize("path, name, switch, reason", WHERE, ids=[f"{w[0]} {w[1]}" for w in WHERE])
def test_a_page_that_cannot_be_had_stops_the_run_before_any_file(
    server: Chaos, tmp_path: Path, path: str, name: str, switch: Switch, reason: str
) -> None:
    server.throw(path, switch)
    done = scrape(server, tmp_path / "box")
    checked(done, 1, f"error: *{reason}")
    assert done.out == ""
    assert done.err.count("\n") == 1
    assert not any(seen.path.endswith(".mid") for seen in server.log)
    if path == ROBOTS:
        assert {seen.path for seen in server.log} == {ROBOTS}
    (tmp_path / "box" / "data" / "scrape" / "robots.json").unlink(missing_ok=True)  # as after a day
    assert clean_run(server, tmp_path / "box" / "data").fetched == len(FILES)


@pytest.mark.parametrize("code", [401, 403, 404, 410])
def test_no_robots_is_no_rule(server: Chaos, tmp_path: Path, code: int) -> None:
    server.throw(ROBOTS, switches.status(code))
    done = scrape(server, tmp_path / "box")
    assert (done.code, states(tmp_path / "box" / "data")) == (0, dict.fromkeys(FILES, "fetched"))


def test_robots_may_lie_behind_a_redirect(server: Chaos, tmp_path: Path) -> None:
    server.files["/real-robots.txt"] = b"User-agent: *\nDisallow: /music/\n"
    server.throw(ROBOTS, switches.redirect("/real-robots.txt", 301))
    checked(scrape(server, tmp_path / "box"), 1, "disallows")


MOMENTARY = {
    "500 burst": switches.status(500),
    "reset mid-body": switches.reset_mid_body,
    "truncated": switches.truncated,
    "a length too long": switches.longer_claimed,
    "drip": switches.drip,
    "gibberish": switches.gibberish,
}


@pytest.mark.parametrize("path, name", [*((PAGE, name) for name in MOMENTARY), (ROBOTS, "500 burst")])
def test_a_page_that_fails_for_a_moment_is_had_in_the_end(server: Chaos, tmp_path: Path, path: str, name: str) -> None:
    server.throw(path, MOMENTARY[name], 1)
    done = scrape(server, tmp_path / "box")
    assert (done.code, states(tmp_path / "box" / "data")) == (0, dict.fromkeys(FILES, "fetched")), done


@pytest.mark.parametrize("switch", [switches.truncated_unsaid, switches.shorter_claimed])
def test_a_page_cut_short_where_http_cannot_tell_gives_its_rows_and_is_not_believed(
    server: Chaos, tmp_path: Path, switch: Switch
) -> None:
    server.throw(PAGE, switch, 1)
    done = scrape(server, tmp_path / "box")
    checked(done, 1, "stopped early: the listing page is incomplete")
    assert 0 < list(states(tmp_path / "box" / "data").values()).count("fetched") < len(FILES)
    again = scrape(server, tmp_path / "box")  # a 304 to the half page would hide the rest for ever
    assert (again.code, states(tmp_path / "box" / "data")) == (0, dict.fromkeys(FILES, "fetched"))


def test_a_page_that_changes_while_it_is_sent_costs_no_good_row(server: Chaos, tmp_path: Path) -> None:
    server.throw(PAGE, switches.changing_to(NEW_PAGE), 1)
    done = scrape(server, tmp_path / "box")
    assert done.code == 0, done
    old = [name for name, state in states(tmp_path / "box" / "data").items() if state == "fetched"]
    assert {"0.mid", "1.mid"} <= set(old)
    server.files[PAGE] = NEW_PAGE  # and what it changed to is there from now on
    server.files |= {PIANO + name: midi(int(name[0]) + 50) for name in FILES}
    clean_run(server, tmp_path / "box" / "data")
    assert {md5 for md5 in listed_md5(tmp_path / "box" / "data") if md5} >= {hashed(midi(n + 50)) for n in range(6)}


def hashed(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def listed_md5(root: Path) -> list[str]:
    return [row["md5"] for row in Catalog(root).pieces("state == 'fetched'", ["md5"]).to_pylist()]


def test_a_page_that_changes_between_two_requests_is_followed(server: Chaos, tmp_path: Path) -> None:
    def change(path: str) -> None:  # after the page is read and before 3.mid is: 3.mid becomes another
        if path.endswith("/2.mid"):
            server.files[PIANO + "3.mid"] = midi(99)
            server.files[PAGE] = page(*(row(name, server.files[PIANO + name]) for name in FILES))

    server.watch = change
    done = scrape(server, tmp_path / "box")
    checked(done, 0, "quarantined: *3.mid: md5_mismatch: listed *received " + hashed(midi(99)))
    assert states(tmp_path / "box" / "data") == dict.fromkeys(FILES, "fetched") | {"3.mid": "quarantined"}
    server.watch = None
    assert clean_run(server, tmp_path / "box" / "data").fetched == 1
    assert hashed(midi(99)) in listed_md5(tmp_path / "box" / "data")
