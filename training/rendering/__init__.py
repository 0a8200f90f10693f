"""Rendering: sound, sheet music and piano rolls of a piece, with what pip installs.

`render` is the way in. A piece is rendered in a process of its own, within bounds.
"""

__all__ = ["audio", "engrave", "render", "roll"]
