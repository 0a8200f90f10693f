"""What is kept of training: the weights of the best epoch; and with Keras a checkpoint of every epoch, logs, and the finished network.

The order of writing is the promise of `--resume`: checkpoint and weights first, last the state that names them.
"""

import errno
import math
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from catalog.base.errors import TrainingError
from catalog.storage.checksums import write_listed
from catalog.storage.files import remove_leftovers, replacing
from training.network.backend import load_keras, without_distribution
from training.network.weights import Array, WeightsMeta, load_weights, pack_weights, save_weights
from training.progress import Progress
from training.run import Run

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


def keep_epoch(run: Run, progress: Progress, row: Any, named: dict[str, Array]) -> None:
    """Keep an epoch that is trained without Keras: its `row`, its weights `named` if they are the best so far, and the progress."""
    progress.epoch, progress.seconds = row.epoch, row.seconds
    _keep_best(run, progress, row, named, None)
    progress.history.append(asdict(row))
    run.save_progress(progress)


def best_weights(run: Run) -> dict[str, Array]:
    """Return the weights of the best epoch of a run. Raises TrainingError where they are not this run's, or damaged."""
    named, meta = load_weights(run.weights)
    run.check_weights(meta.recipe_sha256, meta.vocabulary_sha256, run.weights)
    return named


def _keep_best(run: Run, progress: Progress, row: Any, named: dict[str, Array], validation_bits: float | None) -> None:
    """Write the weights of an epoch, by which samples are composed, if it is better than those in the history."""
    figure = run.recipe.terms.train if run.keep == "training" else run.recipe.terms.held
    if getattr(row, figure) < min((cast(float, old[figure]) for old in progress.history), default=math.inf):
        progress.best_epoch = row.epoch
        data = pack_weights(named, _meta(run, row.epoch, validation_bits))
        write_listed(run.path, run.weights.name, data, fail=TrainingError)


def _meta(run: Run, epoch: int, validation_bits: float | None) -> WeightsMeta:
    return WeightsMeta(run.recipe_sha256, run.vocabulary_sha256, epoch, validation_bits)


class CheckpointKeeper:
    """The keeper of one run while it is trained with Keras."""

    def __init__(self, run: Run, *, writes: bool = True) -> None:
        """Load Keras; where it `writes`, clear what a killed trainer left and open the log: the caller holds `run.writing()`."""
        self.run = run
        self.keras = load_keras()
        self._board: Any = None
        if writes:
            from tensorboardX import SummaryWriter

            remove_leftovers(run.path)
            remove_leftovers(run.checkpoints)
            for log in (run.path / "tensorboard").glob("events.*"):
                if log.stat().st_size == 0:  # of a trainer that was killed before it wrote to it
                    log.unlink()
            with self._writable(False):
                self._board = SummaryWriter(str(run.path / "tensorboard"))

    def load_average(self, progress: Progress) -> dict[str, Any] | None:
        """Return the average of the weights as the last saved epoch left it; None at the beginning."""
        if progress.checkpoint is None:
            return None
        return load_weights(self.run.checkpoints / _average_file(progress.checkpoint))[0]

    def load_network(self, progress: Progress) -> Any | None:
        """Return the network as the last saved epoch left it, optimizer and all; None at the beginning."""
        if progress.checkpoint is None:
            return None
        path = self.run.checkpoints / progress.checkpoint
        anew = f"put it back as it was, or begin a new run from the run's weights with --init {self.run.name}"
        if not path.is_file():
            raise TrainingError(f"{path}: missing, so training cannot go on; {anew}")
        try:
            return self.keras.models.load_model(path)
        except Exception as error:  # noqa: BLE001 - each library that reads a part has errors of its own
            why = "cut short, or no archive" if not zipfile.is_zipfile(path) else f"{type(error).__name__}: {error}"
            raise TrainingError(f"{path}: damaged ({why[:200]}); {anew}") from None

    def save(
        self, network: Any, named: dict[str, Any], row: Any, validation_bits: float | None, progress: Progress
    ) -> None:
        """Keep the epoch that `row` tells of, with the weights `named` that it is measured by, and those apart if they are the best.

        Raises TrainingError, and keeps nothing, where a figure of the row is no longer a number.
        """
        values = {name: value for name, value in asdict(row).items() if value is not None}
        wrong = [name for name, value in values.items() if not math.isfinite(value)]
        if wrong:
            raise TrainingError(
                f"run {self.run.name}: {wrong[0]} is no longer a number in epoch {row.epoch}; the epochs before it are kept. "
                "Start a new run with another --seed, or a recipe with a lower learning_rate or precision float32"
            )
        with self._writable(row.epoch > 1):
            self._save(network, named, row, validation_bits, progress, values)

    def _save(
        self,
        network: Any,
        named: dict[str, Any],
        row: Any,
        validation_bits: float | None,
        progress: Progress,
        values: dict[str, Any],
    ) -> None:
        progress.seconds = row.seconds
        _keep_best(self.run, progress, row, named, validation_bits)
        progress.history.append(asdict(row))
        progress.checkpoint = f"epoch-{row.epoch:04d}.keras"
        with replacing(self.run.checkpoints / progress.checkpoint) as temporary, without_distribution(self.keras):
            network.save(temporary)
        meta = _meta(self.run, row.epoch, validation_bits)
        save_weights(self.run.checkpoints / _average_file(progress.checkpoint), named, meta)
        self.run.save_progress(progress)
        for name, value in values.items():
            if name != "epoch":
                self._board.add_scalar(name, value, row.epoch)
        self._board.flush()

    def finish(self, build: Callable[[], Any], progress: Progress) -> None:
        """Write the best epoch's network in float32, which every processor can load, and why training ended."""
        from training.network.network import assign

        named = best_weights(self.run)
        with self._writable(True), without_distribution(self.keras):
            best = build()
            assign(best, named)
            with tempfile.TemporaryDirectory(prefix="vgpiano-") as folder:
                made = Path(folder) / self.run.model.name
                best.save(made)
                write_listed(self.run.path, self.run.model.name, made.read_bytes(), fail=TrainingError)
            self.run.save_progress(progress)

    @contextmanager
    def _writable(self, has_epoch: bool) -> Iterator[None]:
        """Raise TrainingError, with the way on, where the system refuses to write into the run's folder within the block."""
        try:
            yield
        except OSError as error:
            mend = "free some space" if error.errno in DISK_FULL else "make the folder one that can be written"
            onward = f"go on with `train --name {self.run.name} --resume`: the epochs before are kept"
            raise TrainingError(
                f"{self.run.path}: {error.strerror or error}; {mend}, then "
                f"{onward if has_epoch else 'run the same command again: no epoch had ended'}"
            ) from None

    def close(self) -> None:
        """Close the log."""
        if self._board is not None:
            self._board.close()


def _average_file(checkpoint: str) -> str:
    """Return the file beside a checkpoint that holds the weights which its epoch is measured by."""
    return f"{checkpoint.removesuffix('.keras')}.npz"
