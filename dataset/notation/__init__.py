"""Notation: notes arranged for reading, as a score and as MusicXML.

Staves, voices, rhythm and spelling are decided here; pages are drawn in `training.rendering`.
"""

__all__ = ["musicxml", "records", "score"]
