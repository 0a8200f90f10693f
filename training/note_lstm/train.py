"""Training of the recipe `note-lstm`, with validation after each epoch.

In: a run's folder and a corpus. Out: weights.npz and model.keras of the kept epoch, metrics.csv, TensorBoard logs. A
kill loses at most the current epoch. Keras is imported when training begins.

A run that starts from the weights of another measures these first, as epoch 0, and keeps them if no epoch is better.
"""

import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict
from typing import Any, cast

import numpy as np

from catalog.base.errors import TrainingError
from dataset.corpus.corpus import Corpus
from training.events import batches
from training.events.batches import EncodedPiece
from training.events.fields import TIME, VELOCITY
from training.events.vocabulary import Vocabulary
from training.loop.checkpoints import CheckpointKeeper, kept_by
from training.loop.hosts import ALONE, Hosts
from training.loop.interrupt import between_steps
from training.loop.precision import precision
from training.loop.weight_average import WeightAverage
from training.network import inference
from training.network.quality import quality
from training.network.weights import unpack_weights
from training.note_lstm.copying import CopyMeter
from training.note_lstm.passes import eased, expected_passes
from training.note_lstm.pieces import TrainingPieces, encoded
from training.note_lstm.recipe import EpochRow, NoteLSTMRecipe
from training.progress import BUDGET, NO_GAIN, Budget, Precision, Progress, Step
from training.run import INIT_FILE, Run

FINAL_RATE_SHARE = 0.02  # final learning rate, as a share of the peak
FINE_TUNE_RATE_SHARE = 0.25  # peak learning rate with --init, as a share of the recipe's
DIVERGED = 2.0  # bits per note above the best training figure at which a run is stopped


def train(
    run: Run,
    corpus: Corpus,
    budget: Budget,
    report: Callable[[EpochRow], None],
    watch: Callable[[Step], None] = lambda step: None,
    hosts: Hosts = ALONE,
) -> Progress:
    """Train or continue `run` on `corpus` until the budget is used or gains stop.

    A finished run continues only under a new budget. `report` receives each epoch's row, `watch` each step. Raises
    TrainingError if the corpus is too small or not the run's, or if the loss diverges or is not a number.
    """
    start_time = time.monotonic()
    recipe: NoteLSTMRecipe = run.require(NoteLSTMRecipe, "is not note-lstm")
    if corpus.hash != run.request.corpus_hash:
        raise TrainingError(
            f"corpus {corpus.name} has changed since run {run.name} began; start a new run (leave out --resume)"
        )
    if recipe.batch % hosts.count:
        raise TrainingError(f"{hosts.count} processes cannot share a batch of {recipe.batch}; set batch in the recipe")
    with run.writing() if hosts.first else nullcontext():
        progress = run.progress()
        if progress.is_finished(budget.minutes, budget.epochs):
            return progress
        run.refuse_lost(progress)
        vocabulary = Vocabulary.from_json(run.vocabulary_text, str(run.path / "vocabulary.json"))
        training, validation = encoded(corpus, vocabulary, recipe, run.request.seed)
        with between_steps() as check:
            if progress.reopen(budget.minutes, budget.epochs) and hosts.first:
                run.save_progress(progress)
            trainer = _Trainer(run, recipe, vocabulary, budget, start_time - progress.seconds, hosts)

            def watched(step: Step) -> None:
                check()
                watch(step)

            try:
                trainer.fit(training, validation, progress, report, watched)
            finally:
                trainer.keeper.close()
    return progress


