"""Protect worker processes from Ctrl-C.

A terminal sends Ctrl-C to every process of a command. Workers ignore it; the process that started
them stops them.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def block_sigint() -> Iterator[None]:
    """Block SIGINT in this thread and in processes started within the block.

    The processes keep SIGINT blocked for their lifetime; this thread unblocks it at the end of the
    block. Does nothing outside the main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
