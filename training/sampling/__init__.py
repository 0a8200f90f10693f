"""Sampling: pieces composed by a trained network under what was asked for, kept from copying.

NumPy alone. `generate` is the way in; `sampler` draws, the others constrain.
"""

__all__ = ["config", "generate", "run_samples", "sampler"]
