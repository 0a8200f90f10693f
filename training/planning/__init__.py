"""Plans for new pieces: of a given form, with the harmony of another piece, or of what follows a given beginning.

`training.events.plans` has the plans themselves. NumPy only.
"""

__all__ = ["continuation", "endings", "forms", "harmony", "plan_measures", "similar"]
