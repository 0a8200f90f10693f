"""The note-level network, in Keras for training and in NumPy for the rest.

Only `lstm`, `network` and `scores` import Keras at module level.
"""

__all__ = ["backend", "inference", "inputs", "network", "quality", "shapes", "tables", "weights"]
