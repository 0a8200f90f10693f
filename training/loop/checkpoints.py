"""What recipes trained with Keras keep of it: a checkpoint of every epoch, the weights of the best one, logs, and the finished network.

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
from training.network.backend import load_keras, undivided
from training.network.weights import WeightsMeta, load_weights, packed, save_weights
from training.progress import Progress
from training.run import Run

FULL = (errno.ENOSPC, errno.EDQUOT)


class Keeper:
    """The keeper of one run while it is trained; `figure` is the column of metrics.csv whose lowest value is the best."""

    def __init__(self, run: Run, figure: str, *, writes: bool = True) -> None:
        """Load Keras; where it `writes`, clear what a killed trainer left and open the log: the caller holds `run.writing()`."""
        self.run, self.figure = run, figure
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

    def averaged(self, progress: Progress) -> dict[str, Any] | None:
        """Return the average of the weights as the last saved epoch left it; None at the beginning."""
        if progress.checkpoint is None:
            return None
        return load_weights(self.run.checkpoints / _beside(progress.checkpoint))[0]

    def resumed(self, progress: Progress) -> Any | None:
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
        meta = WeightsMeta(self.run.recipe_sha256, self.run.vocabulary_sha256, row.epoch, validation_bits)
        if values[self.figure] < min((cast(float, old[self.figure]) for old in progress.history), default=math.inf):
            progress.best_epoch = row.epoch
            write_listed(self.run.path, self.run.weights.name, packed(named, meta), fail=TrainingError)
        progress.history.append(asdict(row))
        progress.checkpoint = f"epoch-{row.epoch:04d}.keras"
        with replacing(self.run.checkpoints / progress.checkpoint) as temporary, undivided(self.keras):
            network.save(temporary)
        save_weights(self.run.checkpoints / _beside(progress.checkpoint), named, meta)
        self.run.save_progress(progress)
        for name, value in values.items():
            if name != "epoch":
                self._board.add_scalar(name, value, row.epoch)
        self._board.flush()

    def finish(self, build: Callable[[], Any], progress: Progress) -> None:
        """Write the best epoch's network in float32, which every processor can load, and why training ended."""
        from training.network.network import assign

        named, meta = load_weights(self.run.weights)
        self.run.check_weights(meta.recipe_sha256, meta.vocabulary_sha256, self.run.weights)
        with self._writable(True), undivided(self.keras):
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
            mend = "free some space" if error.errno in FULL else "make the folder one that can be written"
            onward = f"go on with `train --name {self.run.name} --resume`: the epochs before are kept"
            raise TrainingError(
                f"{self.run.path}: {error.strerror or error}; {mend}, then "
                f"{onward if has_epoch else 'run the same command again: no epoch had ended'}"
            ) from None

    def close(self) -> None:
        """Close the log."""
        if self._board is not None:
            self._board.close()


def _beside(checkpoint: str) -> str:
    """Return the file beside a checkpoint that holds the weights which its epoch is measured by."""
    return f"{checkpoint.removesuffix('.keras')}.npz"
