"""How much of the machine is ours."""

import os


def cores() -> int:
    """Return the number of cores that this process may use: fewer than the machine has where it is pinned to some."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
