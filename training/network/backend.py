"""Imports Keras without TensorFlow's messages on standard error."""

import logging
import math
import os
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from catalog.base.cores import cores

MAX_LANES = 4


def lanes() -> int:
    """Return the number of lanes: parts of a batch that are computed in parallel.

    On a CPU, TensorFlow is slow when threads share one small operation, and fast when each works on its own lane.
    Other backends compile the whole step and distribute it themselves.
    """
    if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
        return 1
    number = 1
    while 2 * number <= min(MAX_LANES, cores()):
        number *= 2
    return number


def load_keras() -> Any:
    """Return the `keras` module; its start-up messages are shown only if it fails.

    The messages come from C++ before log levels apply, so the file descriptor is redirected.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(max(1, cores() // lanes())))
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as aside:
        os.dup2(aside.fileno(), 2)
        try:
            import keras
        except BaseException:
            aside.seek(0)
            os.write(kept, aside.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
    # it warns if one process trains several runs, which is fine
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    return keras


def initializer(name: str) -> str | Callable[..., npt.NDArray[Any]]:
    """Return Keras's initializer `name`: glorot_uniform, orthogonal or uniform.

    On JAX it draws in NumPy, seeded by `random` as Keras's own: those compile a program for each shape, which takes as
    long as compiling the network.
    """
    return partial(_draw, name) if os.environ.get("KERAS_BACKEND") == "jax" else name


def _draw(name: str, shape: tuple[int, int], dtype: Any = None) -> npt.NDArray[Any]:
    rng, (rows, columns) = np.random.default_rng(random.getrandbits(64)), shape
    if name == "orthogonal":
        q, r = np.linalg.qr(rng.normal(size=(max(shape), min(shape))))
        q *= np.sign(np.diag(r))
        return (q if rows >= columns else q.T).astype(dtype)
    limit = 0.05 if name == "uniform" else math.sqrt(6 / (rows + columns))
    return rng.uniform(-limit, limit, shape).astype(dtype)


@contextmanager
def without_distribution(keras: Any) -> Iterator[None]:
    """Create variables that are local to this process within the block.

    With several processes, creating a distributed variable waits for all of them.
    """
    before = keras.distribution.distribution()
    if before is None:
        yield
        return
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(before)
