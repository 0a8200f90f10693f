"""The recipe `classic`: the experiment of 2018 with music21 tokens and three LSTM layers.

`recipe` has its settings, `learner` puts it behind the seam that all recipes share. Tokens, training and sampling are its own;
checkpoints and the run's folder are those of every recipe.
"""

__all__ = ["learner", "quality", "recipe", "sampler", "train"]
