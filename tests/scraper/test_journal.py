"""The journal: it records every request, and its audit finds every violation."""

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from catalog.base.errors import FetchError
from scraper.http import limits
from scraper.http.audit import audit_journal
from scraper.http.fetch import Fetcher
from scraper.http.journal import Journal, journal_run
from scraper.vgmusic.crawl import survey_section
from scraper.vgmusic.urls import site
from tests import forked
from tests.scraper.conftest import PIANO, Scrape, Server, midi, row
from tests.scraper.test_killed import start

FIVE = {f"{number}.mid": midi(number) for number in range(5)}


def lines(root: Path) -> list[dict[str, Any]]:
    return [line for _, line in Journal(root).lines() if line is not None]


def asked(root: Path) -> list[dict[str, Any]]:
    return [line for line in lines(root) if line["event"] == "request"]


def doctored(root: Path, number: int, **facts: object) -> list[str]:
    """Return the problems found after line `number` was changed.

    None as a value removes the field; without fields the whole line is removed.
    """
    path = Journal(root).path
    before = path.read_bytes()
    texts = before.splitlines()
    changed = json.loads(texts[number - 1]) | facts
    texts[number - 1 : number] = [json.dumps(changed).encode()] if facts else []
    path.write_bytes(b"\n".join(texts) + b"\n")
    found = audit_journal(root).problems
    path.write_bytes(before)
    return list(found)


def test_every_request_has_a_line_in_the_order_of_asking(scrape: Scrape, server: Server) -> None:
    server.publish(FIVE, row("gone.mid", midi(9)), row("wrong.mid", midi(8), size=7))
    server.files[PIANO + "wrong.mid"] = midi(8)
    server.faults[PIANO + "1.mid"] = [lambda handler: handler.reply(503, b"later")]
    server.faults[PIANO + "2.mid"] = [lambda handler: handler.reply(302, Location=PIANO + "moved.mid")]
    server.files[PIANO + "moved.mid"] = FIVE["2.mid"]
    server.faults[PIANO + "3.mid"] = [lambda handler: handler.connection.shutdown(socket.SHUT_RDWR)]
    scrape()
    found = asked(scrape.root)
    assert [line["url"].removeprefix(server.base_url) for line in found] == [seen.path for seen in server.log]
    outcomes = {line["url"].rpartition("/")[2]: line["outcome"] for line in found}
    assert outcomes["gone.mid"] == "http_404"
    assert outcomes["wrong.mid"] == "size_mismatch"
    assert [line["outcome"] for line in found if line["url"].endswith("/1.mid")] == ["http_503", "fetched"]
    assert [line["try"] for line in found if line["url"].endswith("/1.mid")] == [1, 2]
    assert [line["outcome"] for line in found if "2.mid" in line.get("asked", line["url"])] == ["redirect", "fetched"]
    assert [line["outcome"] for line in found if line["url"].endswith("/3.mid")] == ["network_error", "fetched"]
    assert next(line["bytes"] for line in found if line["url"].endswith("/1.mid")) == len(b"later")
    begin, *_, end = lines(scrape.root)
    assert (begin["event"], begin["what"], begin["site"]) == ("begin", "vgmusic piano", server.base_url)
    assert begin["agent"].startswith("vgpiano/")
    assert (end["event"], end["outcome"], end["requests"]) == ("end", "done", len(server.log))
    assert (end["listed"], end["fetched"], end["missing"], end["quarantined"]) == (7, 5, 1, 1)
    assert audit_journal(scrape.root).problems == ()


def test_a_run_that_fails_is_in_it_too(scrape: Scrape, server: Server) -> None:
    server.faults["/robots.txt"] = [lambda handler: handler.reply(500)] * limits.TRIES
    with pytest.raises(FetchError):
        scrape()
    assert [line["outcome"] for line in asked(scrape.root)] == ["http_500"] * limits.TRIES
    assert lines(scrape.root)[-1]["outcome"] == "FetchError"
    assert audit_journal(scrape.root).problems == ()


def test_a_challenge_page_is_in_it(scrape: Scrape, server: Server) -> None:
    server.publish(FIVE)
    server.faults[PIANO + "2.mid"] = [lambda handler: handler.reply(403, b"", **{"cf-mitigated": "challenge"})]
    assert "challenge" in (scrape().stopped or "")
    assert asked(scrape.root)[-1]["outcome"] == "stopped"
    assert audit_journal(scrape.root).problems == ()


def test_a_dry_run_is_in_it(scrape: Scrape, server: Server) -> None:
    server.publish(FIVE)
    with Fetcher(site(server.base_url, True), 0) as fetcher:
        survey_section(scrape.root, fetcher)
    assert [line["outcome"] for line in asked(scrape.root)] == ["ok", "ok"]
    assert lines(scrape.root)[0]["what"] == "vgmusic piano, dry run"


def test_a_run_within_a_run_is_one_run(scrape: Scrape, server: Server) -> None:
    server.publish(FIVE)
    with Fetcher(site(server.base_url, True), 0) as fetcher, journal_run(scrape.root, fetcher, "twice") as totals:
        totals["fetched"] += 1
        with journal_run(scrape.root, fetcher, "within") as inner:
            fetcher.get(server.base_url + PIANO, lambda url: None, 10_000)
            inner.update(fetched=2)
        assert fetcher.record is not None
    assert [line["event"] for line in lines(scrape.root)] == ["begin", "request", "end"]
    assert lines(scrape.root)[-1]["fetched"] == 3


