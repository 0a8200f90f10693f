"""A scrape interrupted by Ctrl-C: totals, kept files, and resuming."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scraper.http.audit import audit_journal
from scraper.http.journal import Journal
from tests import forked
from tests.scraper.conftest import PIANO, Handler, Server, midi, page, row

BIN = Path(sys.executable).parent
TOTALS = re.compile(
    r"listed (\d+) = (\d+) already held \+ (\d+) duplicates \+ (\d+) fetched \+ (\d+) missing .* \+ (\d+) not requested"
)


@pytest.fixture(autouse=True)
def hearing() -> Iterator[None]:
    """Let processes receive Ctrl-C even if the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def start(server: Server, root: Path, *words: str) -> "subprocess.Popen[str]":
    line = [str(BIN / "scrape"), *words, "--base-url", server.base_url, "--allow-private-hosts", "--delay", "0"]
    return subprocess.Popen(
        [*line, "--root", str(root)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    )


def stopped(server: Server, process: "subprocess.Popen[str]", path: str) -> tuple[str, str]:
    """Press Ctrl-C when `path` is requested; return the output of the command."""
    deadline = time.monotonic() + 60
    while not any(seen.path == path for seen in server.log) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode == 130, err
    assert err.splitlines()[-1] == "stopped: downloaded files are kept; run the same command to resume"
    assert "Traceback" not in err
    return out, err


def slow(handler: Handler) -> None:
    time.sleep(20)


def test_a_scrape_that_is_stopped_says_what_it_did_and_goes_on(server: Server, tmp_path: Path) -> None:
    server.publish({f"{number}.mid": midi(number) for number in range(9)})
    server.faults[PIANO + "4.mid"] = [slow]
    out, _ = stopped(server, start(server, tmp_path, "vgmusic"), PIANO + "4.mid")
    found = TOTALS.search(out)
    assert found is not None
    assert [int(number) for number in found.groups()] == [9, 0, 0, 4, 0, 5]
    assert list(Journal(tmp_path).lines())[-1][1]["outcome"] == "KeyboardInterrupt"  # type: ignore[index]
    assert audit_journal(tmp_path).problems == ()
    words = ("--base-url", server.base_url, "--allow-private-hosts", "--delay", "0", "--root", str(tmp_path))
    assert "4 already held + 0 duplicates + 5 fetched" in forked.command("scrape", "vgmusic", *words).stdout


def test_of_all_sections_the_one_under_way_and_those_before_it_are_told(server: Server, tmp_path: Path) -> None:
    links = "".join(f'<a href="/music/{name}/">{name}</a>' for name in ("first", "second", "third"))
    server.files["/music/"] = f'<html><div id="sidebar"><p class="menu">{links}</p></div></html>'.encode()
    for name in ("first", "second", "third"):
        files = {f"{name}{number}.mid": midi(len(name) * 9 + number) for number in range(2)}
        server.files[f"/music/{name}/"] = page(*(row(file, data) for file, data in files.items()))
        server.files |= {f"/music/{name}/{file}": data for file, data in files.items()}
    server.faults["/music/second/second1.mid"] = [slow]
    process = start(server, tmp_path, "vgmusic", "--section", "all")
    out, _ = stopped(server, process, "/music/second/second1.mid")
    assert [line.split(" ")[0] for line in out.splitlines()] == ["first:", "listed", "second:", "listed", "3"]
    assert "1 fetched" in out.splitlines()[3]
    assert out.splitlines()[-1] == "3 sections = 1 done + 0 empty + 0 failed + 2 not done"
