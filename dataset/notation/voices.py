"""Which voice of its staff each note is written in: one, or two where something is held while something else moves.

In: the strokes of one staff; out: those of the upper and of the lower voice. Pure. A stroke is a note as it is written, with
the index of the note that it stands for.
"""

from dataclasses import dataclass, replace
from itertools import groupby

from dataset.notes.meter import Bar
from dataset.notes.timing import TICKS_PER_QUARTER

HELD = 3  # ticks: what overlaps by no more is only legato
CUT, CUT_IN_PEDAL, DEAREST = 1 / 3, 1 / 8, 14.0  # cost of each tick that is cut off a note, and the most for one chord
APART = 1 / 16  # cost of each tick by which the notes of one chord end apart
BEAT_APART = 4.5  # and of a quarter or more, which is heard
NEW_VOICE, OLD_VOICE, STEP_DOWN, SWITCH, CROSSING, ALONE = 5.0, 2.0, 0.5, 2.0, 10.0, 6.0
CLOSE = 0.2  # for each semitone by which two voices that begin together are nearer than a fifth
BEAM = 10


@dataclass(frozen=True, slots=True)
class Stroke:
    """A note as it is written: from `start` to before `end`, in ticks; `note` is its index in the `Notes`."""

    note: int
    pitch: int
    start: int
    end: int
    is_staccato: bool = False


Held = tuple[int, int, float]  # end, pitch, cost of each tick cut off


@dataclass(frozen=True, slots=True)
class Way:
    """One way to have shared out the strokes up to some onset."""

    cost: float
    held: tuple[tuple[Held, ...], tuple[Held, ...]]  # what sounds in the upper voice and in the lower
    lower_bar: int  # the last bar with a lower voice
    last: tuple[bool, bool]  # which voices began something at the last onset
    before: tuple["Way", int] | None  # and how many of the lowest strokes went to the lower voice


@dataclass(frozen=True, slots=True)
class Moment:
    """What a group of strokes is written in: its bar, when the next group comes, and what a tick cut off it costs."""

    bar: int
    until: int
    dear: float


def written(strokes: list[Stroke]) -> list[Stroke]:
    """Return the strokes without those of the pitch and start of a longer one, each ended where its pitch is struck again."""
    kept: list[Stroke] = []
    for _, same in groupby(sorted(strokes, key=lambda s: (s.pitch, s.start, -s.end, s.note)), key=lambda s: s.pitch):
        own: list[Stroke] = []
        for stroke in same:
            if own and own[-1].start == stroke.start:
                continue
            if own and own[-1].end > stroke.start:
                own[-1] = replace(own[-1], end=stroke.start)
            own.append(stroke)
        kept += own
    return sorted(kept, key=lambda s: (s.start, s.pitch))


def share_out(strokes: list[Stroke], bars: list[Bar]) -> tuple[list[Stroke], list[Stroke]]:
    """Return the strokes of the upper and of the lower voice, each in order; they come in order, as `written` gives them.

    What costs least over the whole staff (a beam search): to cut a held note short costs, as do notes of one chord that end
    apart, a second voice, a line that changes voice, and voices that cross.
    """
    if not strokes:
        return [], []
    groups = [list(group) for _, group in groupby(strokes, key=lambda s: s.start)]
    number, bar_of = 0, []
    for group in groups:
        while group[0].start >= bars[number].end:
            number += 1
        bar_of.append(number)
    ways = [Way(0.0, ((), ()), -9, (False, False), None)]
    nexts = [group[0].start for group in groups[1:]] + [bars[-1].end]
    outlasts = [max(s.end for s in group) > until + HELD for group, until in zip(groups, nexts, strict=True)]
    for place, group in enumerate(groups):
        in_pedal = outlasts[place] and outlasts[min(place + 1, len(groups) - 1)]  # each note laid over the next one
        now = Moment(bar_of[place], nexts[place], CUT_IN_PEDAL if in_pedal else CUT)
        found = [_extended(way, group, low, now) for way in ways for low in range(len(group) + 1)]
        best: dict[object, Way] = {}
        for way in sorted(found, key=lambda way: way.cost):
            best.setdefault((way.held, way.last), way)
        ways = list(best.values())[:BEAM]
    counts: list[int] = []
    way = ways[0]
    while way.before is not None:
        way, low = way.before
        counts.append(low)
    upper, lower = [], []
    for group, low in zip(groups, reversed(counts), strict=True):
        lower += group[:low]
        upper += group[low:]
    return upper, lower


def _extended(way: Way, group: list[Stroke], low: int, at: Moment) -> Way:
    now, cost, held = group[0].start, way.cost, []
    for voice, part in enumerate((group[low:], group[:low])):
        sounding = tuple(h for h in way.held[voice] if h[0] > now)
        if part:
            cost += min(
                DEAREST, max(((end - now) * dear for end, _, dear in sounding if end - now > HELD), default=0.0)
            )
            ends = [stroke.end for stroke in part]
            apart = max(ends) - min(ends)
            if apart > HELD and min(ends) < at.until:
                cost += min(DEAREST, apart * APART + BEAT_APART * (apart >= TICKS_PER_QUARTER))
            cost += STEP_DOWN * (voice == 1)
            sounding = tuple((stroke.end, stroke.pitch, at.dear) for stroke in part)
        held.append(sounding)
    upper, lower = held
    if 0 < low < len(group):
        cost += CLOSE * max(0, 7 - (group[low].pitch - group[low - 1].pitch))
    if low:
        cost += 0.0 if way.lower_bar == at.bar else OLD_VOICE if way.lower_bar == at.bar - 1 else NEW_VOICE
        cost += ALONE * (not upper)
    if upper and lower and min(h[1] for h in upper) < max(h[1] for h in lower):
        cost += CROSSING
    playing = low < len(group), low > 0
    if way.before is not None and not (playing[0] and way.last[0]) and not (playing[1] and way.last[1]):
        cost += SWITCH
    return Way(cost, (upper, lower), at.bar if low else way.lower_bar, playing, (way, low))
