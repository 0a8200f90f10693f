"""Exports of a corpus in other formats, one module per format.

`forms` has their names, and `run` writes one. Each format has a function `write(corpus, folder, report)`.
"""

__all__ = ["forms", "run"]
