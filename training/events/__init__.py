"""Events: notes as classes that a network predicts, batches, and vocabularies.

`repeat_models` predicts a piece's next note from its own past, `plans` says what is known of each bar beforehand, and `ears`
what sounds. Pure NumPy.
"""

__all__ = ["batches", "classes", "ears", "encoding", "past", "plans", "repeat_models", "vocabulary"]
