"""Novelty: passages of a piece that also occur in training pieces.

`passages` finds them by their `seed_hashes`, `figures` summarises them, and `training_index` is a run's index of its training pieces.
"""

__all__ = ["figures", "passages", "seed_hashes", "training_index"]
