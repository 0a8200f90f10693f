"""Sampling from the note-level network, and sample files.

NumPy only. `sampler` draws, `conditioning`, `constraints` and `copy_guard` restrict what is drawn, and `sample_files`
writes. `training.generate` is the entry point.
"""

__all__ = ["config", "prompts", "sample_files", "sampler"]
