"""SVG pages to PDF and PNG. In: SVG texts whose root says its width and height; out: bytes. typst does the work, with fonts
of its own, so that no library of the system is needed; shapes stay shapes in a PDF.
"""

import re
from collections.abc import Sequence
from typing import Literal

from catalog.base.errors import TrainingError

A4_WIDTH_PT = 595.276
MAX_PIXELS = 12_000  # the widest or tallest picture that is made: a larger one is made smaller


def pdf(pages: Sequence[str], *, title: str = "", width_pt: float = A4_WIDTH_PT) -> bytes:
    """Return the pages as one PDF, each `width_pt` points wide; the same pages give the same bytes.

    Raises TrainingError where a page is no SVG that can be drawn.
    """
    return _compile(pages, title, width_pt, "pdf")


def png(page: str, *, width_px: int | None = None) -> bytes:
    """Return one SVG as a PNG on white, as many pixels wide as it says itself or as is asked, at most 12,000 either way.

    Raises TrainingError where it is no SVG that can be drawn.
    """
    width, height = _size(page)
    wide = float(width_px or width)
    wide *= min(1.0, MAX_PIXELS / wide, MAX_PIXELS / (wide * height / width))
    return _compile([page], "", wide, "png")


def _compile(pages: Sequence[str], title: str, width_pt: float, form: Literal["pdf", "png"]) -> bytes:
    """Return what typst makes of a document of these pages and nothing else."""
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
        raise TrainingError("the page has no width and height: it is none of ours")
    return float(found[1]), float(found[2])


def _string(text: str) -> str:
    """Return a string of typst's language."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
