"""`--keep`: the epoch that is best on held-out pieces, or on the training pieces."""

from pathlib import Path

import numpy as np
import pytest

from catalog.base.errors import UsageError
from training.classic.recipe import ClassicRecipe, ClassicRow
from training.loop.checkpoints import keep_epoch
from training.network.weights import load_weights
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
