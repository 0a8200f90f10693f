"""Create slow-to-make folders once for all workers and files of a test run."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

Once = Callable[[str, Callable[[Path], None]], Path]


def maker(factory: pytest.TempPathFactory) -> Once:
    """Return a function of a name and of a function that fills an empty folder.

    The first call with a name fills the folder, and all calls return it. The folder is shared: copy
    it before writing to it.
    """
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def once(name: str, fill: Callable[[Path], None]) -> Path:
        folder, done = shared / f"once-{name}", shared / f".once-{name}.done"
        with FileLock(shared / f".once-{name}.lock"):
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)  # of one that failed
                folder.mkdir()
                fill(folder)
                done.touch()
        return folder

    return once
