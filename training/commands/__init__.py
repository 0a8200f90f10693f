"""The commands `train`, `evaluate`, `generate`, `render` and `novelty`, and what the shell completes for them.

Only these modules print.
"""

__all__ = []
