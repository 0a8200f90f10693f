"""A corpus on disk: tables, manifest, credits and permanent splits.

Opening a corpus checks it. `dataset.build` makes corpora.
"""

__all__ = ["corpus", "credits", "folder_store", "manifest", "schema", "split_ledger"]
