"""HTML pages: the page of a run, and the page that compares runs.

Each page is one self-contained file.
"""

__all__ = ["comparison_page", "reference", "run_page", "write"]
