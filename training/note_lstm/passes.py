"""How much a training leaves out, by how many passes through its pieces it will be.

A network that sees each piece a few times learns more with little left out; one that sees it often then learns the
pieces by heart, and composes worse (docs/training.md has the figures).
"""

from dataclasses import replace

from training.note_lstm.recipe import NoteLSTMRecipe

FEW, MANY = 7.0, 14.0
"""Passes up to which a training is short, and from which it is long. In between, settings change in a straight line."""
SHORT = {"dropout": 0.0, "plan_dropout": 4 / 11, "learning_rate": 5 / 8}
"""Settings of a short training, as shares of the recipe's, which are those of a long one."""


def expected_passes(done: float, used: float, epochs: float | None) -> float:
    """Return the passes of a whole training.

    `done` passes took the share `used` of its budget, 0–1; before the first, it is `epochs` if the budget says so, else 0.
    """
    return round(done / used, 3) if done else epochs or 0.0  # of 14 epochs, each expects 14


def eased(recipe: NoteLSTMRecipe, passes: float) -> NoteLSTMRecipe:
    """Return the recipe with the settings for a training of that many passes.

    Only a long one has slips, because a few would cost as much time to encode as many.
    """
    long = min(1.0, max(0.0, (passes - FEW) / (MANY - FEW)))
    changed = {name: getattr(recipe, name) * (share + (1 - share) * long) for name, share in SHORT.items()}
    return replace(recipe, slips=recipe.slips if passes >= MANY else 0.0, **changed)
