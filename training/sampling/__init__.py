"""Sampling from the note-level network, and sample files.

NumPy only. `sampler` draws, `conditioning`, `constraints` and `copy_guard` restrict what is drawn,
`sample_record` tells how, and `sample_files` writes. `training.generate` is the entry point.
"""

__all__ = ["conditioning", "config", "prompts", "sample_files", "sample_record", "sampler"]
