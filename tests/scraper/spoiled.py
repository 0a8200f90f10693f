"""Shared by the tests of faults: a faulty server with six files, and checks."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from catalog.store import Catalog
from scraper.http.fetch import Fetcher
from scraper.vgmusic.crawl import crawl_section
from scraper.vgmusic.urls import site
from tests.scraper.boxed import Done
from tests.scraper.chaos import Chaos, chaos
from tests.scraper.conftest import HURRIED, PIANO, midi

FILES = {f"{number}.mid": midi(number) for number in range(6)}
VICTIM = "2.mid"
ROBOTS, PAGE, FILE = "/robots.txt", PIANO, PIANO + VICTIM


@pytest.fixture(name="server")
def holding_files() -> Iterator[Chaos]:
    """Serve and list FILES, without faults until a switch is set."""
    with chaos() as server:
        server.publish(FILES)
        yield server


def states(root: Path) -> dict[str, str]:
    rows = Catalog(root).pieces(columns=["url", "state"]).to_pylist()
    return {row["url"].rpartition("/")[2]: row["state"] for row in rows}


def clean_run(server: Chaos, root: Path) -> Any:
    server.well_behaved()
    with Fetcher(site(server.base_url, True), 0, patience=HURRIED) as fetcher:
        return crawl_section(root, fetcher)


def clean_kept(server: Chaos, tmp_path: Path) -> dict[str, str]:
    with Fetcher(site(server.base_url, True), 0, patience=HURRIED) as fetcher:
        crawl_section(tmp_path / "data", fetcher)
    return states(tmp_path / "data")


def says(text: str, wanted: str) -> bool:
    """Return whether a line of `text` contains the parts of `wanted`, split at `*`."""
    for line in text.splitlines() or [""]:
        at = 0
        for part in wanted.split("*"):
            at = line.find(part, at)
            if at < 0:
                break
            at += len(part)
        else:
            return True
    return False


def checked(done: Done, code: int, wanted: str) -> None:
    assert done.code == code, done
    assert says(done.err, wanted), done
    assert "Traceback" not in done.err
    assert done.peak_mb < 250
