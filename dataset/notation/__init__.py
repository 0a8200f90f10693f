"""Notation: arrange notes as a piano score, and write it as MusicXML.

Staves, voices, rhythm and spelling are decided here; pages are drawn in `training.rendering`.
"""

__all__ = ["musicxml", "records", "score"]
