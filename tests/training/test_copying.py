"""Copying while a network is trained: a share of short drafts, measured after the same epochs in each training."""

import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from tests.training.test_note_sources import TUNES, indexed
from tests.training.test_sampler import VOCABULARY, saying
from training.note_lstm.copying import FIRST_NOTES, drafts_copied, is_due
from training.novelty.figures import DRAFT_NOTES, DRAFTS, copied_share, find_copies
from training.page.reference import Copied, first_notes
from training.page.run_page import charts_of
from training.page.run_summary import RunSummary
from training.run import Run
from training.sampling.config import SamplingConfig
from training.sampling.sampler import compose

SEED = 7


def test_the_share_is_that_of_the_drafts_notes_in_passages_of_training_pieces() -> None:
    network = saying(time={12: 60})
    drafts = compose(network, VOCABULARY, SamplingConfig(count=DRAFTS, notes=DRAFT_NOTES, seed=SEED))
    assert drafts_copied(network, VOCABULARY, indexed(TUNES), SEED) == 0
    half = drafts_copied(network, VOCABULARY, indexed(drafts[: DRAFTS // 2]), SEED)
    assert half == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    "epoch_notes, epochs, measured",
    [
        (FIRST_NOTES // 2, 24, [2, 3, 4, 6, 8, 12, 16, 23]),  # three minutes of one series
        (5 * FIRST_NOTES, 24, [1, 2, 3, 4, 5, 7, 10, 13, 19]),  # half an hour of the section
        (FIRST_NOTES // 2, 240, [2, 3, 4, 6, 8, 12, 16, 23, 32, 46, 64, 91, 128, 182]),  # half an hour of one series
        (256, 500, []),
    ],
)
def test_it_is_due_twice_while_the_notes_trained_on_double(epoch_notes: int, epochs: int, measured: list[int]) -> None:
    ends = range(0, (epochs + 1) * epoch_notes, epoch_notes)
    assert [epoch for epoch, span in enumerate(pairwise(ends), 1) if is_due(*span)] == measured


def test_peoples_share_lies_within_its_interval() -> None:
    learned = indexed(TUNES[:4])
    found = [find_copies(learned, first_notes(tune, DRAFT_NOTES)) for tune in TUNES[:16]]
    assert {figure.notes for figure in found} == {DRAFT_NOTES}
    people = Copied.of(found)
    assert people is not None
    assert people.share == copied_share(found) >= 0.25  # four of 16 were learned; short figures recur
    assert 0 < people.low < people.share < people.high < 1
    assert Copied.of([]) is None


def test_a_run_of_an_earlier_version_gets_the_column_when_it_goes_on(trained: Path, tmp_path: Path) -> None:
    run = Run.open(Path(shutil.copytree(trained, tmp_path / "root")), "tiny")
    progress = run.progress()
    for row in progress.history[:-1]:
        del row["copied"]
    run.save_progress(replace(progress, history=progress.history[:-1]))
    before = RunSummary.of(run)
    progress.history[-1]["copied"] = 0.25
    run.save_progress(progress)
    after = RunSummary.of(run)
    assert [row.get("copied") for row in after.rows][-1] == 0.25
    assert (run.path / "metrics.csv").read_text().splitlines()[1].endswith(",")
    *others, chart = charts_of(after)
    assert chart.title.startswith("Copied notes")
    assert [len(line.dots) for line in chart.plot.lines] == [1]
    assert len(charts_of(before)) == len(others)
