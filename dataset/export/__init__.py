"""Exports: a corpus written in the form of another project, a module a form.

`run` writes one; each form has a function `write(corpus, folder, report)`.
"""

__all__ = ["run"]
