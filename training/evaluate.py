"""Evaluation: how well a trained run predicts held-out music. No Keras.

In: a run, and a split of its corpus or a folder of MIDI files. Out: the figures that the run's recipe defines.
"""

from collections.abc import Callable
from pathlib import Path

from catalog.base.console import Report
from catalog.base.errors import UsageError
from catalog.storage.remote import AnyPath
from dataset.corpus.schema import Split
from training.learner import Evaluation, learner
from training.run import Run


def evaluate_run(
    root: AnyPath, run: Run, split: Split = "test", report: Report = lambda done, total: None
) -> Evaluation:
    """Return the quality of the kept epoch of `run` on one split of its corpus.

    The corpus is read below `root`. Returns `Quality` for recipe note-lstm, `TokenQuality` for classic; for classic,
    `report` receives the progress. Raises TrainingError if the weights are not the run's or are unusable, the corpus
    has changed, or the split has nothing to predict; CorpusError if the corpus no longer exists.
    """
    return learner(run.recipe).evaluate(root, run, split, report)


def evaluate_folder(
    run: Run, folder: Path, left_out: Callable[[str, str], None] = lambda path, reason: None
) -> Evaluation:
    """Return the quality of the kept epoch of `run` on the MIDI files below `folder`.

    The files have no style. `left_out` receives path and reason for each unreadable file. Raises UsageError if the
    folder does not exist or the recipe does not support this, TrainingError if the weights are not the run's or there
    is no note to predict.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; name a folder of MIDI files")
    found = learner(run.recipe)
    found.require("--midi", run.name)
    return found.evaluate_folder(run, folder, left_out)
