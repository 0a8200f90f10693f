"""SVG pages to PDF and PNG.

In: SVG texts whose root has width and height. Out: bytes. typst converts them with its own fonts, without system
libraries; shapes stay vectors in a PDF.
"""

import re
from collections.abc import Sequence
from typing import Literal

from catalog.base.errors import TrainingError

A4_WIDTH_PT = 595.276
MAX_PIXELS = 12_000  # maximum width and height; larger pictures are scaled down


def pdf(pages: Sequence[str], *, title: str = "", width_pt: float = A4_WIDTH_PT) -> bytes:
    """Return the pages as one PDF, each `width_pt` points wide; deterministic.

    Raises TrainingError if a page is not an SVG that can be drawn.
    """
    return _compile(pages, title, width_pt, "pdf")


def png(page: str, *, width_px: int | None = None) -> bytes:
    """Return an SVG as a PNG on white, `width_px` wide (default: the SVG's width).

    Scaled down to at most 12,000 pixels in each direction. Raises TrainingError if it is not an SVG that can be
    drawn.
    """
    width, height = _size(page)
    wide = float(width_px or width)
    wide *= min(1.0, MAX_PIXELS / wide, MAX_PIXELS / (wide * height / width))
    return _compile([page], "", wide, "png")


def _compile(pages: Sequence[str], title: str, width_pt: float, form: Literal["pdf", "png"]) -> bytes:
    """Return typst's output for a document of these pages."""
    import typst

    parts = [f"#set document(title: {_string(title)}, date: none)"]
    for page in pages:
        width, height = _size(page)
        tall = width_pt * height / width
        parts.append(
            f"#page(width: {width_pt:.3f}pt, height: {tall:.3f}pt, margin: 0pt, fill: white,"
            f' image(bytes({_string(page)}), format: "svg", width: 100%))'
        )
    try:
        return typst.compile("\n".join(parts).encode(), format=form, ppi=72.0)
    except RuntimeError as error:
        raise TrainingError(
            f"the page cannot be drawn ({str(error)[:200]}); its SVG may still open in a browser"
        ) from error


def _size(svg: str) -> tuple[float, float]:
    found = re.search(r'<svg [^>]*?width="([\d.]+)" height="([\d.]+)"', svg)
    if found is None or not float(found[1]) * float(found[2]):
        raise TrainingError("the page has no width and height; it was not made by this program")
    return float(found[1]), float(found[2])


def _string(text: str) -> str:
    """Return a string literal of typst's language."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
