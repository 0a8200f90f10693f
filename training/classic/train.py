"""Training of the recipe `classic`: predict the token after 100 tokens.

In: a run with the tokens in its vocabulary.json (`classic.tokens`). Out: the weights with the lowest training loss,
as in the original, or with the lowest validation loss if `--keep validation` is given. Each epoch also records the
validation loss, which the original did not measure. `classic.sampler` composes with the result.
"""

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from catalog.base.errors import TrainingError, UsageError
from dataset.corpus.corpus import Corpus
from training.classic.recipe import ClassicRecipe, ClassicRow
from training.classic.tokens import IntArray, Music
from training.loop.checkpoints import CheckpointKeeper
from training.loop.interrupt import between_steps
from training.progress import BUDGET, Budget, Progress
from training.run import Run

VALIDATION_BATCH = 64  # windows; larger batches measured no faster


def windows(numbers: IntArray, length: int, classes: int) -> tuple[npt.NDArray[np.float32], IntArray]:
    """Return every window of `length` tokens [n, length, 1] and the next tokens [n].

    Windows are divided by `classes`. As in the original, they cross the borders between pieces. n is 0 if there are
    too few tokens.
    """
    if len(numbers) <= length:
        return np.zeros((0, length, 1), np.float32), np.zeros(0, np.int32)
    held = np.lib.stride_tricks.sliding_window_view((numbers / classes).astype(np.float32), length)
    return held[:-1, :, None], numbers[length:]


def build(keras: Any, recipe: ClassicRecipe, classes: int) -> Any:
    """Return the original's network, compiled.

    In: windows [batch, recipe.window, 1]. Out: probabilities [batch, classes]. 5,440,739 weights with 227 classes.
    The Dense layer in the middle is linear, as in the original. The loss is the original's categorical cross-entropy,
    computed from class numbers instead of one-hot vectors.
    """
    layers, own = keras.layers, {"dtype": "float32"}  # independent of Keras's global dtype policy
    network = keras.Sequential([keras.Input((recipe.window, 1))], name="classic")
    for i in range(recipe.layers):
        last = i == recipe.layers - 1
        network.add(layers.LSTM(recipe.width, return_sequences=not last, name=f"lstm_{i}", **own))
        if not last:
            network.add(layers.Dropout(recipe.dropout, name=f"drop_{i}", **own))
    network.add(layers.Dense(recipe.dense, name="dense", **own))
    network.add(layers.Dropout(recipe.dropout, name="drop_dense", **own))
    network.add(layers.Dense(classes, activation="softmax", name="out", **own))
    network.compile(loss="sparse_categorical_crossentropy", optimizer=keras.optimizers.Adam(), jit_compile=False)
    return network


def train(run: Run, corpus: Corpus, budget: Budget, report: Callable[[ClassicRow], None]) -> Progress:
    """Train or continue `run` until the budget or the recipe's epochs are used.

    A kill or Ctrl-C loses at most the current epoch. Raises TrainingError if the corpus is not the run's or is too
    small, or if the loss is no longer a number.
    """
    recipe: ClassicRecipe = run.require(ClassicRecipe, "does not use music21 tokens")
    if run.request.init is not None:
        raise UsageError("recipe classic starts from random weights, as the original did; leave out --init")
    if corpus.hash != run.request.corpus_hash:
        raise TrainingError(
            f"corpus {corpus.name} has changed since run {run.name} began; start a new run (leave out --resume)"
        )
    with run.writing():
        progress = run.progress()
        if progress.is_finished(budget.minutes, budget.epochs):
            return progress
        run.refuse_lost(progress)
        music = _music(run, corpus, recipe)
        with between_steps() as check:
            if progress.reopen(budget.minutes, budget.epochs):
                run.save_progress(progress)
            trainer = _Trainer(run, recipe, music, Budget(budget.minutes, budget.epochs or recipe.epochs), check)
            try:
                trainer.fit(progress, report)
            finally:
                trainer.keeper.close()
    return progress


def _music(run: Run, corpus: Corpus, recipe: ClassicRecipe) -> Music:
    """Return the run's tokens.

    Raises TrainingError if there are too few to train on, or to validate on with `--keep validation`.
    """
    music = Music.from_json(run.vocabulary_text, str(run.path / "vocabulary.json"))
    if len(music.training) <= recipe.window:
        raise TrainingError(
            f"corpus {corpus.name} has {len(music.training)} training tokens and a window needs {recipe.window}; "
            "choose a query with more pieces"
        )
    if run.keep == "validation" and len(music.validation) <= recipe.window:
        raise TrainingError(
            f"corpus {corpus.name} has {len(music.validation)} validation tokens and a window needs {recipe.window}, so no "
            "epoch can be selected; leave out --keep validation"
        )
    return music


