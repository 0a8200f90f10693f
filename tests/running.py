"""Processes of a command that is running, as Linux shows them in /proc."""

import time
from pathlib import Path


def children(pid: int) -> list[int]:
    """Return the processes that process `pid` has started; none if it has ended."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def have_ended(pids: list[int], within: float = 20) -> bool:
    """Return whether these processes end within some seconds; one that nobody has waited for has ended too."""
    deadline = time.monotonic() + within
    while any(_runs(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False
