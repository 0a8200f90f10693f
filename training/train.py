"""Training of the note-level network: epochs within a budget, validation after each, the best kept, every epoch resumable.

In: a run's folder and a corpus. Out: weights.npz and model.keras of the best epoch, metrics.csv, TensorBoard logs. A kill at any
moment loses at most the epoch under way. Keras is imported only when training begins.
"""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from catalog.errors import TrainingError
from dataset.corpus import Corpus, CorpusPiece
from training import batches, inference
from training.batches import EncodedPiece
from training.evaluate import quality
from training.events import TIME, VELOCITY
from training.interrupt import between_steps
from training.keeper import Keeper
from training.recipe import NoteLSTMRecipe
from training.run import INIT_FILE, EpochRow, Progress, Run
from training.vocabulary import Vocabulary

LAST_RATE = 0.02  # the learning rate ends at this share of its peak
LENT_EVERY = 10
PARTED = 0.15  # bits or nats: validation this far above its best, while training still falls, is worth a warning


@dataclass(frozen=True, slots=True)
class Budget:
    """How long to train: minutes, or epochs, or both; whichever ends first."""

    minutes: float | None
    epochs: int | None

    def gone(self, seconds: float, epochs: float) -> float:
        """Return the share of the budget that is used, 0–1."""
        by_time = seconds / (self.minutes * 60) if self.minutes else 0.0
        return min(1.0, max(by_time, epochs / self.epochs if self.epochs else 0.0))


def train(run: Run, corpus: Corpus, budget: Budget, report: Callable[[EpochRow], None]) -> Progress:
    """Train `run` on `corpus` from where it stands until the budget is used or validation no longer gains.

    Raises TrainingError where the corpus has too little, is not the run's, or the loss is no longer a number.
    """
    recipe: NoteLSTMRecipe = run.require(NoteLSTMRecipe, "is not trained note by note")
    if corpus.hash != run.asked.corpus_hash:
        raise TrainingError(
            f"corpus {corpus.name} has changed since run {run.name} began; start a new run (leave out --resume)"
        )
    vocabulary = Vocabulary.from_json(run.vocabulary_text, str(run.path / "vocabulary.json"))
    learned, held = parts(corpus)
    training, validation = batches.encode_pieces(learned, vocabulary), batches.encode_pieces(held, vocabulary)
    for name, pieces in (("training", training), ("validation", validation)):
        if sum(len(piece.events) - 1 for piece in pieces) < 1:
            raise TrainingError(f"corpus {corpus.name} has no {name} notes; choose a query with more pieces")
    with run.writing(), between_steps() as check:
        progress = run.progress()
        progress.ended = None
        trainer = _Trainer(run, recipe, vocabulary, budget)
        try:
            trainer.fit(training, validation, progress, report, check)
        finally:
            trainer.keeper.close()
    return progress


def parts(corpus: Corpus) -> tuple[list[CorpusPiece], list[CorpusPiece]]:
    """Return what is learned from, and what is validated on: the corpus's own, or every tenth piece for training, lent.

    A corpus has no validation pieces where all it holds went to training in an earlier, larger corpus; sides are for good.
    """
    training, validation = corpus.pieces("train"), corpus.pieces("validation")
    if validation or len(training) < 2:
        return training, validation
    every = min(LENT_EVERY, len(training))
    return [piece for i, piece in enumerate(training) if i % every], training[::every]


