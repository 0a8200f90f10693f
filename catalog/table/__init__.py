"""Tables of immutable Parquet files to which rows are only added; the newest row of a key wins.

It reads and writes files and knows nothing of pieces. One writer at a time; readers need no lock.
"""

__all__ = ["identity", "parquet", "part_files", "parts", "upsert"]
