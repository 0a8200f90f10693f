"""Polite HTTP to one site: robots.txt, delays, retries, a cache of pages, and a journal of every request.

It knows nothing of VGMusic, and imports nothing of the rooms that do.
"""

__all__ = ["audit", "cache", "causes", "fetch", "journal", "limits", "policy", "response", "robots", "site"]
