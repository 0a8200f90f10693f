"""The page that compares runs: their figures beside those of the original, their samples, nothing that is not theirs."""

import re
from pathlib import Path

import pytest

from tests.training import exhibited
from training.compare import ZELDA, Entry, Original, as_the_original, write_comparison
from training.page import write_page
from training.run import Run


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("compare")


@pytest.fixture(scope="module")
def run(root: Path) -> Run:
    return exhibited.run(root)


def test_runs_are_compared_with_each_other_and_the_original(root: Path, run: Run, tmp_path: Path) -> None:
    out = root / "runs" / "zelda.html"
    write_page(root, run)
    entries = [
        Entry("Wind <Waker>", run, 2, ZELDA["wind-waker"], note="A & B"),
        Entry("All", exhibited.classic(tmp_path), 3, ZELDA["zelda"]),
        Entry("Ours alone", run),
    ]
    compared = write_comparison(root, entries, out, title="All of it").read_text()
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


def test_the_originals_experiment_is_told_in_its_order(run: Run) -> None:
    entries = as_the_original({"zelda": run, "majoras-mask": run}, {"zelda": "After four others."})
    assert [(each.label, each.samples, each.note) for each in entries] == [
        ("Majora’s Mask", 1, ""),
        ("All of Zelda", 3, "After four others."),
    ]
    assert [each.original for each in entries] == [Original(9, 0.0259, 106), Original(49, 0.0368, 234)]
    assert [was.pieces for was in ZELDA.values()] == [16, 9, 14, 10, 49]
    with pytest.raises(ValueError, match="tetris: no run of the original"):
        as_the_original({"tetris": run})
