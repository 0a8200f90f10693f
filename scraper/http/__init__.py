"""Polite HTTP to one site: robots.txt, delays, retries, page cache and journal.

It contains nothing specific to VGMusic and imports nothing from the other packages of `scraper`.
"""

__all__ = ["audit", "cache", "causes", "fetch", "journal", "limits", "policy", "response", "robots", "site"]
