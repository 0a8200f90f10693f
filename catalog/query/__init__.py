"""The query language: from text like "series == 'zelda'" to an Arrow expression.

`compiler` compiles a query through a whitelist of Python syntax; the other modules are its parts.
Nothing is read from disk.
"""

__all__ = ["compiler", "operands"]
