"""Append-only tables of Parquet files; the newest row of each key counts.

The files are immutable. The package knows nothing of pieces. There is one writer at a time. Readers
need no lock.
"""

__all__ = ["identity", "parquet", "part_files", "parts", "upsert"]
