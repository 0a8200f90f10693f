"""What two catalogs have together: rows, sides of splits, edits and journals.

In: what both have. Out: what is added to the one that is kept, and a line for each disagreement.
"""

__all__ = ["books", "edits", "journals", "pieces"]
