"""Write a score as MusicXML 4.0 with one part and two staves.

In: a `Score`; out: bytes, the same for the same score. A note has the id `n<index>`, its index in `Notes`; heads tied
to it have the ids `n<index>.2`, `.3` …, so that a renderer can map marks to notes. Velocities are in the attribute
`dynamics`.
"""

import re
from collections import Counter
from collections.abc import Iterator
from xml.sax.saxutils import escape

from dataset.notation.score import Element, Head, Measure, Score
from dataset.notes.model import Notes
from dataset.notes.timing import TICKS_PER_QUARTER

HEADER = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" "http://www.musicxml.org/dtds/partwise.dtd">
"""
NOT_IN_XML = re.compile(r"[^\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
ACCIDENTALS = {-2: "flat-flat", -1: "flat", 0: "natural", 1: "sharp", 2: "double-sharp"}
FULL_VELOCITY = 90  # 100 % of MusicXML's `dynamics`


def to_musicxml(score: Score, notes: Notes) -> bytes:
    """Return the score of `notes` as MusicXML."""
    title = escape(NOT_IN_XML.sub(" ", score.title))
    lines = [
        '<score-partwise version="4.0">',
        f"<work><work-title>{title}</work-title></work>" if title.strip() else "",
        "<identification><encoding><software>vgpiano</software></encoding></identification>",
        '<part-list><score-part id="P1"><part-name print-object="no">Piano</part-name>'
        '<score-instrument id="P1-I1"><instrument-name>Piano</instrument-name></score-instrument>'
        '<midi-instrument id="P1-I1"><midi-channel>1</midi-channel><midi-program>1</midi-program></midi-instrument>'
        "</score-part></part-list>",
        '<part id="P1">',
    ]
    times: Counter[int] = Counter()
    velocities = notes.velocity.tolist()
    row = [None, *score.measures, None]
    for number, (before, measure, after) in enumerate(zip(row, score.measures, row[2:], strict=False), 1):
        lines += _measure(score, measure, (before, after), number, times, velocities)
    lines.append("</part></score-partwise>\n")
    return (HEADER + "\n".join(line for line in lines if line)).encode()


def _measure(
    score: Score,
    measure: Measure,
    around: tuple[Measure | None, Measure | None],
    number: int,
    times: Counter[int],
    velocities: list[int],
) -> Iterator[str]:
    bar, (before, after) = measure.bar, around
    yield f'<measure number="{number}"' + ("" if bar.is_whole else ' implicit="yes"') + ">"
    attributes = _attributes(score, measure, before)
    if attributes:
        yield f"<attributes>{attributes}</attributes>"
    for tick, qpm, is_printed in measure.tempos:
        yield _tempo(tick, qpm, is_printed=is_printed, is_dotted=bar.is_triple and bar.denominator == 8)
    is_first = True
    for staff, written in enumerate(measure.staves, 1):
        for voice, elements in enumerate(written.voices):
            if not is_first:
                yield f"<backup><duration>{bar.ticks}</duration></backup>"
            is_first = False
            if voice == 0:
                yield from _octave_sign(measure, before, staff, begin=True)
            for element in elements:
                yield from _element(element, staff, 4 * staff - 3 + voice, times, velocities)
            if voice == 0:
                yield from _octave_sign(measure, after, staff, begin=False)
    if after is None:
        yield '<barline location="right"><bar-style>light-heavy</bar-style></barline>'
    yield "</measure>"


def _octave_sign(measure: Measure, beside: Measure | None, staff: int, *, begin: bool) -> Iterator[str]:
    """Yield the octave sign that starts or ends with this bar of a staff.

    Readers expect it next to the notes of its staff.
    """
    octaves = measure.staves[staff - 1].clef.octaves
    if octaves and (beside is None or beside.staves[staff - 1].clef.octaves != octaves):
        kind = ("down" if octaves > 0 else "up") if begin else "stop"  # from sounding to written pitch
        place = "above" if octaves > 0 else "below"
        yield (
            f'<direction placement="{place}"><direction-type><octave-shift type="{kind}" size="8" number="{staff}"/>'
            f"</direction-type><staff>{staff}</staff></direction>"
        )


def _attributes(score: Score, measure: Measure, before: Measure | None) -> str:
    found, bar = [], measure.bar
    if before is None:
        mode = f"<mode>{score.mode}</mode>" if score.mode else ""
        found.append(f"<divisions>{TICKS_PER_QUARTER}</divisions><key><fifths>{score.fifths}</fifths>{mode}</key>")
    if before is None or (before.bar.numerator, before.bar.denominator) != (bar.numerator, bar.denominator):
        found.append(f"<time><beats>{bar.numerator}</beats><beat-type>{bar.denominator}</beat-type></time>")
    if before is None:
        found.append("<staves>2</staves>")
    for number, staff in enumerate(measure.staves):
        if before is None or before.staves[number].clef.is_bass != staff.clef.is_bass:
            clef = "<sign>F</sign><line>4</line>" if staff.clef.is_bass else "<sign>G</sign><line>2</line>"
            found.append(f'<clef number="{number + 1}">{clef}</clef>')
    return "".join(found)


def _tempo(tick: int, qpm: float, *, is_printed: bool, is_dotted: bool) -> str:
    offset = f"<offset>{tick}</offset>" if tick else ""
    sound = f'<sound tempo="{qpm:.6g}">{offset}</sound>'
    if not is_printed:
        return sound
    beat, speed = ("quarter</beat-unit><beat-unit-dot/>", qpm / 1.5) if is_dotted else ("quarter</beat-unit>", qpm)
    mark = f"<metronome><beat-unit>{beat}<per-minute>{round(speed)}</per-minute></metronome>"
    kind = f"<direction-type>{mark}</direction-type>"
    return f'<direction placement="above" system="only-top">{kind}{offset}<staff>1</staff><sound tempo="{qpm:.6g}"/></direction>'


def _element(element: Element, staff: int, voice: int, times: Counter[int], velocities: list[int]) -> Iterator[str]:
    length = f"<duration>{element.ticks}</duration>"
    if not element.heads:
        shown = ' print-object="no"' if element.is_hidden else ""
        rest = "<rest/>" if element.value is not None else '<rest measure="yes"/>'
        yield f"<note{shown}>{rest}{length}<voice>{voice}</voice>{_appearance(element, staff)}</note>"
        return
    for place, head in enumerate(element.heads):
        times[head.note] += 1
        count = times[head.note]
        name = f"n{head.note}" + (f".{count}" if count > 1 else "")
        dynamics = f"{velocities[head.note] * 100 / FULL_VELOCITY:.2f}"
        chord = "<chord/>" if place else ""
        alter = f"<alter>{head.alter}</alter>" if head.alter else ""
        pitch = f"<pitch><step>{head.letter}</step>{alter}<octave>{head.octave}</octave></pitch>"
        ties = '<tie type="stop"/>' * head.tied_from + '<tie type="start"/>' * head.tied_to
        appearance = _appearance(element, staff, head, is_first=place == 0)
        yield f'<note id="{name}" dynamics="{dynamics}">{chord}{pitch}{length}{ties}<voice>{voice}</voice>{appearance}</note>'


def _appearance(element: Element, staff: int, head: Head | None = None, *, is_first: bool = True) -> str:
    """Return the elements of a note or rest after its pitch, in MusicXML's order."""
    parts, value = [], element.value
    if value is not None:
        parts.append(f"<type>{value.kind}</type>" + "<dot/>" * value.dots)
    if head is not None and head.accidental is not None:
        parts.append(f"<accidental>{ACCIDENTALS[head.accidental]}</accidental>")
    if value is not None and value.triplet is not None:
        parts.append(
            "<time-modification><actual-notes>3</actual-notes><normal-notes>2</normal-notes></time-modification>"
        )
    parts.append(f"<staff>{staff}</staff>")
    if is_first:
        parts += [f'<beam number="{level}">{beam}</beam>' for level, beam in enumerate(element.beams, 1)]
    notations = _notations(element, head, is_first=is_first)
    if notations:
        parts.append(f"<notations>{notations}</notations>")
    return "".join(parts)


def _notations(element: Element, head: Head | None, *, is_first: bool) -> str:
    parts = []
    if head is not None:
        parts.append('<tied type="stop"/>' * head.tied_from + '<tied type="start"/>' * head.tied_to)
    if element.triplet is not None and is_first:
        bracket = f' bracket="{"yes" if element.bracket else "no"}"' if element.triplet == "start" else ""
        parts.append(f'<tuplet type="{element.triplet}"{bracket}/>')
    return "".join(parts)
