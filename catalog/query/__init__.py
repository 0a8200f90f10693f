"""The query language: from text such as "series == 'zelda'" to a condition on Arrow tables.

`compiler` reads a query with a whitelist of Python's syntax; the other modules are its parts. Nothing is read from disk.
"""

__all__ = ["compiler", "operands"]
