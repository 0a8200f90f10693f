"""Measures of a piece: functions of its notes, such as key and repetition.

`measure` computes all of them. Their columns are described in `catalog.schema`.
"""

__all__ = ["keys", "measure"]
