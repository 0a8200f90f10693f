"""Random schedules of faults with two kills give the same result as no faults.

VGPIANO_SCHEDULES is the number of schedules (few by default, 200 for a full proof).
"""

import hashlib
import os
import random
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from catalog.store import Catalog
from tests.scraper import switches
from tests.scraper.boxed import Run, scrape, tree
from tests.scraper.chaos import Chaos, Switch, chaos
from tests.scraper.conftest import PIANO, midi, page, row

SCHEDULES = int(os.environ.get("VGPIANO_SCHEDULES", "2"))
HURRY = {"WHOLE_S": 0.4, "READ_S": 0.3, "BACKOFF_S": 0.005}

FILES = {f"{number}.mid": midi(number) for number in range(53)}
FILES |= {"twin1.mid": midi(7), "twin2.mid": midi(8), "Case.mid": midi(100), "case.mid": midi(101)}
UNSIGNED = {"no_md5_1.mid": midi(102), "no_md5_2.mid": midi(103)}  # rows that list a size and no MD5
GONE = row("gone.mid", midi(104))
ALL = FILES | UNSIGNED
SHA = {PIANO + name: hashlib.sha256(data).hexdigest() for name, data in ALL.items()}

TO_ANOTHER = switches.redirect(f"{PIANO}0.mid")
ON_FILES = [
    *(switches.status(code) for code in (404, 403, 500, 502, 503)),
    switches.retry_after("0"),
    switches.retry_after_date(-5),
    switches.retry_after("9999"),
    switches.reset_mid_body,
    switches.reset_at_once,
    switches.truncated,
    switches.truncated_unsaid,
    switches.truncated_chunks,
    switches.longer_claimed,
    switches.shorter_claimed,
    switches.one_byte_more,
    switches.wrong_bytes,
    switches.HTML,
    switches.challenge,
    switches.redirect_to_self,
    switches.redirect("http://10.0.0.1/x.mid"),
    TO_ANOTHER,
    switches.gibberish,
    switches.endless_head,
    switches.silence,
]
ON_PAGES = [
    switch for switch in ON_FILES if switch is not switches.wrong_bytes and switch is not switches.one_byte_more
]


def listing(names: dict[str, bytes]) -> bytes:
    signed = [row(name, data, f"Title of {name}") for name, data in names.items()]
    unsigned = [row(name, data).partition('<td class="comments">')[0] for name, data in UNSIGNED.items()]
    return page(*signed[:30], GONE, *unsigned, *signed[30:])


def set_up(server: Chaos) -> None:
    server.files |= {PIANO + name: data for name, data in ALL.items()}
    server.files[PIANO] = listing(FILES)


def fault_of(seed: int, path: str, number: int) -> Switch | None:
    """Return the fault of request `number` for `path` under schedule `seed`, or None.

    It does not depend on the order of requests.
    """
    rng = random.Random(f"{seed} {path} {number}")
    share = random.Random(seed).choice([0.03, 0.1, 0.25])
    if rng.random() > share:
        return None
    if not path.endswith(".mid"):
        return rng.choice(ON_PAGES)
    switch = rng.choice(ON_FILES)
    unsigned = (
        path.removeprefix(PIANO) in UNSIGNED
    )  # bytes that are wrong in no way that the page tells are not found out
    return switches.one_byte_more if unsigned and switch in (switches.wrong_bytes, TO_ANOTHER) else switch


def what_is_kept(root: Path) -> tuple[Any, ...]:
    """Return all data that must not depend on faults: rows without times, and bytes."""
    table = Catalog(root).pieces()
    blobs = {path.name: path.read_bytes() for path in (root / "midi").glob("??/*")}
    return table.schema, table.drop_columns(["fetched_at"]).to_pylist(), blobs


class Witness:
    """Records each request for a file that is already stored, with or without a row."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.repeats: Counter[str] = Counter()
        self.led = False  # whether the last answer sent the client on to a file that it may hold

    def watch(self, path: str) -> None:
        led, self.led = self.led, False
        if path in SHA and not led and Catalog(self.root).blob_path(SHA[path]).exists():
            self.repeats[SHA[path]] += 1


def kill_at_random(server: Chaos, run: Run, rng: random.Random, most: int) -> bool:
    """Start `run`, kill it at a random request; return whether it was alive."""
    before, wanted = len(server.log), rng.choice([rng.randrange(min(3, most)), rng.randrange(most)])
    run.start()
    while len(server.log) - before < wanted and run.process.is_alive():
        time.sleep(0.0005)
    time.sleep(rng.choice([0, rng.uniform(0, 0.005), rng.uniform(0, 0.05)]))
    run.process.kill()
    return run.wait().code == -signal.SIGKILL


@pytest.fixture(scope="module")
def faultless(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return the result of a run without faults, with port 1 in the addresses."""
    box = tmp_path_factory.mktemp("faultless") / "box"
    with chaos() as server:
        set_up(server)
        assert scrape(server, box).code == 0
        assert server.counts[PIANO + "0.mid"] == 1
        return portless(what_is_kept(box / "data"), server)


def portless(kept: tuple[Any, ...], server: Chaos) -> tuple[Any, ...]:
    schema, rows, blobs = kept
    return schema, [row | {"url": row["url"].replace(server.base_url, "http://here")} for row in rows], blobs


@pytest.mark.parametrize("seed", range(SCHEDULES))
def test_faults_and_kills_leave_no_trace(faultless: Any, tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed * 7919)
    box = tmp_path / "box"
    witness = Witness(box / "data")
    with chaos() as server:
        set_up(server)
        if seed % 3 == 0:  # a page that grows in between
            server.files[PIANO] = listing(dict(list(FILES.items())[:40]))
        server.watch = witness.watch

        def choose(path: str, number: int) -> Switch | None:
            switch = fault_of(seed, path, number)
            witness.led = switch is TO_ANOTHER
            return switch

        server.choose = choose
        kills = 0
        for most in (70, 70, 40, 10, 3, 1, 1, 1, 1):  # until two kills came while the run was alive
            kills += kill_at_random(server, Run(server, box, hurry=HURRY), rng, most)
            assert Catalog(box / "data").verify().ok
            if kills == 2:
                break
        assert kills == 2
        server.files[PIANO] = listing(FILES)
        faulty = scrape(server, box, **HURRY)
        assert faulty.code in (0, 1), faulty
        assert "Traceback" not in faulty.err, faulty
        server.well_behaved()
        (box / "data" / "scrape" / "robots.json").unlink(missing_ok=True)
        clean = scrape(server, box)
        assert clean.code == 0, clean
        assert portless(what_is_kept(box / "data"), server) == faultless
        assert all(path.startswith("data/") for path in tree(box))
        assert {part.split("/")[1] for part in tree(box)} <= {"catalog", "midi", "quarantine", "scrape"}
        assert not [path for path in tree(box) if ".tmp-" in path]
        again = scrape(server, box)
        assert (again.code, "0 fetched" in again.out) == (0, True), again
    assert not witness.repeats
    print(f"seed {seed}: {kills} kills, {len(server.log)} requests, {witness.repeats.total()} repeats")
