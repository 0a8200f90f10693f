"""The number of CPU cores available to this process."""

import os


def cores() -> int:
    """Return the number of CPU cores that this process may use.

    It respects CPU affinity, so it can be smaller than the number of cores of the machine.
    """
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
