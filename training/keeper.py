"""What both recipes keep of training: a checkpoint of every epoch, the weights of the best one, logs, and the finished network.

The order of writing is the promise of `--resume`: checkpoint and weights first, last the state that names them.
"""

import math
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, cast

from catalog.errors import TrainingError
from catalog.files import remove_leftovers, replacing
from training.backend import load_keras, undivided
from training.run import Progress, Run
from training.weights import WeightsMeta, load_weights, save_weights


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
        if not path.is_file():
            raise TrainingError(f"{path} is gone; the run cannot be resumed, train anew without --resume")
        return self.keras.models.load_model(path)

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
        progress.seconds = row.seconds
        meta = WeightsMeta(self.run.recipe_sha256, self.run.vocabulary_sha256, row.epoch, validation_bits)
        if values[self.figure] < min((cast(float, old[self.figure]) for old in progress.history), default=math.inf):
            progress.best_epoch = row.epoch
            save_weights(self.run.weights, named, meta)
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
        from training.network import assign

        named, meta = load_weights(self.run.weights)
        self.run.check_weights(meta.recipe_sha256, meta.vocabulary_sha256, self.run.weights)
        self.keras.config.set_dtype_policy("float32")
        with undivided(self.keras):
            best = build()
            assign(best, named)
            with replacing(self.run.model) as temporary:
                best.save(temporary)
        self.run.save_progress(progress)

    def close(self) -> None:
        """Close the log."""
        if self._board is not None:
            self._board.close()


def _beside(checkpoint: str) -> str:
    """Return the file beside a checkpoint that holds the weights which its epoch is measured by."""
    return f"{checkpoint.removesuffix('.keras')}.npz"
