"""HTML pages: of a run, of several runs to compare, and of pieces that a query finds.

Each page is one self-contained file.
"""

__all__ = ["comparison_page", "pieces_page", "reference", "run_page", "write"]
