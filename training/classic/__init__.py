"""Recipe `classic`: the 2018 experiment, music21 tokens and three LSTM layers.

`recipe` defines its settings and `learner` implements the interface that all recipes share. Tokens, training and
sampling belong to this recipe. Checkpoints and the run folder are shared with the other recipes.
"""

__all__ = ["learner", "quality", "recipe", "sampler", "train"]
