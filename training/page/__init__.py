"""Pages: the page of a run, its samples to hear and read, and the page that compares runs.

A page is one HTML file that loads nothing.
"""

__all__ = ["comparison_page", "reference", "run_page", "write"]
