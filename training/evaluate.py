"""The whole of one `evaluate`: how well a trained run predicts music that it was not trained on.

In: a run, and a split of its corpus or a folder of MIDI files; out: the figures of its recipe there. NumPy alone, no Keras.
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
    """Return the quality of the best epoch of `run` on one split of its corpus, which lies below `root`.

    A run of recipe note-lstm has a `Quality`, one of recipe classic a `TokenQuality`; `report` is told how far a classic one is. Raises
    TrainingError where the weights are not the run's or no use, the corpus has changed, or the split holds nothing to predict;
    CorpusError where the corpus is gone.
    """
    return learner(run.recipe).evaluate(root, run, split, report)


def evaluate_folder(
    run: Run, folder: Path, left_out: Callable[[str, str], None] = lambda path, reason: None
) -> Evaluation:
    """Return the quality of the best epoch of `run` on the MIDI files below `folder`, taken as of no style.

    `left_out` is told the path of each file that cannot be read, and why. Raises UsageError where there is no such folder or the
    recipe takes none, TrainingError where the weights are not the run's or the files hold no note to predict.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; name one that holds MIDI files")
    found = learner(run.recipe)
    found.require("--midi", run.name)
    return found.evaluate_folder(run, folder, left_out)
