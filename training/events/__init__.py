"""Events: notes as classes that a network predicts, batches, and vocabularies.

`repeat_models` predicts a piece's next note from its own past. Pure NumPy.
"""

__all__ = ["batches", "classes", "encoding", "repeat_models", "vocabulary"]
