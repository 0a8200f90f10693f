"""Novelty: passages of a piece that also occur in training pieces.

`passages` finds them by their `seed_hashes`, `figures` summarises them, `note_sources` names the piece that each note
stands beside, and `training_index` is a run's index of its training pieces.
"""

__all__ = ["figures", "note_sources", "passages", "seed_hashes", "training_index"]
