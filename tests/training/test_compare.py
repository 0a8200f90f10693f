"""The page that compares runs: figures, figures of the original, samples."""

import os
import re
from pathlib import Path

import pytest

from tests.running import children
from tests.training import exhibited
from tests.training.exhibited import shown_root, shown_run  # noqa: F401 - fixtures
from training.page.comparison_page import ZELDA, ZELDA_LABELS, Entry, write_comparison
from training.page.run_page import write_page
from training.run import Run


def test_runs_are_compared_with_each_other_and_the_original(root: Path, run: Run, tmp_path: Path) -> None:
    out = root / "runs" / "zelda.html"
    write_page(root, run)
    entries = [
        Entry("Wind <Waker>", run, 2, ZELDA["wind-waker"], note="A & B"),
        Entry("All", exhibited.classic(tmp_path), 3, ZELDA["zelda"]),
        Entry("Ours alone", run),
    ]
    before = children(os.getpid())
    compared = write_comparison(root, entries, out, title="All of it").read_text()
    assert set(children(os.getpid())) <= set(before), "the processes that make samples' parts end"
    said = " ".join(re.sub(r"<[^>]+>", " ", compared).split())
    assert "14 0.0105 at epoch 210" in said
    assert "49 0.0368 at epoch 234" in said
    assert "1.0000 at epoch 4" in said
    assert compared.count("data-sound") == 3
    assert compared.count("Wind &lt;Waker&gt;") > 3
    assert "Wind <Waker>" not in compared
    assert 'href="shown/index.html"' in compared
    ids = re.findall(r'\bid="([^"]+)"', compared)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', compared)) - set(ids) == set()
    with pytest.raises(ValueError, match="26 at most"):
        write_comparison(root, entries * 9, out, title="Too many")


def test_the_originals_figures_are_those_of_its_article() -> None:
    assert list(ZELDA) == list(ZELDA_LABELS)
    assert [(was.pieces, was.loss, was.epoch) for was in ZELDA.values()] == [
        (16, None, None),
        (9, 0.0259, 106),
        (14, 0.0105, 210),
        (10, 0.0324, 220),
        (49, 0.0368, 234),
    ]
