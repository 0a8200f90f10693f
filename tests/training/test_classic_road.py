"""A training of the recipe `classic` that is stopped or killed goes on to the curve it would have had."""

import re
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from dataset.corpus.corpus import Corpus
from tests import forked
from tests.training.classical import FOREVER, TINY, after_four_epochs, folder, learned, losses, new_run, vocabulary  # noqa: F401 - fixtures
from training.classic import train as classic
from training.classic.recipe import ClassicRow
from training.progress import Budget
from training.run import Run

pytestmark = pytest.mark.road


def test_a_run_stopped_and_resumed_gives_the_curve_of_one_left_alone(
    root: Path, corpus: Corpus, text: str, trained: Run
) -> None:
    run = new_run(root, corpus, text, "stopped")

    def stop(row: ClassicRow) -> None:
        if row.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        classic.train(run, corpus, FOREVER, stop)
    assert run.progress().epoch == 2
    progress = classic.train(Run.open(root, "stopped"), corpus, FOREVER, lambda row: None)
    np.testing.assert_allclose(losses(progress), losses(trained.progress()), rtol=1e-5)


def test_a_kill_loses_no_more_than_the_epoch_under_way(root: Path, corpus: Corpus, text: str, trained: Run) -> None:
    run = new_run(root, corpus, text, "killed")
    resume = ("--name", "killed", "--resume", "--epochs", "1000", "--no-render", "--root", root)
    process, deadline = forked.start("train", *resume), time.monotonic() + 120
    while run.progress().epoch < 3:  # then the second was reported
        assert process.is_running(), process.ended()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.05)  # into an epoch, or into the saving of one
    process.send_signal(signal.SIGKILL)
    killed = process.ended()
    assert killed.returncode == -signal.SIGKILL
    said = int(re.findall(r"^epoch (\d+) ", killed.stdout, re.MULTILINE)[-1])
    progress = Run.open(root, "killed").progress()
    assert progress.epoch >= said >= 2
    done = classic.train(Run.open(root, "killed"), corpus, Budget(None, progress.epoch + 1), lambda row: None)
    assert done.epoch == progress.epoch + 1
    shared = min(done.epoch, TINY.epochs)
    np.testing.assert_allclose(losses(done)[:shared], losses(trained.progress())[:shared], rtol=1e-4)
    assert [path.name for path in run.checkpoints.glob("*.keras")] == [done.checkpoint]
    assert not list(run.path.rglob(".tmp-*"))
