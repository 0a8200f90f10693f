"""Exports of a corpus in other formats, one module per format.

`run` writes one. Each format has a function `write(corpus, folder, report)`.
"""

__all__ = ["run"]
