"""Distribute work over processes on this machine or a Dask cluster.

A task takes one picklable item, and its result depends on nothing else.
"""

__all__ = ["dask_cluster", "executors", "workers"]
