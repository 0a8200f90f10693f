"""The note-level network: in Keras for training, in NumPy for sampling and evaluation.

`network` and `lstm` are the only modules that import Keras at their top.
"""

__all__ = ["backend", "inference", "network", "quality", "shapes", "weights"]
