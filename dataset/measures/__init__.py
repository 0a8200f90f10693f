"""Measures of a piece: functions of its notes, such as density, key, texture and repetition.

`measure` computes all of them; the columns they fill are described in `catalog.schema`.
"""

__all__ = ["keys", "measure"]
