"""The whole of one `evaluate`: how many bits a note a trained run needs for music that it was not trained on.

In: a run, and a split of its corpus or a folder of MIDI files; out: its `Quality` there. NumPy alone, no Keras.
"""

from collections.abc import Callable
from pathlib import Path

from catalog.base.console import Report
from catalog.base.errors import UsageError
from catalog.storage.remote import AnyPath
from dataset.corpus.schema import Split
from training.classic.quality import TokenQuality, token_quality
from training.network.quality import Quality, quality, read_folder
from training.recipe import ClassicRecipe
from training.run import Run
from training.sampling.generate import network
from training.session import held_pieces


def evaluate_run(
    root: AnyPath, run: Run, split: Split = "test", report: Report = lambda done, total: None
) -> Quality | TokenQuality:
    """Return the quality of the best epoch of `run` on one split of its corpus, which lies below `root`.

    A run of recipe classic has a `TokenQuality`, every other a `Quality`; `report` is told how far a classic one is. Raises
    TrainingError where the weights are not the run's or no use, the corpus has changed, or the split holds nothing to predict;
    CorpusError where the corpus is gone.
    """
    if isinstance(run.recipe, ClassicRecipe):
        return token_quality(root, run, split, report)
    return quality(network(run), held_pieces(root, run, split))


def evaluate_folder(
    run: Run, folder: Path, left_out: Callable[[str, str], None] = lambda path, reason: None
) -> Quality:
    """Return the quality of the best epoch of `run` on the MIDI files below `folder`, taken as of no style.

    `left_out` is told the path of each file that cannot be read, and why. Raises UsageError where there is no such folder or the run
    is of recipe classic, TrainingError where the weights are not the run's or the files hold no note to predict.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; name one that holds MIDI files")
    if isinstance(run.recipe, ClassicRecipe):
        raise UsageError(
            f"run {run.name} is of recipe classic, which is evaluated on its corpus: give --split, not --midi"
        )
    opened = network(run)
    pieces, reasons = read_folder(folder)
    for path, reason in reasons.items():
        left_out(path, reason)
    return quality(opened, pieces)
