"""Events: notes as classes that a network predicts, batches, and vocabularies.

`repeat_models` predicts a piece's next note from its own past, `plans` and `character` say what is known of each bar beforehand,
`ears` says what sounds, and `slips` makes wrong notes to learn from. Pure NumPy.
"""

__all__ = [
    "batches",
    "character",
    "ears",
    "encoding",
    "fields",
    "followed",
    "past",
    "plan_columns",
    "plans",
    "repeat_models",
    "slips",
    "vocabulary",
]
