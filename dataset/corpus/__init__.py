"""A corpus on disk: its tables, manifest, credits and persistent split assignments, and how it is replaced as a whole.

What is opened has been checked. How a corpus is made is the business of `dataset.build`.
"""

__all__ = ["corpus", "credits", "folder_store", "manifest", "schema", "split_ledger"]
