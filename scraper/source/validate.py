"""Check a downloaded file against its row: MIDI header, size and MD5. Pure."""

import hashlib
from dataclasses import dataclass

from catalog.midi.container import midi_bytes
from scraper.source.rows import ListingRow


@dataclass(frozen=True, slots=True)
class FileCheck:
    """The size and MD5 of a file, and its `problem` (a stable id), if any.

    `reason` adds the expected and the received value.
    """

    size: int
    md5: str
    problem: str | None = None
    detail: str = ""

    @property
    def reason(self) -> str | None:
        """The problem with its detail, or None."""
        return f"{self.problem}: {self.detail}" if self.problem and self.detail else self.problem


def check(body: bytes, row: ListingRow, content_type: str = "") -> FileCheck:
    """Check `body` against `row`; a missing size or MD5 is not checked."""
    size, md5 = len(body), hashlib.md5(body, usedforsecurity=False).hexdigest()
    if midi_bytes(body) is None:
        if "html" in content_type.lower() or body[:512].lstrip().lower().startswith((b"<!doctype", b"<html")):
            return FileCheck(size, md5, "soft_404", "a web page instead of the file")
        return FileCheck(size, md5, "not_midi", f"begins with {body[:8]!r}")
    if row.size is not None and row.size != size:
        return FileCheck(size, md5, "size_mismatch", f"listed {row.size} bytes, received {size}")
    if row.md5 is not None and row.md5 != md5:
        return FileCheck(size, md5, "md5_mismatch", f"listed {row.md5}, received {md5}")
    return FileCheck(size, md5)
