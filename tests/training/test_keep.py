"""`--keep`: the epoch that is best on held-out pieces, or on the training pieces."""

from pathlib import Path

import numpy as np
import pytest

from catalog.base.errors import UsageError
from training.classic.recipe import ClassicRecipe, ClassicRow
from training.loop.checkpoints import keep_epoch
from training.network.weights import load_weights
from training.note_lstm.recipe import EpochRow, NoteLSTMRecipe
from training.recipe import Keep
from training.run import Run
from training.run_record import TrainingRequest
from training.train_config import TrainConfig


def row(epoch: int, train: float, held: float) -> ClassicRow:
    return ClassicRow(epoch=epoch, seconds=1.0, tokens_per_second=1.0, train_loss=train, validation_loss=held)


@pytest.mark.parametrize("keep, best", [("training", 3), ("validation", 2), (None, 3)])
def test_the_weights_are_those_of_the_epoch_that_is_best_by_the_figure_that_is_asked_for(
    tmp_path: Path, keep: Keep | None, best: int
) -> None:
    asked = TrainingRequest(corpus="c", corpus_hash="0" * 64, query="", seed=0, minutes=None, epochs=4, keep=keep)
    run = Run.create(tmp_path, "kept", ClassicRecipe(), "{}", asked)
    progress = run.progress()
    for epoch, (train, held) in enumerate(((3.0, 2.5), (2.0, 2.0), (1.0, 2.2), (1.5, 2.3)), 1):
        keep_epoch(run, progress, row(epoch, train, held), {"w": np.full(1, epoch, np.float32)})
    named, meta = load_weights(run.weights)
    assert (meta.epoch, named["w"].tolist(), run.progress().best_epoch) == (best, [best], best)


@pytest.mark.parametrize("most", [-1, 3, 10_001])
def test_a_guard_that_no_sampler_takes_is_refused_before_training(most: int) -> None:
    with pytest.raises(UsageError, match="--max-copy"):
        TrainConfig(query="series == 'temple'", max_copy=most)


def note_row(epoch: int, held: float) -> EpochRow:
    parts = dict.fromkeys(("time", "pitch", "duration", "velocity"), held / 4)
    return EpochRow(epoch=epoch, seconds=1.0, train_bits=3.0 - epoch / 10, validation_bits=held, **parts)


@pytest.mark.parametrize(
    "keep, first, kept",
    [(None, 1, 3), ("validation", 1, 3), ("training", 1, 5), (None, 0, 0)],
)
def test_the_network_of_notes_keeps_the_last_epoch_that_is_nearly_the_best_but_the_start_only_yields_to_better(
    tmp_path: Path, keep: Keep | None, first: int, kept: int
) -> None:
    """Patience counts from the best one."""
    asked = TrainingRequest(corpus="c", corpus_hash="0" * 64, query="", seed=0, minutes=None, epochs=5, keep=keep)
    run = Run.create(tmp_path, "kept", NoteLSTMRecipe(), "{}", asked)
    progress = run.progress()
    assert 0.12 < run.recipe.nearly_best < 0.16
    held = ((2.2, 2.1, 2.22, 2.26, 2.27), (2.1, 2.12, 2.14, 2.11, 2.13))[first == 0]
    for epoch, figure in enumerate(held, first):
        keep_epoch(run, progress, note_row(epoch, figure), {"w": np.full(1, epoch, np.float32)})
    named, meta = load_weights(run.weights)
    assert (meta.epoch, named["w"].tolist(), run.progress().best_epoch) == (kept, [kept], kept)
    if keep != "training":
        best = first + int(np.argmin(held))
        last = first + len(held) - 1
        assert [progress.has_no_gain(patience, "validation_bits") for patience in (last - best, last - best + 1)] == [
            True,
            False,
        ]
