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
from catalog.files import remove_leftovers, replacing
from dataset.corpus import Corpus
from training import batches, inference
from training.backend import load_keras
from training.batches import EncodedPiece
from training.evaluate import quality
from training.events import TIME, VELOCITY
from training.recipe import NoteLSTMRecipe
from training.run import INIT_FILE, EpochRow, Progress, Run
from training.vocabulary import Vocabulary

LAST_RATE = 0.02  # the learning rate ends at this share of its peak
PARTED_BITS = 0.15  # validation this far above its best, while training still falls, is worth a warning


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
    training = batches.encode_pieces(corpus.pieces("train"), vocabulary)
    validation = batches.encode_pieces(corpus.pieces("validation"), vocabulary)
    for name, pieces in (("training", training), ("validation", validation)):
        if sum(len(piece.events) - 1 for piece in pieces) < 1:
            raise TrainingError(f"corpus {corpus.name} has no {name} notes; choose a query with more pieces")
    with run.writing():
        remove_leftovers(run.path)
        remove_leftovers(run.checkpoints)
        progress = run.progress()
        progress.ended = None
        trainer = _Trainer(run, recipe, vocabulary, budget)
        try:
            trainer.fit(training, validation, progress, report)
        finally:
            trainer.close()
    return progress


class _Trainer:
    """The Keras side of one training session: network, optimizer, checkpoints, logs."""

    def __init__(self, run: Run, recipe: NoteLSTMRecipe, vocabulary: Vocabulary, budget: Budget) -> None:
        from tensorboardX import SummaryWriter

        self.run, self.recipe, self.vocabulary, self.budget = run, recipe, vocabulary, budget
        self.keras = load_keras()
        self.board = SummaryWriter(str(run.path / "tensorboard"))

    def fit(
        self,
        training: list[EncodedPiece],
        validation: list[EncodedPiece],
        progress: Progress,
        report: Callable[[EpochRow], None],
    ) -> None:
        """Go on from `progress` until there is a reason to end, saving it after each epoch."""
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
            named = self._arrays(network)
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
            self._check(row)
            self._save(network, named, row, progress)
            reserve = time.monotonic() - ended
            report(row)
        self._finish(progress)

    def _rate(self, step: int, gone: float) -> float:
        """Return the learning rate: a short warm-up, then a half cosine over the budget."""
        warm = min(1.0, (step + 1) / self.recipe.warmup)
        return self.recipe.learning_rate * warm * ((1 - LAST_RATE) * 0.5 * (1 + math.cos(math.pi * gone)) + LAST_RATE)

    def _network(self, progress: Progress) -> Any:
        from training import network

        if progress.checkpoint is not None:
            path = self.run.checkpoints / progress.checkpoint
            if not path.is_file():
                raise TrainingError(f"{path} is gone; the run cannot be resumed, train anew without --resume")
            return self.keras.models.load_model(path)
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

    def _arrays(self, network: Any) -> dict[str, Any]:
        from training.network import arrays

        return arrays(network)

    def _check(self, row: EpochRow) -> None:
        if not (math.isfinite(row.train_bits) and math.isfinite(row.validation_bits)):
            raise TrainingError(
                f"run {self.run.name}: the loss is no longer a number in epoch {row.epoch}; the epochs before it are kept. "
                "Use a recipe with a lower learning_rate, or precision float32"
            )

    def _save(self, network: Any, named: dict[str, Any], row: EpochRow, progress: Progress) -> None:
        """Save the epoch: checkpoint, weights if they are the best, logs, and last the state that names them."""
        progress.seconds = row.seconds
        if row.validation_bits < progress.best_bits:
            progress.best_epoch = row.epoch
            meta = inference.WeightsMeta(
                self.run.recipe_sha256, self.run.vocabulary_sha256, row.epoch, row.validation_bits
            )
            inference.save_weights(self.run.weights, named, meta)
        progress.history.append(asdict(row))
        progress.checkpoint = f"epoch-{row.epoch:04d}.keras"
        with replacing(self.run.checkpoints / progress.checkpoint) as temporary:
            network.save(temporary)
        if row.epoch - progress.best_epoch >= self.recipe.patience:
            progress.ended = "no gain"
        self.run.save_progress(progress)
        for name, value in asdict(row).items():
            if name != "epoch":
                self.board.add_scalar(name, value, row.epoch)
        self.board.flush()

    def _finish(self, progress: Progress) -> None:
        """Write the best epoch's network in float32, which every processor can load, and say why training ended."""
        from training.network import assign

        named, meta = inference.load_weights(self.run.weights)
        self.run.check_weights(meta.recipe_sha256, meta.vocabulary_sha256, self.run.weights)
        self.keras.config.set_dtype_policy("float32")
        best = self._built()
        assign(best, named)
        with replacing(self.run.model) as temporary:
            best.save(temporary)
        self.run.save_progress(progress)

    def close(self) -> None:
        """Close the log."""
        self.board.close()


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


def parted(history: list[dict[str, Any]]) -> str | None:
    """Return a warning where validation has risen from its best while training went on falling, else None."""
    if len(history) < 3:
        return None
    best = min(history, key=lambda row: float(row["validation_bits"]))
    last = history[-1]
    rise = last["validation_bits"] - best["validation_bits"]
    if last["epoch"] < best["epoch"] + 2 or rise < PARTED_BITS or last["train_bits"] >= best["train_bits"]:
        return None
    return (
        f"validation has risen by {rise:.2f} bits since epoch {best['epoch']} while training fell by "
        f"{best['train_bits'] - last['train_bits']:.2f}: the network is learning these pieces by heart. Epoch {best['epoch']} is kept; "
        "more pieces, or fewer minutes, would help"
    )
