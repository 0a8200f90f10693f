"""The files of a sample that its page holds, to save from a page that was sent alone.

In: the parts of a sample. Out: links whose addresses are the files themselves (`data:`). The sound is in the page once,
in its player, so its link has no address: the page's script makes one.
"""

import io
import zipfile
from base64 import b64encode
from dataclasses import dataclass

from markupsafe import Markup

CONTAINER = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<container><rootfiles><rootfile full-path="score.musicxml" '
    'media-type="application/vnd.recordare.musicxml+xml"/></rootfiles></container>\n'
)
DATE = (1980, 1, 1, 0, 0, 0)  # the earliest of a zip file: the same score gives the same bytes


@dataclass(frozen=True, slots=True)
class Download:
    """A file to save: its label, file name and size; `address` is None for the player's sound."""

    label: str
    name: str
    size: str
    address: Markup | None


def list_downloads(
    stem: str, *, midi: bytes | None, notation: bytes | None, pdf: bytes | None, sound: bytes | None
) -> list[Download]:
    """Return the files of a sample that are known; `stem` is their name without ending."""
    found: list[Download] = []
    for label, ending, kind, data in (
        ("MIDI", ".mid", "audio/midi", midi),
        ("MusicXML", ".mxl", "application/vnd.recordare.musicxml", notation),
        ("PDF", ".pdf", "application/pdf", pdf),
        ("MP3", ".mp3", None, sound),
    ):
        if data is not None:
            address = None if kind is None else f"data:{kind};base64,{b64encode(data).decode()}"
            markup = None if address is None else Markup(address)  # noqa: S704 - base64
            found.append(Download(label, f"{stem}{ending}", _size(len(data)), markup))
    return found


def compress_musicxml(score: bytes) -> bytes:
    """Return MusicXML in its compressed form (.mxl), about a thirtieth of the size; deterministic."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as out:
        for name, data in (("META-INF/container.xml", CONTAINER.encode()), ("score.musicxml", score)):
            out.writestr(zipfile.ZipInfo(name, DATE), data, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def _size(count: int) -> str:
    """Return a number of bytes in a suitable unit."""
    return f"{count / 1e6:.1f} MB" if count >= 995_000 else f"{max(1, round(count / 1000))} kB"
