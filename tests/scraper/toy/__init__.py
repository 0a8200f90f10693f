"""A toy source site, written by following the guide in CONTRIBUTING.

See `test_source.py`.
"""
