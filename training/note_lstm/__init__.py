"""Recipe `note-lstm`: the note-level network, measured in bits per note.

`recipe` defines its settings, `learner` implements the interface that all recipes share, `train` trains, and
`trained` opens trained runs; `streams` composes on all cores, `copying` measures copies by epoch, and `seams` measures
loops. The parts are in `events`, `network`, `loop` and `sampling`.
"""

__all__ = ["learner", "recipe", "train", "trained"]
