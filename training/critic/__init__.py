"""Telling a run's music from people's: measures of passages, and the critic that is fitted to them.

`training.run_critic` fits the critic of a run. NumPy only.
"""

__all__ = ["critic", "measures"]
