"""Training of the note-level network: epochs within a budget, checkpoints, and several processes together.

It writes into the folder of a run; which run, and on what, is decided in `training.session`.
"""

__all__ = ["checkpoints", "hosts", "interrupt", "train"]
