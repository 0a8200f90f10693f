"""Write a score as MusicXML 4.0 with one part and two staves.

In: a `Score`; out: bytes, the same for the same score. A note has the id `n<index>`, its index in `Notes`; heads tied
to it have the ids `n<index>.2`, `.3` …, so that a renderer can map marks to notes. Velocities are in the attribute
`dynamics`. A quarter has 24 divisions, or 840 if there are quintuplets or septuplets, which are then exact.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from dataset.notation.records import NO_CREDITS, Element, Head, Measure, Score
from dataset.notation.rhythm import KINDS
from dataset.notes.model import Notes
from dataset.notes.timing import TICKS_PER_QUARTER

HEADER = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" "http://www.musicxml.org/dtds/partwise.dtd">
"""
NOT_IN_XML = re.compile(r"[^\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
ACCIDENTALS = {-2: "flat-flat", -1: "flat", 0: "natural", 1: "sharp", 2: "double-sharp"}
SMALL_RIGHT = 'justify="right" valign="bottom" font-size="8"'
EVEN = ((1, 1), (3, 2))  # ratios of plain values and triplets, which the grid holds
ODD_DIVISOR = 5 * 7
HALF_TICKS = {kind: length for length, kind in KINDS.items()}
FULL_VELOCITY = 90  # 100 % of MusicXML's `dynamics`


def to_musicxml(score: Score, notes: Notes) -> bytes:
    """Return the score of `notes` as MusicXML."""
    lines = [
        '<score-partwise version="4.0">',
        *_headings(score),
        '<part-list><score-part id="P1"><part-name print-object="no">Piano</part-name>'
        '<score-instrument id="P1-I1"><instrument-name>Piano</instrument-name></score-instrument>'
        '<midi-instrument id="P1-I1"><midi-channel>1</midi-channel><midi-program>1</midi-program></midi-instrument>'
        "</score-part></part-list>",
        '<part id="P1">',
    ]
    page = _Page(_divisor(score), notes.velocity.tolist(), Counter())
    row = [None, *score.measures, None]
    for before, measure, after in zip(row, score.measures, row[2:], strict=False):
        lines += _measure(page, measure, (before, after))
    lines.append("</part></score-partwise>\n")
    return (HEADER + "\n".join(line for line in lines if line)).encode()


@dataclass(frozen=True, slots=True)
class _Page:
    """What the whole document is written with."""

    divisor: int  # divisions of a tick
    velocities: list[int]
    times: Counter[int]  # how often each note was written

    def length(self, element: Element) -> int:
        """Return how long an element is, in divisions."""
        value = element.value
        if value is None or value.ratio in EVEN:
            return element.ticks * self.divisor
        actual, normal = value.ratio
        return HALF_TICKS[value.kind] * (3 if value.dots else 2) * self.divisor * normal // (4 * actual)


def _divisor(score: Score) -> int:
    voices = (voice for measure in score.measures for staff in measure.staves for voice in staff.voices)
    is_odd = any(e.value is not None and e.value.ratio not in EVEN for voice in voices for e in voice)
    return ODD_DIVISOR if is_odd else 1


def _headings(score: Score) -> Iterator[str]:
    """Yield title and credits, as data and as what stands over the first page."""
    title, said = _text(score.title), score.credits
    game = said.game if said.series in ("", said.game) else f"{said.game} ({said.series})" if said.game else said.series
    yield f"<work><work-title>{title}</work-title></work>" if title else ""
    yield "<identification>"
    encoder = f"<encoder>{_text(said.sequencer)}</encoder>" if _text(said.sequencer) else ""
    yield f"<encoding>{encoder}<software>vgpiano</software></encoding>"
    yield f"<source>{_text(said.source)}</source>" if _text(said.source) else ""
    fields = [(name, _text(text)) for name, text in (("game", said.game), ("series", said.series))]
    found = "".join(f'<miscellaneous-field name="{name}">{text}</miscellaneous-field>' for name, text in fields if text)
    yield f"<miscellaneous>{found}</miscellaneous>" if found else ""
    yield "</identification>"
    if said == NO_CREDITS:
        return
    for kind, text, look in (
        ("title", title, 'justify="center" valign="top" font-size="20"'),
        ("subtitle", _text(game), 'justify="center" valign="top" font-size="12"'),
        ("arranger", said.sequencer and _text(f"Sequenced by {said.sequencer}"), SMALL_RIGHT),
        ("rights", _text(said.source), SMALL_RIGHT),
    ):
        if text:
            yield f'<credit page="1"><credit-type>{kind}</credit-type><credit-words {look}>{text}</credit-words></credit>'


def _text(text: str) -> str:
    return escape(NOT_IN_XML.sub(" ", text).strip(), quote=False)


def _measure(page: _Page, measure: Measure, around: tuple[Measure | None, Measure | None]) -> Iterator[str]:
    bar, (before, after) = measure.bar, around
    yield f'<measure number="{bar.number}"' + ("" if bar.is_whole else ' implicit="yes"') + ">"
    attributes = _attributes(page, measure, before)
    if attributes:
        yield f"<attributes>{attributes}</attributes>"
    for tick, qpm, is_printed in measure.tempos:
        is_dotted = bar.is_triple and bar.denominator == 8
        yield _tempo(tick * page.divisor, qpm, is_printed=is_printed, is_dotted=is_dotted)
    for tick, is_down in measure.pedals:
        yield _pedal(tick * page.divisor, is_down=is_down)
    is_first = True
    for staff, written in enumerate(measure.staves, 1):
        for voice, elements in enumerate(written.voices):
            if not is_first:
                yield f"<backup><duration>{bar.ticks * page.divisor}</duration></backup>"
            is_first = False
            if voice == 0:
                yield from _octave_sign(measure, before, staff, begin=True)
            for element in elements:
                yield from _element(page, element, staff, 4 * staff - 3 + voice)
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


def _attributes(page: _Page, measure: Measure, before: Measure | None) -> str:
    found, bar = [], measure.bar
    if before is None:
        found.append(f"<divisions>{TICKS_PER_QUARTER * page.divisor}</divisions>")
    if before is None or (before.fifths, before.mode) != (measure.fifths, measure.mode):
        mode = f"<mode>{measure.mode}</mode>" if measure.mode else ""
        found.append(f"<key><fifths>{measure.fifths}</fifths>{mode}</key>")
    if before is None or (before.bar.numerator, before.bar.denominator) != (bar.numerator, bar.denominator):
        found.append(f"<time><beats>{bar.numerator}</beats><beat-type>{bar.denominator}</beat-type></time>")
    if before is None:
        found.append("<staves>2</staves>")
    for number, staff in enumerate(measure.staves):
        if before is None or before.staves[number].clef.is_bass != staff.clef.is_bass:
            clef = "<sign>F</sign><line>4</line>" if staff.clef.is_bass else "<sign>G</sign><line>2</line>"
            found.append(f'<clef number="{number + 1}">{clef}</clef>')
    return "".join(found)


def _tempo(place: int, qpm: float, *, is_printed: bool, is_dotted: bool) -> str:
    offset = f"<offset>{place}</offset>" if place else ""
    sound = f'<sound tempo="{qpm:.6g}">{offset}</sound>'
    if not is_printed:
        return sound
    beat, speed = ("quarter</beat-unit><beat-unit-dot/>", qpm / 1.5) if is_dotted else ("quarter</beat-unit>", qpm)
    mark = f"<metronome><beat-unit>{beat}<per-minute>{round(speed)}</per-minute></metronome>"
    kind = f"<direction-type>{mark}</direction-type>"
    return f'<direction placement="above" system="only-top">{kind}{offset}<staff>1</staff><sound tempo="{qpm:.6g}"/></direction>'


def _pedal(place: int, *, is_down: bool) -> str:
    kind = f'<pedal type="{"start" if is_down else "stop"}" sign="yes" line="no"/>'
    offset = f"<offset>{place}</offset>" if place else ""
    kind = f"<direction-type>{kind}</direction-type>"
    return f'<direction placement="below">{kind}{offset}<staff>2</staff></direction>'


def _element(page: _Page, element: Element, staff: int, voice: int) -> Iterator[str]:
    length = f"<duration>{page.length(element)}</duration>"
    if not element.heads:
        shown = ' print-object="no"' if element.is_hidden else ""
        rest = "<rest/>" if element.value is not None else '<rest measure="yes"/>'
        yield f"<note{shown}>{rest}{length}<voice>{voice}</voice>{_appearance(element, staff)}</note>"
        return
    for place, head in enumerate(element.heads):
        page.times[head.note] += 1
        count = page.times[head.note]
        name = f"n{head.note}" + (f".{count}" if count > 1 else "")
        dynamics = f"{page.velocities[head.note] * 100 / FULL_VELOCITY:.2f}"
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
    if value is not None and value.tuplet is not None:
        actual, normal = value.ratio
        ratio = f"<actual-notes>{actual}</actual-notes><normal-notes>{normal}</normal-notes>"
        parts.append(f"<time-modification>{ratio}</time-modification>")
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
    if element.tuplet is not None and is_first:
        bracket = f' bracket="{"yes" if element.bracket else "no"}"' if element.tuplet == "start" else ""
        parts.append(f'<tuplet type="{element.tuplet}"{bracket}/>')
    if element.is_staccato and is_first:
        parts.append("<articulations><staccato/></articulations>")
    return "".join(parts)
