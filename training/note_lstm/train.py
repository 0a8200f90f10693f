"""Training of the note-level network: epochs within a budget, validation after each, the best kept, every epoch resumable.

In: a run's folder and a corpus. Out: weights.npz and model.keras of the best epoch, metrics.csv, TensorBoard logs. A kill at any
moment loses at most the epoch under way. Keras is imported only when training begins.
"""

import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict
from typing import Any, cast

import numpy as np

from catalog.base.errors import TrainingError
from dataset.corpus.corpus import Corpus, CorpusPiece
from training.events import batches
from training.events.batches import EncodedPiece
from training.events.classes import TIME, VELOCITY
from training.events.vocabulary import Vocabulary
from training.loop.checkpoints import CheckpointKeeper
from training.loop.hosts import ALONE, Hosts
from training.loop.interrupt import between_steps
from training.loop.precision import precision
from training.loop.weight_average import WeightAverage
from training.network import inference
from training.network.quality import quality
from training.network.weights import unpack_weights
from training.note_lstm.recipe import EpochRow, NoteLSTMRecipe
from training.progress import BUDGET, NO_GAIN, Budget, Precision, Progress, Step
from training.run import INIT_FILE, Run

FINAL_RATE_SHARE = 0.02  # the learning rate ends at this share of its peak
VALIDATION_EVERY = 10
FINE_TUNE_RATE_SHARE = 0.25  # and is this share of the recipe's where training goes on from the weights of another run
DIVERGED = 2.0  # bits per note: an epoch that learns at so much more than an earlier one is lost


def train(
    run: Run,
    corpus: Corpus,
    budget: Budget,
    report: Callable[[EpochRow], None],
    watch: Callable[[Step], None] = lambda step: None,
    hosts: Hosts = ALONE,
) -> Progress:
    """Train `run` on `corpus` from where it stands until the budget is used or what it is kept by no longer gains.

    A run that has ended goes on under another budget only. `report` is told of every epoch, `watch` of every step. Raises TrainingError
    where the corpus has too little, is not the run's, or the loss is no longer a number or far above what it was.
    """
    began = time.monotonic()
    recipe: NoteLSTMRecipe = run.require(NoteLSTMRecipe, "is not trained note by note")
    if corpus.hash != run.asked.corpus_hash:
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
        training, validation = _encoded(corpus, vocabulary, recipe)
        with between_steps() as check:
            if progress.reopen(budget.minutes, budget.epochs) and hosts.first:
                run.save_progress(progress)
            trainer = _Trainer(run, recipe, vocabulary, budget, began - progress.seconds, hosts)

            def watched(step: Step) -> None:
                check()
                watch(step)

            try:
                trainer.fit(training, validation, progress, report, watched)
            finally:
                trainer.keeper.close()
    return progress


def _encoded(
    corpus: Corpus, vocabulary: Vocabulary, recipe: NoteLSTMRecipe
) -> tuple[list[EncodedPiece], list[EncodedPiece]]:
    """Return what is learned from and what is validated on. Raises TrainingError where either has no notes."""
    learned, held = parts(corpus)
    held = sampled(held, recipe.validation_notes)
    training, validation = batches.encode_pieces(learned, vocabulary), batches.encode_pieces(held, vocabulary)
    for name, pieces in (("training", training), ("validation", validation)):
        if sum(len(piece.events) - 1 for piece in pieces) < 1:
            raise TrainingError(f"corpus {corpus.name} has no {name} notes; choose a query with more pieces")
    return training, validation


def parts(corpus: Corpus) -> tuple[list[CorpusPiece], list[CorpusPiece]]:
    """Return what is learned from, and what is validated on: the corpus's own, or every tenth piece for training, lent.

    A corpus has no validation pieces where all it holds went to training in an earlier, larger corpus; sides are for good.
    """
    training, validation = corpus.pieces("train"), corpus.pieces("validation")
    if validation or len(training) < 2:
        return training, validation
    every = min(VALIDATION_EVERY, len(training))
    return [piece for i, piece in enumerate(training) if i % every], training[::every]


