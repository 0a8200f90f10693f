"""Rendering: sound, loops, sheet music and piano rolls of a piece.

`render` is the entry point. It uses libraries from pip only. Each output is made in a worker process with a time
limit.
"""

__all__ = ["audio", "engrave", "loops", "origin", "render", "roll"]
