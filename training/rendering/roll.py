"""Piano rolls as SVG: pitch upwards, seconds to the right.

In: `Notes`, and passages to highlight. Out: one SVG text; deterministic. Since x is in seconds, a play head moves
evenly at any tempo. Colours are presentation attributes, which style sheets override by the classes paper, black,
octave, beat, bar, left, right, pedal, passage and c0, c1 …
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from catalog.base.console import clean
from catalog.base.errors import TrainingError
from dataset.notes.hands import hands_of
from dataset.notes.meter import bars_of, count_bars
from dataset.notes.model import LEFT, RIGHT, Notes
from dataset.notes.timing import tick_to_seconds
from training.rendering.audio import RING_S

KEYBOARD, TOP, ROW = 44, 18, 6  # width of the keys, height of the bar numbers, height of a semitone
BLACK = (1, 3, 6, 8, 10)  # pitch classes
HANDS = ((LEFT, "left", "#2f6f9f"), (RIGHT, "right", "#b5482a"))
PEDAL_OPACITY = 0.3
PEDAL_LEGEND = "lighter where only the pedal holds a note"
PASSAGES = ("#8a5a00", "#6a3d9a", "#00695c", "#ad1457")
MIN_ROWS = 24
NUMBER_GAP = 40  # minimum px between two bar numbers
MAX_SECONDS, MAX_BARS, MAX_NOTES = 2 * 3600.0, 20_000, 250_000  # real pieces have 0.24 hours, 433 and 7,107 at most
MAX_BEATS = 4000  # above this, beat lines are not drawn


@dataclass(frozen=True, slots=True)
class RollPassage:
    """A passage, notes `first` to `last` (inclusive), with a label."""

    first: int
    last: int
    label: str


def draw_roll(
    notes: Notes,
    passages: Sequence[RollPassage] = (),
    *,
    prefix: str = "",
    title: str = "Piano roll",
    pixels_a_second: float = 40.0,
    background: bool = True,
) -> str:
    """Return the piano roll of `notes` as SVG.

    Second s is at x = 44 + s * pixels_a_second, recorded in the root's attributes `data-left` and `data-scale`; the
    highest row is pitch `data-high`. Second 0 is tick 0, as in `audio`. Note 12 is the rectangle with the id
    `<prefix>n12`, as long as its key is held; its opacity is its velocity. A lighter path of the class `pedal` follows
    where only the sustain pedal holds notes, and the title says so. The hands (`dataset.notes.hands.hands_of`) are
    groups of the classes `left` and `right`. Notes of passage 3 have the classes `copied` and `c3`; behind them is a
    band of class `c3` with the label as its title. Without `background` no paper is drawn. Raises TrainingError for a
    piece of more than two hours, MAX_BARS bars or MAX_NOTES notes.
    """
    _check_size(notes)
    low, high = _range(notes)
    width = width_of(notes, pixels_a_second)
    if has_pedal(notes):
        title = f"{title}, {PEDAL_LEGEND}"
    height = TOP + (high - low + 1) * ROW
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="roll" viewBox="0 0 {_n(width)} {height}" width="{_n(width)}" '
        f'height="{height}" preserveAspectRatio="xMinYMin" data-left="{KEYBOARD}" data-scale="{_n(pixels_a_second)}" '
        f'data-high="{high}" role="img" '
        f'font-family="sans-serif" font-size="9"><title>{_text(title)}</title>'
    ]
    if background:
        parts.append(f'<rect class="paper" width="{_n(width)}" height="{height}" fill="#fff"/>')
    parts += _rows(low, high, width)
    parts += _bars(notes, height, pixels_a_second)
    inside: dict[int, int] = {}
    for number, passage in enumerate(passages):
        parts.append(_band(notes, passage, number, (low, high), pixels_a_second))
        inside.update(dict.fromkeys(range(max(0, passage.first), min(len(notes), passage.last + 1)), number))
    parts += _notes(notes, inside, high, prefix, pixels_a_second)
    parts += _keys(low, high)
    parts.append("</svg>\n")
    return "\n".join(part for part in parts if part)


def has_pedal(notes: Notes) -> bool:
    """Return whether the pedal holds any note beyond its key."""
    return bool((notes.sounding > notes.duration).any())


def width_of(notes: Notes, pixels_a_second: float) -> float:
    """Return the width of a roll in pixels, the keyboard included."""
    last = float(_sounding_s(notes).max()) if len(notes) else 0.0
    return KEYBOARD + max(1.0, last) * pixels_a_second + 8


def _sounding_s(notes: Notes) -> NDArray[np.float64]:
    """Return the second at which each note is damped.

    A string that the pedal holds is heard for RING_S at most, as in `audio`.
    """
    start, released, damped = (
        tick_to_seconds(notes.tempos, ticks) for ticks in (notes.onset, notes.end, notes.onset + notes.sounding)
    )
    return np.maximum(released, np.minimum(damped, start + RING_S))


def _check_size(notes: Notes) -> None:
    """Raise TrainingError if the roll of `notes` would be too large."""
    if not len(notes):
        return
    last = int(notes.end.max())
    for found, most, what in (
        (float(tick_to_seconds(notes.tempos, [last])[0]) / 3600, MAX_SECONDS / 3600, "hours"),
        (count_bars(notes.time_signatures, last), MAX_BARS, "bars"),
        (len(notes), MAX_NOTES, "notes"),
    ):
        if found > most:
            raise TrainingError(
                f"the piece has {found:,.0f} {what}, a piano roll has at most {most:,.0f}: shorten it, or remove its silence"
            )


def _range(notes: Notes) -> tuple[int, int]:
    """Return the lowest and highest row: whole octaves around the notes, two or more."""
    low, high = (int(notes.pitch.min()), int(notes.pitch.max())) if len(notes) else (60, 71)
    low, high = low // 12 * 12, high // 12 * 12 + 11
    while high - low + 1 < MIN_ROWS:
        low, high = max(0, low - 12), high + 12 * (low < 12)
    return low, min(127, high)


def _rows(low: int, high: int, width: float) -> list[str]:
    """Return the rows of the black keys, and a line below every C."""
    across = f"h{_n(width - KEYBOARD)}"
    black = "".join(f"M{KEYBOARD} {_y(p, high) + ROW / 2:g}{across}" for p in range(low, high + 1) if p % 12 in BLACK)
    octaves = "".join(f"M{KEYBOARD} {_y(p, high) + ROW}{across}" for p in range(low, high + 1) if p % 12 == 0)
    return [
        f'<path class="black" d="{black}" stroke="#000" stroke-opacity=".05" stroke-width="{ROW}"/>',
        f'<path class="octave" d="{octaves}" stroke="#000" stroke-opacity=".25" stroke-width=".6"/>',
    ]


def _bars(notes: Notes, height: int, scale: float) -> list[str]:
    """Return bar and beat lines, and bar numbers where there is room."""
    bars = bars_of(notes.time_signatures, int(notes.end.max()) if len(notes) else 1)
    beats = [bar.start + beat for bar in bars for beat in bar.beats[1:-1]]
    parts = []
    for name, ticks, look in (
        ("beat", beats if len(beats) <= MAX_BEATS else [], 'stroke-opacity=".08" stroke-width=".6"'),
        ("bar", [bar.start for bar in bars], 'stroke-opacity=".3" stroke-width=".8"'),
    ):
        xs = KEYBOARD + tick_to_seconds(notes.tempos, ticks) * scale
        lines = "".join(f"M{_n(x)} {TOP}V{height}" for x in xs.tolist())
        parts.append(f'<path class="{name}" d="{lines}" stroke="#000" {look}/>' if lines else "")
    last, numbers = -NUMBER_GAP, []
    xs = KEYBOARD + tick_to_seconds(notes.tempos, [bar.start for bar in bars]) * scale
    for bar, x in zip(bars, xs.tolist(), strict=True):
        if x - last >= NUMBER_GAP:
            numbers.append(f'<text x="{_n(x + 2)}" y="{TOP - 6}">{bar.number}</text>')
            last = x
    return [*parts, f'<g class="number" fill="#555">{"".join(numbers)}</g>']


def _band(notes: Notes, passage: RollPassage, number: int, rows: tuple[int, int], scale: float) -> str:
    """Return the band behind a passage, from first onset to last end."""
    own = slice(max(0, passage.first), passage.last + 1)
    if len(notes.onset[own]) == 0:
        return ""
    start, end = tick_to_seconds(notes.tempos, [notes.onset[own].min(), notes.end[own].max()]).tolist()
    top, bottom = _y(int(notes.pitch[own].max()), rows[1]) - 2, _y(int(notes.pitch[own].min()), rows[1]) + ROW + 2
    colour = PASSAGES[number % len(PASSAGES)]
    return (
        f'<rect class="passage c{number}" x="{_n(KEYBOARD + start * scale)}" y="{top}" width="{_n((end - start) * scale)}" '
        f'height="{bottom - top}" rx="3" fill="{colour}" fill-opacity=".12" stroke="{colour}" stroke-opacity=".6">'
        f"<title>{_text(passage.label)}</title></rect>"
    )


def _notes(notes: Notes, inside: dict[int, int], high: int, prefix: str, scale: float) -> list[str]:
    """Return the notes of each hand."""
    if len(notes) == 0:
        return []
    start, end = (tick_to_seconds(notes.tempos, ticks) * scale for ticks in (notes.onset, notes.end))
    damped = _sounding_s(notes) * scale
    columns = (start.tolist(), (end - start).tolist(), (damped - end).tolist(), notes.pitch.tolist())
    rows = list(zip(*columns, notes.velocity.tolist(), strict=True))
    hand = hands_of(notes)
    parts = []
    for number, name, colour in HANDS:
        drawn, held = [], []
        for index in np.flatnonzero(hand == number).tolist():
            x, length, more, pitch, velocity = rows[index]
            passage = inside.get(index)
            shown = "" if passage is None else f' class="copied c{passage}" fill="{PASSAGES[passage % len(PASSAGES)]}"'
            drawn.append(
                f'<rect id="{prefix}n{index}" x="{_n(KEYBOARD + x)}" y="{_y(pitch, high)}" width="{_n(max(1.5, length - 0.5))}" '
                f'height="{ROW}" rx="1.5" opacity="{_n(0.35 + 0.65 * velocity / 127, 2)}"{shown}/>'
            )
            if more > 0:
                held.append(f"M{_n(KEYBOARD + x + length)} {_y(pitch, high) + ROW / 2:g}h{_n(max(0.5, more - 0.5))}")
        if held:
            look = f'stroke="{colour}" stroke-opacity="{PEDAL_OPACITY}" stroke-width="{ROW - 2}"'
            parts.append(f'<path class="pedal {name}" d="{"".join(held)}" fill="none" {look}/>')
        parts.append(f'<g class="{name}" fill="{colour}">{"".join(drawn)}</g>')
    return parts


def _keys(low: int, high: int) -> list[str]:
    """Return the keyboard at the side, with the names of its Cs; C4 is middle C."""
    height = (high - low + 1) * ROW
    edges = [
        _y(p, high) + ROW / 2 if p % 12 in BLACK else _y(p, high) for p in range(low, high) if p % 12 in (*BLACK, 4, 11)
    ]
    lines = "".join(f"M0 {edge:g}H{KEYBOARD}" for edge in edges)
    black = "".join(f"M0 {_y(p, high)}h26v{ROW}H0z" for p in range(low, high + 1) if p % 12 in BLACK)
    names = "".join(
        f'<text x="{KEYBOARD - 3}" y="{_y(p, high) + ROW}">C{p // 12 - 1}</text>'
        for p in range(low, high + 1)
        if p % 12 == 0
    )
    return [
        f'<rect class="white-key" y="{TOP}" width="{KEYBOARD}" height="{height}" fill="#fff" stroke="#999" stroke-width=".6"/>',
        f'<path class="key-line" d="{lines}" stroke="#999" stroke-width=".6"/><path class="black-key" d="{black}" fill="#333"/>',
        f'<g class="key-name" fill="#444" text-anchor="end" font-size="7">{names}</g>',
    ]


def _y(pitch: int, high: int) -> int:
    return TOP + (high - pitch) * ROW


def _n(value: float, digits: int = 1) -> str:
    """Return a number in its shortest form."""
    return f"{value:.{digits}f}".rstrip("0").rstrip(".") or "0"


def _text(text: str) -> str:
    return escape(clean(text), quote=False)