def sampled(pieces: list[CorpusPiece], notes: int) -> list[CorpusPiece]:
    """Return every k-th piece, k such that about so many notes are held; all of them where they are no more."""
    every = -(-sum(len(piece.notes) for piece in pieces) // notes)
    return pieces[:: max(1, every)]


class _Trainer:
    """The Keras side of one training session: network, optimizer, checkpoints, logs."""

    def __init__(
        self, run: Run, recipe: NoteLSTMRecipe, vocabulary: Vocabulary, budget: Budget, began: float, hosts: Hosts
    ) -> None:
        self.began = began  # the moment from which the budget runs, encoding and loading included
        self.run, self.recipe, self.vocabulary, self.budget, self.hosts = run, recipe, vocabulary, budget, hosts
        self.keeper = CheckpointKeeper(run, writes=hosts.first)
        self.keras = self.keeper.keras
        self.reserve = 0.0  # what validation and saving took last time, to be left of the budget

    def fit(
        self,
        training: list[EncodedPiece],
        validation: list[EncodedPiece],
        progress: Progress,
        report: Callable[[EpochRow], None],
        watch: Callable[[Step], None],
    ) -> None:
        """Go on from `progress` until there is a reason to end, saving it after each epoch; `watch` may end it between steps."""
        network = self._network(progress)
        average = WeightAverage(self.keeper.load_average(progress))
        while progress.ended is None:
            if (
                progress.epoch and self._fraction_used(progress) >= 1
            ):  # the first epoch has one step at least, so that there are weights
                progress.ended = BUDGET
                break
            losses, rate, speed = self._epoch(network, training, progress, average, watch)
            since = time.monotonic()
            progress.epoch += 1
            if self.hosts.first:
                measured = quality(inference.NoteNetwork(average.named), validation)
                row = EpochRow(
                    epoch=progress.epoch,
                    seconds=round(time.monotonic() - self.began, 3),
                    notes_per_second=round(speed, 1),
                    learning_rate=rate,
                    train_bits=float(np.mean(losses)),
                    validation_bits=measured.bits_per_note,
                    **measured.fields,
                )
                self._refuse_divergence(row, progress)
                self.keeper.save(network, average.named, row, row.validation_bits, progress)
                report(row)
            if self.hosts.broadcast(float(progress.has_no_gain(self.recipe.patience))):
                progress.ended = NO_GAIN
            self.reserve = time.monotonic() - since
        if self.hosts.first:
            self.keeper.finish(lambda: self._built("float32"), progress)

    def _epoch(
        self,
        network: Any,
        training: list[EncodedPiece],
        progress: Progress,
        average: WeightAverage,
        watch: Callable[[Step], None],
    ) -> tuple[list[float], float, float]:
        """Run one epoch, or as much of it as the budget allows; return losses, the last learning rate and notes a second."""
        from training.network.network import arrays

        losses: list[float] = []
        notes, since, rate = 0, time.monotonic(), 0.0
        network.reseed(self.run.asked.seed, progress.epoch)
        for batch in batches.epoch(training, self.recipe, self.run.asked.seed, progress.epoch):
            fraction_used = self._fraction_used(progress)
            if fraction_used >= 1 and losses:
                break
            rate = self._rate(progress.step, fraction_used)
            network.optimizer.learning_rate = rate
            losses.append(float(_step(network, self.hosts.part(batch))))
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
            self.budget.fraction_used(time.monotonic() - self.began + self.reserve, progress.epoch)
        )

    def _refuse_divergence(self, row: EpochRow, progress: Progress) -> None:
        best = min((cast(float, old["train_bits"]) for old in progress.history), default=math.inf)
        if row.train_bits > best + DIVERGED:
            raise TrainingError(
                f"run {self.run.name} diverges: {row.train_bits:.2f} bits per note in epoch {row.epoch} after {best:.2f}; the epochs "
                "before it are kept. Start a new run with a recipe of a lower learning_rate"
            )

    def _rate(self, step: int, fraction_used: float) -> float:
        """Return the learning rate: a short warm-up, then a half cosine over the budget."""
        peak = self.recipe.learning_rate * (FINE_TUNE_RATE_SHARE if self.run.asked.init is not None else 1)
        warm = min(1.0, (step + 1) / self.recipe.warmup)
        return peak * warm * ((1 - FINAL_RATE_SHARE) * 0.5 * (1 + math.cos(math.pi * fraction_used)) + FINAL_RATE_SHARE)

    def _network(self, progress: Progress) -> Any:
        from training.network import network

        if (resumed := self.keeper.load_network(progress)) is not None:
            return resumed
        self.keras.utils.set_random_seed(self.run.asked.seed)
        built = self._built(self._precision(progress))
        if self.run.asked.init is not None:
            named, _ = unpack_weights(self.run.check(INIT_FILE), self.run.path / INIT_FILE)
            network.assign(built, named)
        built.compile(
            optimizer=self.keras.optimizers.AdamW(
                self.recipe.learning_rate, weight_decay=self.recipe.weight_decay, global_clipnorm=1.0
            ),
            jit_compile=self.keras.backend.backend() == "jax",  # TensorFlow is faster without on a CPU
        )
        built.optimizer.build(built.trainable_variables)  # else the first step would be traced twice
        return built

    def _precision(self, progress: Progress) -> Precision:
        """Return the precision of this run's training, the same in all processes: what was chosen when it began, chosen only once."""
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


def _step(network: Any, batch: batches.Batch) -> Any:
    """Run one step and return its loss in bits per note."""
    network.reset_metrics()
    inputs = {"events": batch.events, "style": batch.style, "fresh": batch.fresh}
    return network.train_on_batch(inputs, batch.events[:, 1:, TIME : VELOCITY + 1], sample_weight=batch.mask)
