"""Saves epochs: best weights; for Keras also checkpoints, logs, final network.

Checkpoint and weights are written first and the state that names them last, so that `--resume` always finds a
complete epoch.
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
from catalog.storage.files import atomic_path, remove_leftovers
from training.network.backend import load_keras, without_distribution
from training.network.weights import Array, WeightsMeta, load_weights, pack_weights, save_weights
from training.progress import Progress
from training.run import Run

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


def keep_epoch(run: Run, progress: Progress, row: Any, named: dict[str, Array]) -> None:
    """Save an epoch that was trained without Keras.

    Saves its `row`, the weights `named` if they are the best so far, and the progress.
    """
    progress.epoch, progress.seconds = row.epoch, row.seconds
    _keep_best(run, progress, row, named, None)
    progress.history.append(asdict(row))
    run.save_progress(progress)


def best_weights(run: Run) -> dict[str, Array]:
    """Return the weights of the kept epoch of a run.

    Raises TrainingError if they are damaged or not this run's.
    """
    named, meta = load_weights(run.weights)
    run.check_weights(meta.recipe_sha256, meta.vocabulary_sha256, run.weights)
    return named


def kept_by(run: Run) -> str:
    """Return the column of metrics.csv that decides which epoch is kept."""
    return run.recipe.terms.train if run.keep == "training" else run.recipe.terms.held


def _keep_best(run: Run, progress: Progress, row: Any, named: dict[str, Array], validation_bits: float | None) -> None:
    """Write an epoch's weights if it is better than all epochs in the history, or as good but for the recipe's `nearly_best`.

    That holds for held-out figures. The weights that a run starts from are replaced by better ones only.
    """
    figure = kept_by(run)
    known = [cast(float, old[figure]) for old in progress.history if old[figure] is not None]
    allowed = run.recipe.nearly_best if run.keep == "validation" and progress.best_epoch else 0.0
    least = min(known, default=math.inf)
    if getattr(row, figure) < least + allowed:
        progress.best_epoch = row.epoch
        data = pack_weights(named, _meta(run, row.epoch, validation_bits))
        write_listed(run.path, run.weights.name, data, fail=TrainingError)


def _meta(run: Run, epoch: int, validation_bits: float | None) -> WeightsMeta:
    return WeightsMeta(run.recipe_sha256, run.vocabulary_sha256, epoch, validation_bits)


class CheckpointKeeper:
    """Saves and loads the epochs of one run that is trained with Keras."""

    def __init__(self, run: Run, *, writes: bool = True) -> None:
        """Load Keras and, with `writes`, open the log.

        With `writes`, leftovers of killed processes are removed; the caller holds `run.writing()`.
        """
        self.run = run
        self.keras = load_keras()
        self._board: Any = None
        if writes:
            from tensorboardX import SummaryWriter

            remove_leftovers(run.path)
            remove_leftovers(run.checkpoints)
            for log in (run.path / "tensorboard").glob("events.*"):
                if log.stat().st_size == 0:  # left by a process that was killed before it wrote to it
                    log.unlink()
            with self._writable(False):
                self._board = SummaryWriter(str(run.path / "tensorboard"))

    def load_average(self, progress: Progress) -> dict[str, Any] | None:
        """Return the weight average after the last saved epoch; None before the first."""
        if progress.checkpoint is None:
            return None
        return load_weights(self.run.checkpoints / _average_file(progress.checkpoint))[0]

    def load_network(self, progress: Progress) -> Any | None:
        """Return network and optimizer after the last saved epoch; None before the first."""
        if progress.checkpoint is None:
            return None
        path = self.run.checkpoints / progress.checkpoint
        remedy = f"restore it, or start a new run from the run's weights with --init {self.run.name}"
        if not path.is_file():
            raise TrainingError(f"{path}: missing, so training cannot continue; {remedy}")
        try:
            _check_archive(path)
            return self.keras.models.load_model(path)
        except Exception as error:  # noqa: BLE001 - the libraries involved raise many types
            words = " ".join(str(error).split())  # HDF5 says it in several lines
            why = "truncated, or not an archive" if not zipfile.is_zipfile(path) else f"{type(error).__name__}: {words}"
            raise TrainingError(f"{path}: damaged ({why[:200]}); {remedy}") from None

    def save_start(self, named: dict[str, Any], row: Any, validation_bits: float, progress: Progress) -> None:
        """Save epoch 0, the weights that the run starts from, as the best so far.

        It has no checkpoint: training that is stopped before the first epoch starts again from the initial weights.
        """
        with self._writable(False):
            progress.seconds = row.seconds
            _keep_best(self.run, progress, row, named, validation_bits)
            progress.history.append(asdict(row))
            self.run.save_progress(progress)
            self._log(row)

    def save(
        self, network: Any, named: dict[str, Any], row: Any, validation_bits: float | None, progress: Progress
    ) -> None:
        """Save the epoch of `row`, with the weights `named` that it was measured with.

        The weights are also written to weights.npz if they are the best. Raises TrainingError, and saves nothing, if
        a figure of the row is not finite.
        """
        values = {name: value for name, value in asdict(row).items() if value is not None}
        wrong = [name for name, value in values.items() if not math.isfinite(value)]
        if wrong:
            raise TrainingError(
                f"run {self.run.name}: {wrong[0]} is not a finite number in epoch {row.epoch}; earlier epochs are kept. "
                "Start a new run with another --seed, or a recipe with a lower learning_rate or precision float32"
            )
        with self._writable(row.epoch > 1):
            self._save(network, named, row, validation_bits, progress)

    def _save(
        self, network: Any, named: dict[str, Any], row: Any, validation_bits: float | None, progress: Progress
    ) -> None:
        progress.seconds = row.seconds
        _keep_best(self.run, progress, row, named, validation_bits)
        progress.history.append(asdict(row))
        progress.checkpoint = f"epoch-{row.epoch:04d}.keras"
        with atomic_path(self.run.checkpoints / progress.checkpoint) as temporary, without_distribution(self.keras):
            network.save(temporary)
        meta = _meta(self.run, row.epoch, validation_bits)
        save_weights(self.run.checkpoints / _average_file(progress.checkpoint), named, meta)
        self.run.save_progress(progress)
        self._log(row)

    def _log(self, row: Any) -> None:
        for name, value in asdict(row).items():
            if name != "epoch" and value is not None:
                self._board.add_scalar(name, value, row.epoch)
        self._board.flush()

    def finish(self, build: Callable[[], Any], progress: Progress) -> None:
        """Write the kept epoch's network in float32, and the final state."""
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
        """Convert OSError within the block to a TrainingError with a remedy."""
        try:
            yield
        except OSError as error:
            remedy = "free some space" if error.errno in DISK_FULL else "make the folder writable"
            onward = f"continue with `train --name {self.run.name} --resume`: earlier epochs are kept"
            raise TrainingError(
                f"{self.run.path}: {error.strerror or error}; {remedy}, then "
                f"{onward if has_epoch else 'run the same command again: no epoch was finished'}"
            ) from None

    def close(self) -> None:
        """Close the log."""
        if self._board is not None:
            self._board.close()


def _check_archive(path: Path) -> None:
    """Raise BadZipFile if an archive is damaged; Keras would read half of it, and say so in several lines."""
    with zipfile.ZipFile(path) as archive:
        if (member := archive.testzip()) is not None:
            raise zipfile.BadZipFile(f"checksum of {member}")


def _average_file(checkpoint: str) -> str:
    """Return the name of the file with a checkpoint's averaged weights."""
    return f"{checkpoint.removesuffix('.keras')}.npz"