class _Trainer:
    """The Keras side of one training session: network, optimizer, checkpoints, logs."""

    def __init__(self, run: Run, recipe: NoteLSTMRecipe, vocabulary: Vocabulary, budget: Budget) -> None:
        self.run, self.recipe, self.vocabulary, self.budget = run, recipe, vocabulary, budget
        self.keeper = Keeper(run, "validation_bits")
        self.keras = self.keeper.keras

    def fit(
        self,
        training: list[EncodedPiece],
        validation: list[EncodedPiece],
        progress: Progress,
        report: Callable[[EpochRow], None],
        check: Callable[[], None],
    ) -> None:
        """Go on from `progress` until there is a reason to end, saving it after each epoch; `check` may end it between steps."""
        from training.network import arrays

        began = time.monotonic() - progress.seconds
        network = self._network(progress)
        reserve = 0.0  # what validation and saving took last time, to be left of the budget
        while progress.ended is None:
            if self.budget.gone(time.monotonic() - began + reserve, progress.epoch) >= 1:
                progress.ended = "budget"
                break
            losses: list[float] = []
            notes, since = 0, time.monotonic()
            network.reseed(self.run.asked.seed, progress.epoch)
            for batch in batches.epoch(training, self.recipe, self.run.asked.seed, progress.epoch):
                check()
                gone = self.budget.gone(time.monotonic() - began + reserve, progress.epoch)
                if gone >= 1 and losses:
                    break
                rate = self._rate(progress.step, gone)
                network.optimizer.learning_rate = rate
                losses.append(float(_step(network, batch)))
                notes += int(batch.mask.sum())
                progress.step += 1
            seconds = time.monotonic() - since
            ended = time.monotonic()
            progress.epoch += 1
            named = arrays(network)
            measured = quality(inference.Network(named), validation)
            row = EpochRow(
                epoch=progress.epoch,
                seconds=round(time.monotonic() - began, 3),
                notes_per_second=round(notes / seconds, 1),
                learning_rate=rate,
                train_bits=float(np.mean(losses)),
                validation_bits=measured.bits_per_note,
                **measured.fields,
            )
            self.keeper.save(network, named, row, row.validation_bits, progress)
            if progress.epoch - progress.best_epoch >= self.recipe.patience:
                progress.ended = "no gain"
            reserve = time.monotonic() - ended
            report(row)
        self.keeper.finish(self._built, progress)

    def _rate(self, step: int, gone: float) -> float:
        """Return the learning rate: a short warm-up, then a half cosine over the budget."""
        warm = min(1.0, (step + 1) / self.recipe.warmup)
        return self.recipe.learning_rate * warm * ((1 - LAST_RATE) * 0.5 * (1 + math.cos(math.pi * gone)) + LAST_RATE)

    def _network(self, progress: Progress) -> Any:
        from training import network

        if (resumed := self.keeper.resumed(progress)) is not None:
            return resumed
        self.keras.utils.set_random_seed(self.run.asked.seed)
        self.keras.config.set_dtype_policy(precision(self.recipe.precision))
        built = self._built()
        if self.run.asked.init is not None:
            named, _ = inference.load_weights(self.run.path / INIT_FILE)
            network.assign(built, named)
        built.compile(
            optimizer=self.keras.optimizers.AdamW(
                self.recipe.learning_rate, weight_decay=self.recipe.weight_decay, global_clipnorm=1.0
            ),
            jit_compile=False,
        )
        return built

    def _built(self) -> Any:
        from training import network

        built = network.NoteLSTM(
            asdict(self.recipe), len(self.vocabulary.series), len(self.vocabulary.games), name="note_lstm"
        )
        built.build(None)
        return built


def _step(network: Any, batch: batches.Batch) -> Any:
    """Run one step and return its loss in bits a note."""
    network.reset_metrics()
    inputs = {"events": batch.events, "style": batch.style}
    return network.train_on_batch(inputs, batch.events[:, 1:, TIME : VELOCITY + 1], sample_weight=batch.mask)


def precision(setting: str) -> str:
    """Return the Keras policy to train under: `setting`, or for "auto" the faster of bfloat16 and float32 here.

    bfloat16 must win by a fifth, measured on the product that an LSTM step spends its time in; best of five after a warm-up.
    """
    if setting != "auto":
        return setting
    from keras import ops

    took = {}
    for kind in ("float32", "bfloat16"):
        a, b = ops.ones((512, 512), kind), ops.ones((512, 2048), kind)
        times = []
        for _ in range(6):
            since = time.perf_counter()
            ops.convert_to_numpy(ops.cast(ops.sum(ops.matmul(a, b)), "float32"))
            times.append(time.perf_counter() - since)
        took[kind] = min(times[1:])
    return "mixed_bfloat16" if took["bfloat16"] * 1.2 < took["float32"] else "float32"


def parted(history: list[dict[str, Any]], train: str = "train_bits", held: str = "validation_bits") -> str | None:
    """Return a warning where validation has risen from its best while training went on falling, else None.

    `train` and `held` name the two columns of metrics.csv.
    """
    known = [row for row in history if row[held] is not None]
    if not known:
        return None
    best, last = min(known, key=lambda row: float(row[held])), known[-1]
    rise, fall = last[held] - best[held], best[train] - last[train]
    if last["epoch"] < best["epoch"] + 2 or rise < PARTED or fall <= 0:
        return None
    return (
        f"{held} has risen by {rise:.2f} since epoch {best['epoch']} while {train} fell by {fall:.2f}: the network is learning "
        "these pieces by heart; more pieces, or fewer minutes, would help"
    )
