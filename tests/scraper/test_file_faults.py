"""All faults of a file: message, exit code, and that the other files are stored.

After each fault, a run without it must end with every row.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest

from catalog.store import Catalog
from tests.scraper import switches
from tests.scraper.boxed import scrape
from tests.scraper.chaos import Chaos, Switch
from tests.scraper.conftest import midi
from tests.scraper.spoiled import FILE, FILES, VICTIM, checked, clean_run, holding_files, states  # noqa: F401 - a fixture


@dataclass(frozen=True)
class Case:
    """A fault of the file 2.mid, with the expected state, exit code and message."""

    switch: Switch
    times: int = 9
    state: str | None = "missing"
    code: int = 0
    says: str = ""


OTHERS = sorted(set(FILES) - {VICTIM})
AGAIN = {"times": 2, "state": "fetched"}  # faults of the moment: asked again, and had
FILE_FAULTS = {
    "404": Case(switches.status(404), says=f"missing: *{FILE}: http_404"),
    "403": Case(switches.status(403), says=f"missing: *{FILE}: http_403"),
    "410": Case(switches.status(410), says=f"missing: *{FILE}: http_410"),
    "429 with seconds": Case(switches.retry_after("1"), 1, "fetched"),
    "429 with a date": Case(switches.retry_after_date(1.2, 429), 1, "fetched"),
    "429 with a date of the past": Case(switches.retry_after_date(-60, 429), **AGAIN),
    "429 with nonsense": Case(switches.retry_after("soon"), **AGAIN),
    "429 with hours": Case(
        switches.retry_after("7200"), state=None, code=1, says="stopped early: *asks for a pause until"
    ),
    "429 with a date in hours": Case(
        switches.retry_after_date(7200), state=None, code=1, says="stopped early: *asks for a pause until"
    ),
    "429 with a number beyond all time": Case(
        switches.retry_after("9" * 40), state=None, code=1, says="asks for a pause"
    ),
    "500 burst": Case(switches.status(500), **AGAIN),
    "503 burst": Case(switches.status(503), **AGAIN),
    "500 for ever": Case(switches.status(500), says=f"missing: *{FILE}: http_500"),
    "503 for ever": Case(switches.status(503), says=f"missing: *{FILE}: http_503"),
    "reset mid-body": Case(switches.reset_mid_body, **AGAIN),
    "reset at once": Case(switches.reset_at_once, **AGAIN),
    "reset for ever": Case(switches.reset_mid_body, says=f"missing: *{FILE}: network_error"),
    "truncated": Case(switches.truncated, **AGAIN),
    "truncated with no length": Case(
        switches.truncated_unsaid, state="quarantined", says="size_mismatch: listed 34 bytes, received 17"
    ),
    "truncated in chunks": Case(switches.truncated_chunks, **AGAIN),
    "a length too long": Case(switches.longer_claimed, **AGAIN),
    "a length too short": Case(
        switches.shorter_claimed, state="quarantined", says="size_mismatch: listed 34 bytes, received 17"
    ),
    "two lengths": Case(switches.lengths_that_disagree, **AGAIN),
    "wrong bytes": Case(switches.wrong_bytes, state="quarantined", says="md5_mismatch: listed "),
    "a byte more": Case(
        switches.one_byte_more, state="quarantined", says="size_mismatch: listed 34 bytes, received 35"
    ),
    "no MIDI": Case(switches.body(b"RIFF" * 8), state="quarantined", says="not_midi"),
    "gzip bomb": Case(switches.gzip_bomb, says="too_large: more than 65,536 bytes"),
    "gzip bomb in gzip": Case(switches.gzip_bomb_in_gzip, says="too_large"),
    "gzip garbage": Case(switches.gzip_garbage, says="network_error"),
    "a byte now and then": Case(switches.drip, 1, "fetched"),
    "headers now and then": Case(switches.drip_head, 1, "fetched"),
    "silence": Case(switches.silence, 1, "fetched"),
    "endless body": Case(switches.endless_body, says="too_large"),
    "endless chunks": Case(switches.endless_chunks, says="too_large"),
    "endless headers": Case(switches.endless_head, **AGAIN),
    "endless header line": Case(switches.endless_header_line, **AGAIN),
    "endless 100 Continue": Case(switches.endless_continue, 1, "fetched"),
    "gibberish": Case(switches.gibberish, **AGAIN),
    "redirect loop": Case(switches.redirect_to_self, says="redirect_loop: more than 5 redirects"),
    "redirect off site": Case(
        switches.redirect("http://evil.invalid/2.mid"),
        says="redirect_refused: to http://evil.invalid/2.mid: another host",
    ),
    "redirect to metadata": Case(switches.redirect("http://169.254.169.254/2.mid"), says="redirect_refused"),
    "redirect to another port": Case(switches.redirect("http://127.0.0.1:1/2.mid"), says="redirect_refused"),
    "redirect to a file": Case(switches.redirect("file:///etc/passwd"), says="redirect_refused"),
    "redirect off the section": Case(switches.redirect("/music/2.mid"), says="redirect_refused"),
    "redirect with no address": Case(switches.redirect(""), says="redirect_loop"),
    "redirect to no address": Case(switches.redirect("http://[bad"), says="redirect_refused"),
    "redirect with an endless body": Case(switches.redirect_with_endless_body, says="redirect_refused"),
    "redirect with a gzip bomb": Case(switches.redirect_with_bomb, says="redirect_refused"),
    "404 with an endless body": Case(switches.error_with_endless_body, says="http_404"),
    "HTML instead of MIDI": Case(switches.HTML, says="soft_404: a web page instead of the file"),
    "challenge page": Case(switches.challenge, state=None, code=1, says="stopped early: *a challenge page: stopped"),
    "challenge by header": Case(switches.mitigated, state=None, code=1, says="stopped early: *a challenge page"),
}


@pytest.mark.parametrize("name", FILE_FAULTS)
def test_a_bad_answer_for_a_file_costs_that_file_at_most(name: str, server: Chaos, tmp_path: Path) -> None:
    case = FILE_FAULTS[name]
    server.throw(FILE, case.switch, case.times)
    done = scrape(server, tmp_path / "box")
    checked(done, case.code, case.says)
    root = tmp_path / "box" / "data"
    found = states(root)
    assert found.pop(VICTIM, None) == case.state
    arrived = OTHERS if case.state else ["0.mid", "1.mid"]  # what ends a run ends it here; what was got is kept
    assert found == dict.fromkeys(arrived, "fetched")
    assert f"{len(arrived) + (case.state == 'fetched')} fetched" in done.out
    assert clean_run(server, root).stopped is None
    assert states(root) == dict.fromkeys(FILES, "fetched")
    assert Catalog(root).verify().ok


LOGIN = {
    "a login page for every file": switches.HTML,
    "a redirect to a login page for every file": switches.redirect("/login"),
    "a redirect elsewhere for every file": switches.redirect("https://parked.invalid/"),
    "403 for every file": switches.status(403),
    "500 for every file": switches.status(500),
}


@pytest.mark.parametrize("name", LOGIN)
def test_a_site_that_shuts_us_out_is_left_alone_after_five(server: Chaos, tmp_path: Path, name: str) -> None:
    server.publish({f"{number}.mid": midi(number) for number in range(12)})
    server.choose = lambda path, number: LOGIN[name] if path.endswith(".mid") else None
    done = scrape(server, tmp_path / "box")
    checked(done, 1, "stopped early: 5 failures in a row")
    assert len({seen.path for seen in server.log if seen.path.endswith(".mid")}) == 5
    assert clean_run(server, tmp_path / "box" / "data").fetched == 12
