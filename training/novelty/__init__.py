"""Novelty: passages of a piece that also occur in training pieces.

`passages` finds them by their `seed_hashes`, `figures` summarises them, `followed_pieces` counts how far a new piece
follows each training piece, `note_sources` names the piece that each note stands beside, `bar_sources` what each bar
follows, and `training_index` is a run's index of its training pieces.
"""

__all__ = ["bar_sources", "figures", "followed_pieces", "note_sources", "passages", "seed_hashes", "training_index"]
