"""What takes long to make, made once for all workers of a test run and all files of tests."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

Once = Callable[[str, Callable[[Path], None]], Path]


def maker(factory: pytest.TempPathFactory) -> Once:
    """Return a function of a name and of what fills an empty folder; the first that asks for the name fills it, all get it.

    It belongs to all of them: whoever writes there takes a copy.
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
