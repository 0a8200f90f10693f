"""Novelty: which passages of a piece stand in the training pieces, and how long they are.

`passages` finds them; `training_index` is what a run keeps of its training pieces.
"""

__all__ = ["figures", "passages", "training_index"]
