"""The commands of this package and their shell completion.

Only these modules print.
"""

__all__ = []
