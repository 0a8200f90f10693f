"""Sampling: pieces drawn from the note-level network under what was asked for, kept from copying; and their files.

NumPy alone. `sampler` draws and the others constrain; `sample_files` writes. `training.generate` is the way in.
"""

__all__ = ["config", "prompts", "sample_files", "sampler"]
