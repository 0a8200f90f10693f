"""A demo site of public-domain pieces in VGMusic's layout, and a server for it.

It replaces the real site in `make demo` and in tests.
"""

__all__ = ["site"]