def test_the_check_names_a_delay_that_was_broken(scrape: Scrape, server: Server) -> None:
    server.publish({"0.mid": midi(0), "1.mid": midi(1)})
    scrape.delay = 0.1
    scrape()
    assert audit_journal(scrape.root).problems == ()
    third, fourth = asked(scrape.root)[2:]
    [problem] = doctored(scrape.root, 5, clock=third["clock"] + 0.05)
    assert problem.endswith("line 5: sent 0.050 s after the previous request, with a delay of 0.1 s")
    assert "sent before Retry-After (5 s)" in doctored(scrape.root, 4, retry_after=5)[0]
    assert "in progress" in doctored(scrape.root, 4, seconds=fourth["clock"])[0]
    assert "for a public host" in doctored(scrape.root, 1, private=False)[0]


@pytest.mark.parametrize(
    "number, facts, problem",
    [
        (4, {"bytes": 1}, "bytes, the request lines"),
        (6, {"fetched": 9}, "the last line reports 9 fetched, the request lines 2"),
        (6, {"requests": 3}, "the last line reports 3 requests, the request lines 4"),
        (4, {"sha256": "0" * 64}, "is not in the catalog"),
        (4, {"outcome": "md5_mismatch"}, "the last line reports 0 quarantined, the request lines 1"),
        (4, {"event": "what"}, "not a valid journal line"),
        (4, {"clock": "noon"}, "not a valid journal line"),
        (4, {}, "line 4: numbered as request 4, but request 3 was expected"),
        (1, {}, "the first line is missing"),
    ],
)
def test_the_check_names_what_does_not_add_up(
    scrape: Scrape, server: Server, number: int, facts: dict[str, object], problem: str
) -> None:
    server.publish({"0.mid": midi(0), "1.mid": midi(1)})
    scrape()
    assert any(problem in found for found in doctored(scrape.root, number, **facts))


def test_a_torn_last_line_is_passed_over_and_gone_after_the_next_run(scrape: Scrape, server: Server) -> None:
    server.publish(FIVE)
    scrape()
    path = Journal(scrape.root).path
    whole = path.read_bytes()
    path.write_bytes(whole + whole.splitlines()[2][:-20])
    assert audit_journal(scrape.root).problems == ()
    scrape()
    assert path.read_bytes().startswith(whole)
    assert len(path.read_bytes().splitlines()) == len(lines(scrape.root))
    path.write_bytes(path.read_bytes() + b"rubbish\n")
    [problem] = audit_journal(scrape.root).problems
    assert problem.endswith("not a valid journal line")


def test_a_last_line_that_lacks_its_end_only_is_kept(scrape: Scrape, server: Server) -> None:
    server.publish(FIVE)
    scrape()
    path = Journal(scrape.root).path
    path.write_bytes(path.read_bytes()[:-1])
    scrape()
    assert [line["event"] for line in lines(scrape.root)].count("end") == 2
    assert audit_journal(scrape.root).problems == ()


def test_a_killed_run_leaves_its_lines_and_the_check_counts_it(server: Server, tmp_path: Path) -> None:
    server.publish(FIVE)
    server.faults[PIANO + "3.mid"] = [lambda handler: time.sleep(3)]
    process = start(server, tmp_path)
    while process.is_running() and not any(seen.path.endswith("/3.mid") for seen in server.log):
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.ended().returncode == -signal.SIGKILL
    assert [line["outcome"] for line in asked(tmp_path)] == ["ok", "ok", "fetched", "fetched", "fetched"]
    found = audit_journal(tmp_path)
    assert (found.runs, found.unended, found.requests, found.problems) == (1, 1, 5, ())


def test_many_processes_may_write_at_a_time(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from scraper.http.journal import Journal\n"
        "for n in range(200): Journal(Path(sys.argv[1])).append("
        "{'event': 'end', 'run': 'x' * 500, 'at': '', 'outcome': 'done', 'requests': n, 'bytes': 0})"
    )
    writers = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path)]) for _ in range(3)]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    assert sorted(line["requests"] for line in lines(tmp_path)) == sorted(list(range(200)) * 3)


def test_a_new_delay_holds_from_the_next_request_on_and_retry_after_for_the_next_file(server: Server) -> None:
    server.files["/x"] = b"x"
    server.faults["/busy"] = [lambda handler: handler.reply(413, Retry_After="1")]
    with Fetcher(site(server.base_url, True), 0) as fetcher:
        fetcher.get(server.base_url + "/x", lambda url: None, 100)
        fetcher.slow_down(0.3)
        fetcher.get(server.base_url + "/busy", lambda url: None, 100)
        fetcher.get(server.base_url + "/x", lambda url: None, 100)
    first, second, third = (seen.at for seen in server.log)
    assert second - first > 0.28
    assert third - second > 0.9


def test_the_command_prints_lines_and_the_check_has_its_exit_code(scrape: Scrape, server: Server) -> None:
    server.publish(FIVE)
    scrape()

    def journal(*options: str) -> subprocess.CompletedProcess[str]:
        return forked.command("scrape", "journal", "--root", scrape.root, *options)

    table = journal("--last", "3").stdout
    assert "4.mid" in table
    assert "1.mid" not in table
    assert [line["event"] for line in json.loads(journal("--format", "json").stdout)] == [
        line["event"] for line in lines(scrape.root)
    ]
    good = journal("--check")
    assert good.returncode == 0
    assert good.stdout.startswith("7 requests in 1 run (0 without an end), ")
    with Journal(scrape.root).path.open("a") as file:
        file.write("{}\n")
    bad = journal("--check")
    assert (bad.returncode, bad.stdout.splitlines()[0]) == (1, "line 10: not a valid journal line")
