"""Copying while a network is trained: a share of short drafts, measured where there is time."""

import shutil
from pathlib import Path

import pytest

from tests.training.test_note_sources import TUNES, indexed
from tests.training.test_sampler import VOCABULARY, saying
from training.note_lstm.copying import MOST_TIME, SEED, CopyMeter, drafts_copied
from training.note_lstm.trained import open_network
from training.novelty.figures import DRAFT_NOTES, DRAFTS, copied_share, find_copies
from training.page.reference import Copied, first_notes
from training.page.run_summary import RunSummary
from training.run import Run
from training.sampling.config import SamplingConfig
from training.sampling.sampler import compose


def test_the_share_is_that_of_the_drafts_notes_in_passages_of_training_pieces() -> None:
    network = saying(time={12: 60})
    drafts = compose(network, VOCABULARY, SamplingConfig(count=DRAFTS, notes=DRAFT_NOTES, seed=SEED))
    assert drafts_copied(network, VOCABULARY, indexed(TUNES)) == 0
    assert drafts_copied(network, VOCABULARY, indexed(drafts)) == 1
    half = drafts_copied(network, VOCABULARY, indexed(drafts[: DRAFTS // 2]))
    assert half == pytest.approx(0.5, abs=0.05)


def test_it_is_measured_where_it_takes_no_more_than_its_share_of_the_time(trained: Path) -> None:
    run = Run.open(trained, "tiny")
    network, vocabulary = open_network(run)
    meter = CopyMeter(run, vocabulary)
    assert meter.measure(network) is None
    meter.began, meter.began_cpu = meter.began - 3600, meter.began_cpu - 3600
    share = meter.measure(network)
    assert share is not None
    assert 0 <= share <= 1
    assert meter.spent == meter.last > 0
    meter.spent = 2 * MOST_TIME * 3600
    assert meter.measure(network) is None


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
    progress.history[-1]["copied"] = 0.25
    run.save_progress(progress)
    assert [row.get("copied") for row in RunSummary.of(run).rows][-1] == 0.25
    assert (run.path / "metrics.csv").read_text().splitlines()[1].endswith(",")
