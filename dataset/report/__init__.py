"""The report of a corpus: a page with its funnel, measures, charts and relations.

`html` and `charts` are also used for the pages of runs.
"""

__all__ = ["charts", "html", "report"]
