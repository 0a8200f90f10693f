"""`scrape` as a real process, killed at any moment: the rerun ends as if it had never been killed."""

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from catalog.store import Catalog
from tests.scraper.conftest import PIANO, Handler, Scrape, Server, midi, row

FILES = {f"{number}.mid": midi(number) for number in range(60)} | {"twin.mid": midi(7), "wrong.mid": midi(500)}
MOMENTS = 10


def listen_to_ctrl_c() -> None:
    """Undo what a shell does to processes in the background: SIGINT would be ignored, here and in what we start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(server: Server, root: Path) -> subprocess.Popen[bytes]:
    line = [
        sys.executable,
        "-m",
        "scraper.cli",
        "vgmusic",
        "--allow-private-hosts",
        "--delay",
        "0",
        "--root",
        str(root),
    ]
    line += ["--base-url", server.base_url]
    return subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=listen_to_ctrl_c)


def rows(root: Path) -> list[dict[str, Any]]:
    return [row | {"fetched_at": None} for row in Catalog(root).pieces().to_pylist()]


def set_up(server: Server) -> None:
    server.publish(FILES, row("gone.mid", midi(600)))
    server.files[PIANO + "wrong.mid"] = midi(501)


def test_killed_at_ten_moments_the_rerun_ends_in_the_same_catalog(
    scrape: Scrape, server: Server, tmp_path: Path
) -> None:
    set_up(server)
    root = tmp_path / "killed"
    moments = random.Random(5)
    asked: Counter[str] = Counter()
    for kill in range(MOMENTS):
        process = start(server, root)
        wanted = moments.randrange(1, 10)
        while len(server.log) < wanted and process.poll() is None:
            time.sleep(0.001)
        time.sleep(moments.uniform(0, 0.02))
        process.send_signal(signal.SIGKILL)
        process.wait()
        asked.update(set(server.asked()))
        assert Catalog(root).verify().ok, f"after kill {kill}"
    assert start(server, root).wait() == 0
    asked.update(server.asked())
    assert scrape().fetched == 60
    assert rows(root) == rows(scrape.root)
    again = {name: times for name, times in asked.items() if name in FILES and name != "wrong.mid" and times > 1}
    assert sum(times - 1 for times in again.values()) <= MOMENTS  # at most the one under way at each kill
    written = {path.relative_to(root).parts[0] for path in root.rglob("*") if path.is_file()}
    assert written == {"catalog", "midi", "quarantine", "scrape"}
    assert not list(root.rglob(".tmp-*"))


def slow(handler: Handler) -> None:
    time.sleep(0.2)
    handler.reply(200, midi(0))


def test_ctrl_c_keeps_what_was_got(server: Server, tmp_path: Path) -> None:
    set_up(server)
    server.for_ever = True
    server.faults[PIANO + "5.mid"] = [slow]
    process = start(server, tmp_path)
    while process.poll() is None and not any(seen.path.endswith("/5.mid") for seen in server.log):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.wait() == 130
    assert len(Catalog(tmp_path).pieces("state == 'fetched'")) == 5
    assert len(list((tmp_path / "catalog" / "pieces").glob("*.parquet"))) == 1
