"""`scrape` as a real process, killed at any moment; the next run completes it."""

import hashlib
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from catalog.store import Catalog
from tests import forked
from tests.scraper.conftest import PIANO, Handler, Scrape, Server, midi, row

pytestmark = pytest.mark.road

FILES = {f"{number}.mid": midi(number) for number in range(60)} | {"twin.mid": midi(7), "wrong.mid": midi(500)}
MOMENTS = 10


def start(server: Server, root: Path) -> forked.Started:
    words = ("--allow-private-hosts", "--delay", "0", "--root", root, "--base-url", server.base_url)
    return forked.start("scrape", "vgmusic", *words)


def rows(root: Path) -> list[dict[str, Any]]:
    return [row | {"fetched_at": None} for row in Catalog(root).pieces().to_pylist()]


def set_up(server: Server) -> None:
    server.publish(FILES, row("gone.mid", midi(600)))
    server.files[PIANO + "wrong.mid"] = midi(501)


def on_disk(root: Path) -> set[str]:
    stored = {path.stem for path in (root / "midi").glob("??/*.mid")}
    return {name for name, data in FILES.items() if hashlib.sha256(data).hexdigest() in stored and name != "wrong.mid"}


def slow(handler: Handler) -> None:
    time.sleep(0.2)
    handler.reply(200, midi(0))


def dated(number: int) -> Callable[[Handler], None]:
    return lambda handler: handler.reply(200, midi(number), ETag=f'"{number}"', Last_Modified=f"day {number}")


def test_bytes_whose_row_was_not_written_are_taken_in_without_a_request(
    scrape: Scrape, server: Server, tmp_path: Path
) -> None:
    files = {f"{number}.mid": midi(number) for number in range(20)}
    server.publish(files)
    server.for_ever = True
    for number in range(20):
        server.faults[f"{PIANO}{number}.mid"] = [dated(number)]
    server.faults[PIANO + "10.mid"] = [slow]
    root = tmp_path / "killed"
    process = start(server, root)
    while process.is_running() and not any(seen.path.endswith("/10.mid") for seen in server.log):
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    assert process.ended().returncode == -signal.SIGKILL
    assert len(Catalog(root).pieces()) == 0  # the rows were still waiting
    assert len(Catalog(root).verify().unlisted) == 10
    server.asked()
    server.faults[PIANO + "10.mid"] = [dated(10)]
    assert start(server, root).ended().returncode == 0
    assert server.asked() == ["PAGE", *(f"{number}.mid" for number in range(10, 20))]
    scrape()
    assert rows(root) == rows(scrape.root)  # ETag and Last-Modified too, out of the journal
    assert all(row["fetched_at"] is not None for row in Catalog(root).pieces().to_pylist())
    assert Catalog(root).verify().unlisted == []


def test_a_damaged_file_without_a_row_is_not_taken_in(scrape: Scrape, server: Server) -> None:
    server.publish({"x.mid": midi(1)})
    path = scrape.catalog.blob_path(hashlib.sha256(midi(1)).hexdigest())
    path.parent.mkdir(parents=True)
    path.write_bytes(b"MThd, half")
    assert scrape().fetched == 1
    path.unlink()
    path.with_name("note.mid").write_bytes(midi(1))  # no name of ours
    assert scrape().fetched == 1


def test_without_a_journal_bytes_are_known_by_md5_all_the_same(scrape: Scrape, server: Server) -> None:
    server.publish({"x.mid": midi(1)}, row("y.mid", midi(2), size=9))
    with scrape.catalog.writer() as writer:
        writer.put_blob(midi(1))
        writer.put_blob(midi(2))
    totals = scrape()
    assert (totals.held, totals.quarantined, totals.missing) == (
        1,
        0,
        1,
    )  # y: other bytes than the row says are not taken
    assert server.asked() == ["/robots.txt", "PAGE", "y.mid"]


def test_killed_at_ten_moments_the_rerun_ends_in_the_same_catalog(
    scrape: Scrape, server: Server, tmp_path: Path
) -> None:
    set_up(server)
    root = tmp_path / "killed"
    moments = random.Random(5)
    asked: Counter[str] = Counter()
    held: set[str] = set()  # names whose bytes lay verified on disk when a process was killed
    for kill in range(MOMENTS):
        process = start(server, root)
        wanted = moments.randrange(1, 10)
        while len(server.log) < wanted and process.is_running():
            time.sleep(0.001)
        time.sleep(moments.uniform(0, 0.02))
        process.send_signal(signal.SIGKILL)
        process.ended()
        names = server.asked()
        assert held.isdisjoint(names), f"before kill {kill}"
        asked.update(set(names))
        held = on_disk(root)
        assert Catalog(root).verify().ok, f"after kill {kill}"
    assert start(server, root).ended().returncode == 0
    names = server.asked()
    assert held.isdisjoint(names)
    asked.update(names)
    assert scrape().fetched == 60
    assert rows(root) == rows(scrape.root)
    again = {name: times for name, times in asked.items() if name in FILES and name != "wrong.mid" and times > 1}
    assert sum(times - 1 for times in again.values()) <= MOMENTS  # at most the one under way at each kill
    written = {path.relative_to(root).parts[0] for path in root.rglob("*") if path.is_file()}
    assert written == {"catalog", "midi", "quarantine", "scrape"}
    assert not list(root.rglob(".tmp-*"))


def test_ctrl_c_keeps_what_was_got(server: Server, tmp_path: Path) -> None:
    set_up(server)
    server.for_ever = True
    server.faults[PIANO + "5.mid"] = [slow]
    process = start(server, tmp_path)
    while process.is_running() and not any(seen.path.endswith("/5.mid") for seen in server.log):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.ended().returncode == 130
    assert len(Catalog(tmp_path).pieces("state == 'fetched'")) == 5
    assert len(list((tmp_path / "catalog" / "pieces").glob("*.parquet"))) == 1
