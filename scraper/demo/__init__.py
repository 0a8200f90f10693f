"""A demonstration site of public-domain pieces in the layout of VGMusic, and the server for it.

It stands in for the real site in `make demo` and in tests.
"""

__all__ = ["site"]
