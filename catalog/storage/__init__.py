"""Validated reading and atomic writing of files, local or below a URL.

Locks, leases and SHA256SUMS lists are here too. Nothing here knows of pieces, and of other vgpiano
packages only `catalog.base` is imported.
"""

__all__ = ["checksums", "files", "lease", "lock", "numbered_files", "reading", "remote"]
