"""The recipe `classic`: the experiment of 2018 with music21 tokens and three LSTM layers.

Tokens, training and sampling are its own; it shares checkpoints and the run's folder with the other recipe.
"""

__all__ = ["quality", "sampler", "train"]
