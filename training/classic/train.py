"""The recipe `classic`: the original experiment of 2018, whole. Three LSTMs read 100 tokens and guess the next one.

In: a run whose vocabulary.json holds the music as tokens (`classic_tokens`). Out: the weights of the lowest training loss, as the
original kept them (or of the lowest validation loss, where that is asked), and beside each training loss the validation loss that it
never looked at. `classic_sampler` plays the result.
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

VALIDATION_BATCH = 64  # windows; measured: larger ones are no faster


def windows(numbers: IntArray, length: int, classes: int) -> tuple[npt.NDArray[np.float32], IntArray]:
    """Return every window of `length` tokens, divided by `classes`, [n, length, 1], and the number of the token after each, [n].

    As in the original, windows run on across the borders of pieces. n is 0 where there are not enough tokens.
    """
    if len(numbers) <= length:
        return np.zeros((0, length, 1), np.float32), np.zeros(0, np.int32)
    held = np.lib.stride_tricks.sliding_window_view((numbers / classes).astype(np.float32), length)
    return held[:-1, :, None], numbers[length:]


def build(keras: Any, recipe: ClassicRecipe, classes: int) -> Any:
    """Return the original's network, compiled: windows [batch, recipe.window, 1] to probabilities [batch, classes].

    5,440,739 weights at 227 classes. The Dense layer in the middle is linear, as it was. The loss is the original's categorical
    cross-entropy, computed from the class numbers instead of one-hot vectors.
    """
    layers, own = keras.layers, {"dtype": "float32"}  # whatever precision Keras would give a new layer
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
    """Train `run` from where it stands until the budget or the recipe's epochs are used.

    A kill or Ctrl-C loses the epoch under way, no more. Raises TrainingError where the corpus is not the run's or has too little
    music, or the loss is no longer a number.
    """
    recipe: ClassicRecipe = run.require(ClassicRecipe, "is not trained on music21's tokens")
    if run.asked.init is not None:
        raise UsageError("recipe classic starts from nothing, as the original did; leave out --init")
    if corpus.hash != run.asked.corpus_hash:
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
    """Return the run's tokens. Raises TrainingError where there are too few to train on, or to choose an epoch by."""
    music = Music.from_json(run.vocabulary_text, str(run.path / "vocabulary.json"))
    if len(music.training) <= recipe.window:
        raise TrainingError(
            f"corpus {corpus.name} has {len(music.training)} training tokens and a window takes {recipe.window}; "
            "choose a query with more pieces"
        )
    if run.keep == "validation" and len(music.validation) <= recipe.window:
        raise TrainingError(
            f"corpus {corpus.name} has {len(music.validation)} validation tokens and a window takes {recipe.window}, so there is nothing "
            "to choose an epoch by; leave out --keep validation"
        )
    return music


def missing_validation_warning(run: Run) -> str | None:
    """Return why a classic run has no validation loss; None where it has one."""
    recipe: ClassicRecipe = run.require(ClassicRecipe, "has bits per note, not nats per token")
    held = len(Music.from_json(run.vocabulary_text, str(run.path / "vocabulary.json")).validation)
    if held > recipe.window:
        return None
    return (
        f"there will be no validation_loss: the validation pieces have {held:,} tokens that training knows, and a window takes "
        f"{recipe.window}; choose a query with more pieces to have one"
    )


class _Trainer:
    """The Keras side of one training session: network, optimizer, checkpoints, logs."""

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
        """Go on from `progress` until the budget is used, saving after each epoch."""
        from training.network.network import arrays

        began = time.monotonic() - progress.seconds
        network = self._network(progress)
        reserve = self._time_validation(network)  # what validation and saving take, to be left of the budget
        while progress.ended is None:
            # a first epoch is begun however small the budget is, so that every run ends with weights
            if progress.epoch and self.budget.fraction_used(time.monotonic() - began + reserve, progress.epoch) >= 1:
                progress.ended = BUDGET
                break
            since = time.monotonic()
            loss, learnt = self._epoch(network, progress, began - reserve)
            ended = time.monotonic()
            progress.epoch += 1
            validation_loss = self._validation_loss(network)
            row = ClassicRow(
                epoch=progress.epoch,
                seconds=round(time.monotonic() - began, 3),
                tokens_per_second=round(learnt / (ended - since), 2),
                train_loss=loss,
                validation_loss=validation_loss,
            )
            bits = None if validation_loss is None else validation_loss / math.log(2)
            self.keeper.save(network, arrays(network), row, bits, progress)
            reserve = time.monotonic() - ended
            report(row)
        self.keeper.finish(lambda: build(self.keras, self.recipe, self.classes), progress)

    def _epoch(self, network: Any, progress: Progress, began: float) -> tuple[float, int]:
        """Learn every window once, in an order of the epoch's own; return the mean loss and how many windows there was time for.

        `began` is the moment from which the budget runs, set back by what the epoch's end will take.
        """
        before, target = self.training
        rng = np.random.default_rng([self.run.asked.seed, progress.epoch])
        order = rng.permutation(len(target))
        for layer in network.layers:  # Keras saves no dropout seeds: a resumed run must draw what it would have drawn
            if isinstance(layer, self.keras.layers.Dropout) and layer.rate:  # at 0 it draws nothing
                layer.seed_generator.state.assign(rng.integers(2**31, size=2))
        network.reset_metrics()
        loss, learnt = math.nan, 0
        for start in range(0, len(order), self.recipe.batch):
            self.check()
            if learnt and self.budget.fraction_used(time.monotonic() - began, progress.epoch) >= 1:
                break
            rows = order[start : start + self.recipe.batch]
            loss = float(network.train_on_batch(before[rows], target[rows]))  # the mean since reset_metrics
            learnt += len(rows)
            progress.step += 1
        return loss, learnt

    def _validation_loss(self, network: Any, most: int | None = None) -> float | None:
        before, target = self.validation[0][:most], self.validation[1][:most]
        if not len(target):
            return None
        return float(network.evaluate(before, target, batch_size=VALIDATION_BATCH, verbose=0))

    def _time_validation(self, network: Any) -> float:
        """Return about how many seconds validation takes; on few cores it is a good part of a short budget."""
        self._validation_loss(network, VALIDATION_BATCH)  # compiles
        since = time.monotonic()
        self._validation_loss(network, VALIDATION_BATCH)
        return (time.monotonic() - since) * -(-len(self.validation[1]) // VALIDATION_BATCH)

    def _network(self, progress: Progress) -> Any:
        if (resumed := self.keeper.load_network(progress)) is not None:
            return resumed
        self.keras.utils.set_random_seed(self.run.asked.seed)
        return build(self.keras, self.recipe, self.classes)
