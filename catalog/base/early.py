"""Ctrl-C while a command is still being imported: one line and exit code 130, no traceback.

Every command line imports this module before anything that takes time. Once the command runs, `catalog.base.console.run` takes over.
"""

import os
import sys
from types import TracebackType


def _excepthook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Report an exception that nothing caught: Ctrl-C in one line, all else as Python does."""
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    try:
        os.write(2, b"stopped before anything was begun\n")
    finally:
        os._exit(130)


sys.excepthook = _excepthook
