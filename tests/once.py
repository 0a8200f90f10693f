"""What takes long to make, made once for all workers of a test run and all files of tests."""

import os
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
        folder = shared / f"once-{name}"
        with FileLock(shared / f".once-{name}.lock"):
            if not folder.is_dir():
                making = shared / f".once-{name}"
                making.mkdir()
                fill(making)
                making.rename(folder)
        return folder

    return once
