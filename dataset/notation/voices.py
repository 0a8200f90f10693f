"""Assign the notes of a staff to one or two voices.

In: the strokes of one staff; out: those of the upper and the lower voice. A stroke is a note as written, with the index
of its note. There are two voices where notes are held while others move. Pure.
"""

from dataclasses import dataclass, replace
from itertools import groupby

from dataset.notes.meter import Bar
from dataset.notes.timing import TICKS_PER_QUARTER

LEGATO_TICKS = 3  # overlaps of at most this length are legato
CUT_COST = 1 / 3  # per tick cut off a note
PEDAL_CUT_COST = 1 / 8  # the same while each note overlaps the next one
MAX_CUT_COST = 14.0  # per chord
SPREAD_COST = 1 / 16  # per tick between the ends of a chord's notes
BEAT_SPREAD_COST = 4.5  # for ends a quarter or more apart, which are heard
NEW_VOICE_COST = 5.0  # for starting a lower voice
RECENT_VOICE_COST = 2.0  # for a lower voice that was last in the previous bar
LOWER_VOICE_COST = 0.5  # per chord of the lower voice
SWITCH_COST = 2.0  # for a line that changes voice
CROSSING_COST = 10.0
LOWER_ALONE_COST = 6.0  # for a lower voice without an upper one
CLOSE_COST = 0.2  # per semitone by which two voices that start together are closer than a fifth
BEAM_WIDTH = 10  # number of states kept in the beam search


@dataclass(frozen=True, slots=True)
class Stroke:
    """A note as written, from `start` to before `end` in ticks; `note` is its index."""

    note: int
    pitch: int
    start: int
    end: int
    is_staccato: bool = False


SoundingNote = tuple[int, int, float]  # end, pitch, cost of each tick cut off


@dataclass(frozen=True, slots=True)
class VoiceState:
    """One way to assign the strokes up to some onset."""

    cost: float
    # what sounds in the upper voice and in the lower
    sounding_in: tuple[tuple[SoundingNote, ...], tuple[SoundingNote, ...]]
    lower_bar: int  # the last bar with a lower voice
    last: tuple[bool, bool]  # which voices started notes at the last onset
    previous: tuple["VoiceState", int] | None  # and how many of the lowest strokes are in the lower voice


@dataclass(frozen=True, slots=True)
class GroupContext:
    """The context of simultaneous strokes: bar, next onset, cost of a cut tick."""

    bar: int
    next_onset: int
    cut_cost: float


def written_strokes(strokes: list[Stroke]) -> list[Stroke]:
    """Return the strokes that notation can express.

    Of strokes with the same pitch and start only the longest is kept; each ends where its pitch is struck again.
    """
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


def assign_voices(strokes: list[Stroke], bars: list[Bar]) -> tuple[list[Stroke], list[Stroke]]:
    """Return the strokes of the upper and of the lower voice, each in order.

    `strokes` are in the order of `written_strokes`. A beam search finds the lowest cost over the whole staff. Costs are
    notes cut short, notes of one chord that end apart, a second voice, a line that changes voice, and crossing voices.
    """
    if not strokes:
        return [], []
    groups = [list(group) for _, group in groupby(strokes, key=lambda s: s.start)]
    number, bar_of = 0, []
    for group in groups:
        while group[0].start >= bars[number].end:
            number += 1
        bar_of.append(number)
    states = [VoiceState(0.0, ((), ()), -9, (False, False), None)]
    nexts = [group[0].start for group in groups[1:]] + [bars[-1].end]
    outlasts = [
        max(s.end for s in group) > next_onset + LEGATO_TICKS for group, next_onset in zip(groups, nexts, strict=True)
    ]
    for place, group in enumerate(groups):
        in_pedal = outlasts[place] and outlasts[min(place + 1, len(groups) - 1)]  # each note overlaps the next one
        now = GroupContext(bar_of[place], nexts[place], PEDAL_CUT_COST if in_pedal else CUT_COST)
        found = [_extended(state, group, low, now) for state in states for low in range(len(group) + 1)]
        best: dict[object, VoiceState] = {}
        for state in sorted(found, key=lambda state: state.cost):
            best.setdefault((state.sounding_in, state.last), state)
        states = list(best.values())[:BEAM_WIDTH]
    counts: list[int] = []
    state = states[0]
    while state.previous is not None:
        state, low = state.previous
        counts.append(low)
    upper, lower = [], []
    for group, low in zip(groups, reversed(counts), strict=True):
        lower += group[:low]
        upper += group[low:]
    return upper, lower


def _extended(state: VoiceState, group: list[Stroke], low: int, at: GroupContext) -> VoiceState:
    now, cost, sounding_in = group[0].start, state.cost, []
    for voice, part in enumerate((group[low:], group[:low])):
        sounding = tuple(h for h in state.sounding_in[voice] if h[0] > now)
        if part:
            cost += min(
                MAX_CUT_COST,
                max(((end - now) * cut_cost for end, _, cut_cost in sounding if end - now > LEGATO_TICKS), default=0.0),
            )
            ends = [stroke.end for stroke in part]
            spread = max(ends) - min(ends)
            if spread > LEGATO_TICKS and min(ends) < at.next_onset:
                cost += min(MAX_CUT_COST, spread * SPREAD_COST + BEAT_SPREAD_COST * (spread >= TICKS_PER_QUARTER))
            cost += LOWER_VOICE_COST * (voice == 1)
            sounding = tuple((stroke.end, stroke.pitch, at.cut_cost) for stroke in part)
        sounding_in.append(sounding)
    upper, lower = sounding_in
    if 0 < low < len(group):
        cost += CLOSE_COST * max(0, 7 - (group[low].pitch - group[low - 1].pitch))
    if low:
        cost += (
            0.0 if state.lower_bar == at.bar else RECENT_VOICE_COST if state.lower_bar == at.bar - 1 else NEW_VOICE_COST
        )
        cost += LOWER_ALONE_COST * (not upper)
    if upper and lower and min(h[1] for h in upper) < max(h[1] for h in lower):
        cost += CROSSING_COST
    playing = low < len(group), low > 0
    if state.previous is not None and not (playing[0] and state.last[0]) and not (playing[1] and state.last[1]):
        cost += SWITCH_COST
    return VoiceState(cost, (upper, lower), at.bar if low else state.lower_bar, playing, (state, low))
