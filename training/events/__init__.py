"""Events: notes as classes that a network predicts, batches of them, and the vocabulary of a run.

`repeat_models` says what a piece's own past suggests for its next note. Pure NumPy.
"""

__all__ = ["batches", "classes", "encoding", "repeat_models", "vocabulary"]
