"""Handle Ctrl-C while a command is still importing: one line and exit code 130.

Every command imports this module before any slow import. Once the command runs,
`catalog.base.console.run` handles Ctrl-C.
"""

import os
import sys
from types import TracebackType


def _excepthook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print one line for Ctrl-C and exit; leave other exceptions to Python."""
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    try:
        os.write(2, b"stopped before anything was started\n")
    finally:
        os._exit(130)


sys.excepthook = _excepthook
