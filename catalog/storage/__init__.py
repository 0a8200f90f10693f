"""Files and folders on this machine or below a URL: read with their shape checked, written whole or not at all.

Locks, leases and lists of checksums are here too. It knows nothing of pieces, and imports nothing of ours but `catalog.base`.
"""

__all__ = ["checksums", "files", "lease", "lock", "reading", "remote"]
