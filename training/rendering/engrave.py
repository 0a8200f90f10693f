"""Notes to sheet music as SVG: printed pages, or one strip for a screen.

In: `Notes`. Out: SVG texts, drawn by verovio from `dataset.notation.score`. A prefix makes ids unique. Note heads
carry the number of their note: the first of note 12 has the id `<prefix>n12`, and all that are tied to it have `data-
note="12"`.
"""

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from catalog.base.errors import TrainingError
from dataset.notation.musicxml import to_musicxml
from dataset.notation.records import NO_CREDITS, Credits, Measure
from dataset.notation.score import score_of
from dataset.notes.model import Notes

TALLEST = 60_000  # the tallest page that verovio lays out
MUSIC_FONT, QUARTER = "Leipzig", "ECA5"  # verovio's font, and its quarter note glyph in tempo marks
DOTS = "\ue1e7\uecb7"  # glyphs of a dot in tempo marks
CHANGED = 6  # ticks: a pedal that is released for less is changed
HEADING = ((607, 414), (405, 880))  # font size and baseline of title and subtitle
SMALL = 300  # font size of the other lines
HEADING_WIDTH = 34_000  # of an A4 page, in letters of font size 1
SVG = "{http://www.w3.org/2000/svg}"
NOTE_ID = re.compile(r"n(\d+)(\.\d+)?")
TIE = re.compile(r'(<tie [^>]*startid="#n(\d+)(?:\.(\d+))?" endid="#)n[\d.]+(?=")')
SCALED = re.compile(r"translate\((-?\d+), (-?\d+)\) scale\((0\.\d+), \3\)")
STYLE = (
    ".score .tempo{font-weight:bold}.score .mNum{font-style:italic}"
    ".score ellipse,.score path,.score polygon,.score polyline,.score rect{stroke:currentColor}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """Page size and margin in tenths of a millimetre; staff lines are 1.8 mm apart.

    Without a height, all music is on one page.
    """

    width: int = 2100
    height: int | None = 2970
    margin: int = 150


A4 = Paper()
SCREEN = Paper(width=1800, height=None, margin=40)


def engrave_score(
    notes: Notes, *, title: str = "", prefix: str = "", paper: Paper = A4, known: Credits = NO_CREDITS
) -> list[str]:
    """Return the pages of a score as SVG.

    The score is `score_of(notes)`; lines and signs have the colour of the surrounding text. The title and what is
    `known` of the piece are above the first page. `prefix` makes ids unique if several scores share a document:
    letters, digits and hyphens, beginning with a letter. Raises TrainingError if verovio cannot draw the piece.
    """
    score = score_of(notes, title=title, known=known)
    printed = (replace(m, tempos=tuple(mark for mark in m.tempos if mark[2])) for m in _pedalled(score.measures))
    xml = to_musicxml(replace(score, measures=tuple(printed)), notes)
    return [_clean_page(page, f"{prefix}p{number}-", prefix) for number, page in enumerate(_draw_pages(xml, paper), 1)]


def _pedalled(measures: tuple[Measure, ...]) -> list[Measure]:
    """Return the bars without those releases of the pedal that a press follows.

    A second Ped. without a sign of release is a change of pedal.
    """
    found: list[Measure] = []
    following: int | None = None
    for measure in reversed(measures):
        kept: list[tuple[int, bool]] = []
        for tick, is_down in reversed(measure.pedals):
            place = measure.bar.start + tick
            if is_down or following is None or following - place >= CHANGED:
                kept.append((tick, is_down))
            following = place if is_down else None
        found.append(replace(measure, pedals=tuple(reversed(kept))))
    return found[::-1]


def _draw_pages(xml: bytes, paper: Paper) -> list[str]:
    """Return the pages as verovio draws them."""
    import verovio

    verovio.enableLog(verovio.LOG_OFF)
    toolkit = verovio.toolkit()
    toolkit.setOptions(
        {
            "pageWidth": paper.width,
            "pageHeight": paper.height or TALLEST,
            "adjustPageHeight": paper.height is None,
            **dict.fromkeys(("pageMarginLeft", "pageMarginRight", "pageMarginTop", "pageMarginBottom"), paper.margin),
            "scale": 40,
            "breaks": "auto",
            "breaksNoWidow": True,
            "footer": "none",
            "header": "auto",
            "bottomMarginHeader": 5.0,
            "spacingSystem": 9,
            "justifyVertically": paper.height is not None,
            "justificationStaff": 0.2,
            "justificationBraceGroup": 0.2,
            "smuflTextFont": "none",
            "svgFormatRaw": True,
            "svgRemoveXlink": True,
            "svgViewBox": True,
            "xmlIdSeed": 1,
        }
    )
    if not load_score(toolkit, xml.decode()) or toolkit.getPageCount() < 1:
        raise TrainingError("verovio cannot draw the score; open its MusicXML in a notation program")
    return [str(toolkit.renderToSVG(page)) for page in range(1, toolkit.getPageCount() + 1)]


def load_score(toolkit: Any, xml: str) -> bool:
    """Load our MusicXML into a toolkit of verovio; return whether verovio can read it.

    verovio joins ties by pitch, so it confuses those of one pitch that both staves hold at once. Where it did, its MEI
    is loaded again with the ties between the parts of each note, whose ids are numbered.
    """
    if not toolkit.loadData(xml):
        return False
    found = toolkit.getMEI()
    mended = TIE.sub(lambda tie: f"{tie[1]}n{tie[2]}.{int(tie[3] or 1) + 1}", found)
    return mended == found or bool(toolkit.loadData(mended))


def _clean_page(svg: str, page: str, prefix: str) -> str:
    """Return a verovio page with our ids, without empty elements and font glyphs."""
    root = ElementTree.fromstring(svg)  # noqa: S314 - generated by verovio
    own = root.get("id", "")
    for parent in list(root.iter()):
        for child in list(parent):
            _rename_ids(child, page, prefix, own)
            if child.get("class") == "tempo":
                _draw_tempo(child)
            if child.get("class") == "pgHead":
                _set_heading(child)
            if _is_empty(child):
                parent.remove(child)
    box = root.get("viewBox", "0 0 0 0")
    width, height = box.split()[2:]
    root.attrib.clear()
    root.attrib.update({"class": "score", "viewBox": box, "width": width, "height": height})
    defs, inner = root.find(f"{SVG}defs"), root.find(f"{SVG}svg")
    if defs is None or inner is None:
        raise TrainingError(
            "the score cannot be drawn: verovio's page has an unknown format; install the required version"
        )
    ElementTree.SubElement(defs, f"{SVG}style").text = STYLE
    del inner.attrib["color"]
    inner.set("fill", "currentColor")
    ElementTree.register_namespace("", SVG[1:-1])
    return ElementTree.tostring(root, encoding="unicode")


def _rename_ids(element: ElementTree.Element, page: str, prefix: str, own: str) -> None:
    """Replace the ids of an element.

    Shapes that others refer to get ids of the page; note heads get the number of their note.
    """
    attributes = element.attrib
    name = attributes.pop("id", "")
    if (target := attributes.get("href", "")).endswith(own) and target:
        attributes["href"] = "#" + page + target[1 : -len(own) - 1]
    if (moved := SCALED.fullmatch(attributes.get("transform", ""))) is not None:
        attributes["transform"] = f"translate({moved[1]} {moved[2]})scale({moved[3].removeprefix('0')})"
    if name.endswith(f"-{own}"):
        attributes["id"] = page + name[: -len(own) - 1]
    elif (note := NOTE_ID.fullmatch(name)) is not None:
        if note[2] is None:
            attributes["id"] = prefix + name
        attributes["data-note"] = note[1]


def _is_empty(element: ElementTree.Element) -> bool:
    """Return whether an element draws nothing."""
    kind, names = element.tag.removeprefix(SVG), element.get("class", "").split()
    return kind in ("desc", "style", "title") or "placeholder" in names or (kind == "g" and len(element) == 0)


def _set_heading(group: ElementTree.Element) -> None:
    """Set the sizes of the lines over the first page.

    Verovio ignores those of MusicXML. Title and subtitle are centred; smaller lines are at the right.
    """
    sizes = iter(HEADING)
    for text in group.findall(f"{SVG}text"):
        line = text.find(f"{SVG}tspan")
        inner = [each for each in text.iter(f"{SVG}tspan") if each.get("font-size")]
        if line is None or not inner:
            continue
        size = SMALL
        if line.get("text-anchor") == "middle":
            wanted, y = next(sizes, HEADING[-1])
            size = min(wanted, int(HEADING_WIDTH / max(1, len("".join(text.itertext())))))
            line.set("y", str(y))
        inner[0].set("font-size", f"{size}px")


def _draw_tempo(group: ElementTree.Element) -> None:
    """Replace the note glyph of a tempo mark by a path."""
    text = group.find(f"{SVG}text")
    if text is None:
        return
    tempo_text = "".join(text.itertext())
    is_dotted = any(sign in tempo_text for sign in DOTS)
    words = " ".join("".join(sign for sign in tempo_text if not "\ue000" <= sign <= "\uf8ff").split())
    x, y = int(text.get("x", "0")), int(text.get("y", "0"))
    for child in list(group):
        group.remove(child)
    ElementTree.SubElement(group, f"{SVG}path", transform=f"translate({x} {y})scale(.5 -.5)", d=_quarter())
    if is_dotted:
        ElementTree.SubElement(group, f"{SVG}circle", cx=str(x + 215), cy=str(y - 10), r="34")
    size = {"x": str(x + (320 if is_dotted else 240)), "y": str(y), "font-size": "405"}
    ElementTree.SubElement(group, f"{SVG}text", size).text = words


@lru_cache(maxsize=1)
def _quarter() -> str:
    """Return the outline of a quarter note from verovio's music font."""
    import verovio

    path = Path(verovio.__file__).parent / "data" / MUSIC_FONT / f"{QUARTER}.xml"
    found = re.search(r' d="([^"]+)"', path.read_text(encoding="utf-8"))
    return found[1] if found else ""