def missing_validation_warning(run: Run) -> str | None:
    """Return why a classic run has no validation loss, or None if it has one."""
    recipe: ClassicRecipe = run.require(ClassicRecipe, "has bits per note, not nats per token")
    held = len(Music.from_json(run.vocabulary_text, str(run.path / "vocabulary.json")).validation)
    if held > recipe.window:
        return None
    return (
        f"there will be no validation_loss: the validation pieces have {held:,} known tokens, and a window needs "
        f"{recipe.window}; choose a query with more pieces"
    )


class _Trainer:
    """One training session in Keras: network, optimizer, checkpoints and logs."""

    def __init__(
        self, run: Run, recipe: ClassicRecipe, music: Music, budget: Budget, check: Callable[[], None]
    ) -> None:
        self.check = check
        self.run, self.recipe, self.budget = run, recipe, budget
        self.keeper = CheckpointKeeper(run)
        self.classes = len(music.tokens)
        self.training = windows(music.training, recipe.window, self.classes)
        self.validation = windows(music.validation, recipe.window, self.classes)
        self.keras = self.keeper.keras

    def fit(self, progress: Progress, report: Callable[[ClassicRow], None]) -> None:
        """Train from `progress` until the budget is used; save after each epoch."""
        from training.network.network import arrays

        start_time = time.monotonic() - progress.seconds
        network = self._network(progress)
        reserve = self._time_validation(network)  # seconds of the budget reserved for validation and saving
        while progress.ended is None:
            # the first epoch always starts, so that every run ends with weights
            if (
                progress.epoch
                and self.budget.fraction_used(time.monotonic() - start_time + reserve, progress.epoch) >= 1
            ):
                progress.ended = BUDGET
                break
            since = time.monotonic()
            loss, trained_windows = self._epoch(network, progress, start_time - reserve)
            ended = time.monotonic()
            progress.epoch += 1
            validation_loss = self._validation_loss(network)
            row = ClassicRow(
                epoch=progress.epoch,
                seconds=round(time.monotonic() - start_time, 3),
                tokens_per_second=round(trained_windows / (ended - since), 2),
                train_loss=loss,
                validation_loss=validation_loss,
            )
            bits = None if validation_loss is None else validation_loss / math.log(2)
            self.keeper.save(network, arrays(network), row, bits, progress)
            reserve = time.monotonic() - ended
            report(row)
        self.keeper.finish(lambda: build(self.keras, self.recipe, self.classes), progress)

    def _epoch(self, network: Any, progress: Progress, start_time: float) -> tuple[float, int]:
        """Train one epoch in random order; return the mean loss and the window count.

        `start_time` is the start of the budget, set back by the time that the end of the epoch needs.
        """
        before, target = self.training
        rng = np.random.default_rng([self.run.request.seed, progress.epoch])
        order = rng.permutation(len(target))
        for layer in network.layers:  # Keras does not save dropout seeds; resumed runs must draw the same masks
            if isinstance(layer, self.keras.layers.Dropout) and layer.rate:  # at rate 0 nothing is drawn
                layer.seed_generator.state.assign(rng.integers(2**31, size=2))
        network.reset_metrics()
        loss, trained_windows = math.nan, 0
        for start in range(0, len(order), self.recipe.batch):
            self.check()
            if trained_windows and self.budget.fraction_used(time.monotonic() - start_time, progress.epoch) >= 1:
                break
            rows = order[start : start + self.recipe.batch]
            loss = float(network.train_on_batch(before[rows], target[rows]))  # mean since reset_metrics
            trained_windows += len(rows)
            progress.step += 1
        return loss, trained_windows

    def _validation_loss(self, network: Any, most: int | None = None) -> float | None:
        before, target = self.validation[0][:most], self.validation[1][:most]
        if not len(target):
            return None
        return float(network.evaluate(before, target, batch_size=VALIDATION_BATCH, verbose=0))

    def _time_validation(self, network: Any) -> float:
        """Return the estimated seconds of one validation."""
        self._validation_loss(network, VALIDATION_BATCH)  # compile first
        since = time.monotonic()
        self._validation_loss(network, VALIDATION_BATCH)
        return (time.monotonic() - since) * -(-len(self.validation[1]) // VALIDATION_BATCH)

    def _network(self, progress: Progress) -> Any:
        if (resumed := self.keeper.load_network(progress)) is not None:
            return resumed
        self.keras.utils.set_random_seed(self.run.request.seed)
        return build(self.keras, self.recipe, self.classes)
