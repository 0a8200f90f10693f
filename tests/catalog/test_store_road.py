"""A writer of the store that is killed at any moment, and readers beside it."""

import random
import time
from pathlib import Path

import pandas as pd
import pytest

from catalog.store import Catalog
from tests.catalog.conftest import make_piece
from tests.catalog.test_store import WRITE, Start, numbers, part_names

pytestmark = pytest.mark.road


@pytest.mark.parametrize("merge_every", [1_000_000, 3])
def test_killed_at_any_moment_a_writer_loses_nothing_it_confirmed(
    tmp_path: Path, run_script: Start, merge_every: int
) -> None:
    moments = random.Random(merge_every)
    confirmed: set[int] = set()
    catalog = Catalog(tmp_path)
    for round_number in range(5):
        child = run_script(WRITE, tmp_path, round_number * 100_000, merge_every)
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        time.sleep(moments.uniform(0.005, 0.15))
        child.kill()
        confirmed |= {int(line) for line in child.stdout.read().split()}
        child.wait()
        held = numbers(catalog.pieces())
        assert len(held) == len(set(held))
        assert confirmed <= set(held)
        assert (
            len(set(held) - confirmed) <= round_number + 1
        )  # at most the one under way was added but not yet confirmed
        assert catalog.verify().ok
    assert confirmed
    with catalog.writer():
        pass
    assert numbers(catalog.pieces()) == held == sorted(pd.read_parquet(tmp_path / "catalog" / "pieces")["bytes"])
    assert part_names(tmp_path) == ["base"]
    assert not list(tmp_path.rglob(".tmp-*"))


def test_readers_see_every_confirmed_row_once_while_files_are_merged_under_them(
    tmp_path: Path, run_script: Start
) -> None:
    catalog = Catalog(tmp_path)
    with catalog.writer() as writer:
        writer.add([make_piece(number) for number in range(1_000_000, 1_000_300)])
    child = run_script(WRITE, tmp_path, 0, 4)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    most, reads, until = 300, 0, time.monotonic() + 1.5
    while time.monotonic() < until:
        held = catalog.pieces(columns=["bytes"])["bytes"].to_pylist()
        assert len(held) == len(set(held))
        assert len(held) >= most
        assert set(range(1_000_000, 1_000_300)) <= set(held)
        most, reads = len(held), reads + 1
    child.kill()
    confirmed = {int(line) for line in child.stdout.read().split()}
    child.wait()
    assert most > 303
    assert reads > 10
    assert confirmed <= set(numbers(catalog.pieces()))