class _Trainer:
    """One training session in Keras: network, optimizer, checkpoints and logs."""

    def __init__(
        self, run: Run, recipe: NoteLSTMRecipe, vocabulary: Vocabulary, budget: Budget, start_time: float, hosts: Hosts
    ) -> None:
        self.start_time = start_time  # start of the budget, including encoding and loading
        self.run, self.recipe, self.vocabulary, self.budget, self.hosts = run, recipe, vocabulary, budget, hosts
        self.keeper = CheckpointKeeper(run, writes=hosts.first)
        self.keras = self.keeper.keras
        self.copying = CopyMeter(run, recipe, vocabulary)
        self.reserve = 0.0  # seconds of the budget reserved for validation and saving, as measured last

    def fit(
        self,
        training: TrainingPieces,
        validation: list[EncodedPiece],
        progress: Progress,
        report: Callable[[EpochRow], None],
        watch: Callable[[Step], None],
    ) -> None:
        """Train from `progress` until training ends; save after each epoch.

        `watch` may stop it between steps by raising.
        """
        network = self._network(progress)
        is_new = self.run.request.init is not None and not progress.history
        if (
            self.hosts.first and is_new and self.run.keep != "training"
        ):  # weights that are given have no training figure
            self._measure_start(network, validation, progress, report)
        average = WeightAverage(self.keeper.load_average(progress))
        while progress.ended is None:
            if progress.epoch and self._fraction_used(progress) >= 1:  # not before a step: weights must exist
                progress.ended = BUDGET
                break
            begun = progress.step
            losses, rate, speed = self._epoch(network, training, progress, average, watch)
            since = time.monotonic()
            progress.epoch += 1
            if self.hosts.first:
                done = {
                    "notes_per_second": round(speed, 1),
                    "learning_rate": rate,
                    "train_bits": float(np.mean(losses)),
                }
                row = self._row(progress.epoch, average.named, validation, range(begun, progress.step), **done)
                self._refuse_divergence(row, progress)
                self.keeper.save(network, average.named, row, row.validation_bits, progress)
                report(row)
            if self.hosts.broadcast(float(progress.has_no_gain(self.recipe.patience, kept_by(self.run)))):
                progress.ended = NO_GAIN
            self.reserve = time.monotonic() - since
        if self.hosts.first:
            self.keeper.finish(lambda: self._built("float32"), progress)

    def _measure_start(
        self, network: Any, validation: list[EncodedPiece], progress: Progress, report: Callable[[EpochRow], None]
    ) -> None:
        """Validate the initial weights and save them as epoch 0."""
        from training.network.network import arrays

        named = arrays(network)
        row = self._row(0, named, validation, range(0))
        self.keeper.save_start(named, row, row.validation_bits, progress)
        report(row)

    def _row(
        self, epoch: int, named: dict[str, Any], held: list[EncodedPiece], steps: range, **training: float
    ) -> EpochRow:
        """Validate weights; return the figures of their epoch, whose `steps` are counted from the run's first."""
        validated = inference.NoteNetwork(named)
        measured, copied = quality(validated, held), self.copying.measure(validated, steps)
        figures = {"validation_bits": measured.bits_per_note, **measured.fields, **training}
        return EpochRow(epoch=epoch, seconds=round(time.monotonic() - self.start_time, 3), copied=copied, **figures)

    def _epoch(
        self,
        network: Any,
        training: TrainingPieces,
        progress: Progress,
        average: WeightAverage,
        watch: Callable[[Step], None],
    ) -> tuple[list[float], float, float]:
        """Train one epoch, or as much as the budget allows.

        Returns the losses, the last learning rate and notes per second.
        """
        from training.network.network import arrays

        network.reseed(self.run.request.seed, progress.epoch)
        used, per_epoch = self._fraction_used(progress), batches.passes(training.clean, self.recipe)
        epochs = self.budget.epochs and self.budget.epochs * per_epoch
        recipe = eased(self.recipe, expected_passes(progress.epoch * per_epoch, used, epochs))
        pieces = training.for_slips(recipe.slips)
        losses: list[float] = []
        notes, since, rate = 0, time.monotonic(), 0.0
        for batch in batches.epoch(pieces, recipe, self.run.request.seed, progress.epoch, used):
            fraction_used = self._fraction_used(progress)
            if fraction_used >= 1 and losses:
                break
            rate = self._rate(recipe.learning_rate, progress.step, fraction_used)
            network.optimizer.learning_rate = rate
            losses.append(float(_step(network, self.hosts.part(batch), recipe.dropout)))
            notes += int(batch.mask.sum())
            progress.step += 1
            if self.hosts.first and average.due(progress.step):
                average.add(arrays(network), progress.step)
            speed, number = notes / (time.monotonic() - since), progress.epoch + 1
            watch(
                Step(
                    number,
                    fraction_used,
                    f"epoch {number}  {speed:,.0f} notes/s  {float(np.mean(losses[-20:])):.2f} bits",
                )
            )
        return losses, rate, notes / (time.monotonic() - since)

    def _fraction_used(self, progress: Progress) -> float:
        return self.hosts.broadcast(
            self.budget.fraction_used(time.monotonic() - self.start_time + self.reserve, progress.epoch)
        )

    def _refuse_divergence(self, row: EpochRow, progress: Progress) -> None:
        known = [cast(float, old["train_bits"]) for old in progress.history if old["train_bits"] is not None]
        found, best = cast(float, row.train_bits), min(known, default=math.inf)
        if found > best + DIVERGED:
            raise TrainingError(
                f"run {self.run.name} diverges: {found:.2f} bits per note in epoch {row.epoch} after {best:.2f}; earlier "
                "epochs are kept. Start a new run with a lower learning_rate in the recipe"
            )

    def _rate(self, peak: float, step: int, fraction_used: float) -> float:
        """Return the learning rate: a short warm-up, then a half cosine over the budget."""
        peak *= FINE_TUNE_RATE_SHARE if self.run.request.init is not None else 1
        warm = min(1.0, (step + 1) / self.recipe.warmup)
        return peak * warm * ((1 - FINAL_RATE_SHARE) * 0.5 * (1 + math.cos(math.pi * fraction_used)) + FINAL_RATE_SHARE)

    def _network(self, progress: Progress) -> Any:
        from training.loop.muon import compile_network
        from training.network import network

        if (resumed := self.keeper.load_network(progress)) is not None:
            return resumed
        self.keras.utils.set_random_seed(self.run.request.seed)
        built = self._built(self._precision(progress))
        if self.run.request.init is not None:
            named, _ = unpack_weights(self.run.check(INIT_FILE), self.run.path / INIT_FILE)
            network.assign(built, named)
        compile_network(built, self.recipe.learning_rate, self.recipe.weight_decay)
        return built

    def _precision(self, progress: Progress) -> Precision:
        """Return the precision of this run, chosen once for all processes."""
        if progress.precision is None:
            half = self.hosts.broadcast(float(precision(self.recipe.precision) == "mixed_bfloat16"))
            progress.precision = "mixed_bfloat16" if half else "float32"
        return progress.precision

    def _built(self, precision: Precision) -> Any:
        from training.network import network

        styles = len(self.vocabulary.series), len(self.vocabulary.games)
        built = network.NoteLSTM(asdict(self.recipe), *styles, dtype=precision, name="note_lstm")
        built.build(None)
        return built


def _step(network: Any, batch: batches.Batch, dropout: float) -> Any:
    """Train one step; return its loss in bits per note."""
    network.reset_metrics()
    dropped = np.full(len(batch.fresh), dropout, np.float32)
    inputs = {"events": batch.events, "style": batch.style, "fresh": batch.fresh, "dropout": dropped}
    return network.train_on_batch(inputs, batch.events[:, 1:, TIME : VELOCITY + 1], sample_weight=batch.mask)
