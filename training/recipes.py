"""The registered recipes, by name.

Importing this module is fast: a recipe is imported when it is first used.
"""

DEFAULT = "note-lstm"  # its runs are named like their corpus
RECIPES = {
    "note-lstm": "training.note_lstm.learner:NoteLSTMLearner",
    "classic": "training.classic.learner:ClassicLearner",
}
"""The `Learner` of each recipe, as MODULE:CLASS. Add new recipes here."""
