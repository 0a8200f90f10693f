"""Several processes, on one or more hosts, that train one network together.

Each process trains on its part of every batch. Keras's variables configure it: KERAS_DISTRIBUTION_JOB_ADDRESSES,
KERAS_DISTRIBUTION_NUM_PROCESSES and KERAS_DISTRIBUTION_PROCESS_ID. The backend must be JAX (KERAS_BACKEND=jax). Only
the first process writes, validates and checks the time.
"""

import os
from dataclasses import dataclass, replace

import numpy as np

from catalog.base.errors import UsageError
from training.events.batches import Batch
from training.network.backend import load_keras

COUNT = "KERAS_DISTRIBUTION_NUM_PROCESSES"


@dataclass(frozen=True, slots=True)
class Hosts:
    """The processes that train together: their number, and the index of this one."""

    count: int = 1
    index: int = 0

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes."""
        return self.index == 0

    def broadcast(self, value: float) -> float:
        """Return the first process's value; a collective call of all processes."""
        if self.count == 1:
            return value
        from jax.experimental import multihost_utils

        return float(multihost_utils.broadcast_one_to_all(np.float32(value)))

    def part(self, batch: Batch) -> Batch:
        """Return this process's windows of a batch."""
        if self.count == 1:
            return batch
        size = len(batch.style) // self.count
        mine = slice(self.index * size, (self.index + 1) * size)
        return replace(
            batch, events=batch.events[mine], style=batch.style[mine], mask=batch.mask[mine], fresh=batch.fresh[mine]
        )


ALONE = Hosts()


def join() -> Hosts:
    """Connect to the other processes, if any; share batches among all devices.

    Raises UsageError if the backend does not support it.
    """
    count = os.environ.get(COUNT, "1")
    if not count.isdecimal() or int(count) < 1:
        raise UsageError(f"{COUNT} must be a whole number from 1, not {count!r}")
    if int(count) == 1 and os.environ.get("KERAS_BACKEND") != "jax":
        return Hosts()
    keras = load_keras()
    if keras.backend.backend() != "jax":
        raise UsageError(f"{COUNT}={count}: several processes need KERAS_BACKEND=jax (pip install jax)")
    if int(count) > 1:
        keras.distribution.initialize()
    if len(keras.distribution.list_devices()) > 1:
        keras.distribution.set_distribution(keras.distribution.DataParallel(auto_shard_dataset=False))
    import jax

    return Hosts(jax.process_count(), jax.process_index())
