"""Ctrl-C in a terminal goes to every process of a command. Workers are kept from it: whoever started them ends them."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def block_sigint() -> Iterator[None]:
    """Keep Ctrl-C from processes that are started in the block, for as long as they live, and from this one until the block ends."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
