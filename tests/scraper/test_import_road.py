"""An import that is killed again and again."""

import signal
import time
from pathlib import Path

import pytest

from catalog.store import Catalog
from tests import forked
from tests.scraper.conftest import midi
from tests.scraper.test_import import bring, rows, zipped

pytestmark = pytest.mark.road


def test_an_import_that_is_killed_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {f"Game {n % 7}/{n}.mid": midi(n % 3000) for n in range(3500)})
    bring(tmp_path / "whole", archive)
    root = tmp_path / "data"
    for parts in (1, 2):
        run = forked.start("scrape", "import", archive, "--root", root)
        while run.is_running() and len(list((root / "catalog" / "pieces").glob("part-*.parquet"))) < parts:
            time.sleep(0.002)
        run.send_signal(signal.SIGKILL)
        run.ended()
    assert 0 < len(Catalog(root).pieces()) <= 3500
    totals = bring(root, archive)
    assert totals.held > 0
    assert rows(root) == rows(tmp_path / "whole")
    assert not list(root.glob("**/.tmp-*"))
