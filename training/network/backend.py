"""Keras, imported without the noise that TensorFlow makes on standard error while its libraries load."""

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from catalog.base.cores import cores

MAX_LANES = 4


def lanes() -> int:
    """Return into how many parts a batch is cut that go through the network side by side.

    On a processor TensorFlow loses much time where threads share one small operation, none where each has a lane of its own. Other
    backends compile the whole and share the work out themselves.
    """
    if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
        return 1
    number = 1
    while 2 * number <= min(MAX_LANES, cores()):
        number *= 2
    return number


def load_keras() -> Any:
    """Return the `keras` module. What its backend says while loading is shown only if loading fails.

    The messages come from C++ before any log level is heeded, so the file descriptor itself is turned aside.
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
    logging.getLogger("tensorflow").setLevel(
        logging.ERROR
    )  # it warns where one process trains run after run, as it may
    return keras


@contextmanager
def without_distribution(keras: Any) -> Iterator[None]:
    """Make new variables this process's own for a while, where several processes train: each of theirs waits for all to make it."""
    before = keras.distribution.distribution()
    if before is None:
        yield
        return
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(before)
