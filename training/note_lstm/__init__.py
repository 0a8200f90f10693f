"""The recipe `note-lstm`: the note-level network, trained note by note, sampled and evaluated in bits per note.

`recipe` has its settings, `learner` puts it behind the seam that all recipes share; `train` is its training, and `trained` opens
what a run has learned. Its parts are the rooms `events`, `network`, `loop` and `sampling`.
"""

__all__ = ["learner", "recipe", "train", "trained"]
