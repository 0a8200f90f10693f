"""Place tempos, key signatures and pedal marks in the bars of a score.

In: `Notes` and their bars; out: a row for each bar. Ticks are of 1/24 quarter note. Pure.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise

from dataset.notes.key_estimate import printed_keys
from dataset.notes.meter import Bar
from dataset.notes.model import Notes

TEMPO_THRESHOLD = 0.06  # a tempo closer than this to the last printed one is not printed
MIN_TEMPO_QUARTERS = 4  # nor is a shorter one, so that a ritardando does not become a row of metronome marks
PEDAL_STEP = 6  # ticks: printed pedal marks stand on sixteenths
LATE_PEDAL = 6  # ticks by which a pedal may come after the notes that it is written under
MODES = ("major", "minor")


def tempos_of(notes: Notes, bars: list[Bar]) -> list[tuple[tuple[int, float, bool], ...]]:
    """Return the tempos of each bar; printed are those that last and differ enough."""
    found: list[list[tuple[int, float, bool]]] = [[] for _ in bars]
    starts, last_printed = [bar.start for bar in bars], 0.0
    for (tick, qpm), (until, _) in pairwise([*notes.tempos, (bars[-1].end, 0.0)]):
        if tick >= bars[-1].end:
            break
        lasts = until - tick >= MIN_TEMPO_QUARTERS * 24 or tick == 0
        is_printed = lasts and abs(qpm - last_printed) > TEMPO_THRESHOLD * last_printed
        last_printed = qpm if is_printed else last_printed
        at = bisect_left(starts, tick + 1) - 1
        found[at].append((tick - starts[at], qpm, is_printed))
    return [tuple(marks) for marks in found]


def keys_of(notes: Notes, bars: list[Bar]) -> list[tuple[int, str]]:
    """Return the key signature of each bar as (fifths, "major" or "minor").

    Fifths are sharps, or below 0 flats.

    They are those of `printed_keys`; one that changes within a bar counts from the nearer bar line.
    """
    starts = [bar.start for bar in bars]
    found: list[tuple[int, str] | None] = [None] * len(bars)
    for tick, fifths, mode in printed_keys(notes.key_signatures, notes.onset, notes.duration, notes.pitch, starts):
        at = bisect_right(starts, tick) - 1
        if (tick - bars[at].start) * 2 > bars[at].ticks:
            at += 1
        if at < len(bars):
            found[at] = fifths, MODES[mode]
    key, keys = (0, MODES[0]), []
    for change in found:
        key = change or key
        keys.append(key)
    return keys


def pedals_of(notes: Notes) -> list[tuple[int, int]]:
    """Return when the pedal of any group is down, as (start, end) in order."""
    found: list[tuple[int, int]] = []
    for _, start, end in sorted(notes.pedals, key=lambda pedal: pedal[1:]):
        if found and start < found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found


def legible_pedals(pedals: Sequence[tuple[int, int]], onsets: Sequence[int]) -> list[tuple[int, int]]:
    """Return pedals for print: from the notes just before to the nearest sixteenth.

    `onsets` are those in print, in order. A pedal that comes a little late, after the notes it is to hold, is written under them.
    """
    found: list[tuple[int, int]] = []
    for start, end in pedals:
        at = bisect_right(onsets, start) - 1
        begins = onsets[at] if at >= 0 and start - onsets[at] <= LATE_PEDAL else round(start / PEDAL_STEP) * PEDAL_STEP
        ends = round(end / PEDAL_STEP) * PEDAL_STEP
        if found and begins < found[-1][1]:
            found[-1] = found[-1][0], max(begins, found[-1][0] + 1)  # changed, and not held on
        if ends > begins and not (found and begins <= found[-1][0]):
            found.append((begins, ends))
    return found


def pedal_marks(pedals: Sequence[tuple[int, int]], bars: list[Bar]) -> list[tuple[tuple[int, bool], ...]]:
    """Return the pedal marks of each bar as (tick in the bar, is pressed).

    A release on a bar line is in the bar before it.
    """
    starts, last = [bar.start for bar in bars], bars[-1].end
    found: list[list[tuple[int, bool]]] = [[] for _ in bars]
    for start, end in pedals:
        if start >= last:
            break
        for tick, is_down in ((start, True), (min(end, last), False)):
            at = (bisect_right(starts, tick) if is_down else bisect_left(starts, tick)) - 1
            found[at].append((tick - starts[at], is_down))
    return [tuple(marks) for marks in found]
