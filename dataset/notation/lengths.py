"""Choose the written lengths of the chords of a voice, and staccato dots.

In: the strokes of one voice as they sound, in order; out: the same with the ends that a player reads. A rest as long as a
beat is kept. A shorter gap is part of the note before it, which is staccato if it sounds for at most half of its written
value; so short notes in running beats have no rests between them. Ticks are of 1/24 quarter note. Pure.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from dataset.notation.voices import Stroke
from dataset.notes.meter import Bar
from dataset.notes.timing import TICKS_PER_QUARTER

STACCATO = (8, 12, 16, 24, 48)  # ticks of the values that may have a dot: eighth, quarter, half, and those of triplets
PLAIN_LENGTHS = (12, 24, 36, 48, 72, 96)
TRIPLET_LENGTHS = (8, 16, 24, 48)


def printed(voice: list[Stroke], bars: list[Bar], pedals: Sequence[tuple[int, int]] = ()) -> list[Stroke]:
    """Return the strokes of a voice with written ends and staccato dots.

    A chord ends as a whole.

    bars     those of the piece, to the last end
    pedals   (start, end) of the sustain pedal, in order; what it holds is not staccato
    """
    ends: dict[int, int] = {}
    for stroke in voice:
        ends[stroke.start] = max(ends.get(stroke.start, 0), stroke.end)
    starts = sorted(ends)
    firsts = [bar.start for bar in bars]
    until: dict[int, int] = {}
    shares: list[float] = []  # of each chord: how much of its written value it sounds, 1 where that does not matter
    for start, following in pairwise([*starts, bars[-1].end]):
        sounds, bar = min(ends[start], following), bars[bisect_right(firsts, start) - 1]
        until[start] = _printed_end(start, sounds, following, bar, is_held=_is_held(sounds, pedals))
        value = until[start] - start
        shares.append((sounds - start) / value if value in STACCATO and not _is_held(sounds, pedals) else 1.0)
    dotted = {start for place, start in enumerate(starts) if _is_staccato(shares, place)}
    return [replace(s, end=until[s.start], is_staccato=s.start in dotted) for s in voice]


def _is_staccato(shares: list[float], place: int) -> bool:
    """Return whether a chord has a dot.

    It sounds for at most a third of its value, or for at most half of it as a neighbour does.
    """
    beside = min(shares[max(0, place - 1) : place] + shares[place + 1 : place + 2], default=1.0)
    return shares[place] <= 1 / 3 or (shares[place] <= 1 / 2 and beside <= 1 / 2)


def _is_held(tick: int, pedals: Sequence[tuple[int, int]]) -> bool:
    """Return whether the pedal is down at a tick."""
    place = bisect_left(pedals, (tick, tick)) - 1
    return place >= 0 and pedals[place][1] > tick


def _printed_end(start: int, end: int, following: int, bar: Bar, *, is_held: bool) -> int:
    """Return the written end of a chord that sounds from `start` to `end`.

    The next chord is at `following`. What the pedal holds is written at least to the end of its beat.
    """
    place = bisect_right(bar.beats, start - bar.start) - 1
    beat, after = bar.beats[place] + bar.start, bar.beats[place + 1] + bar.start
    sounds, free, gap = end - start, following - start, following - end
    if following <= after and gap < min(TICKS_PER_QUARTER, after - beat):
        return following  # a short note within its beat is a note of that beat
    if gap < TICKS_PER_QUARTER and (sounds * 2 >= free if start == beat else sounds * 4 >= free * 3):
        return following
    if sounds >= 4 * TICKS_PER_QUARTER:
        return min(following, beat + round((end - beat) / TICKS_PER_QUARTER) * TICKS_PER_QUARTER)
    offset = start - beat
    if offset % 3:
        lengths: tuple[int, ...] = TRIPLET_LENGTHS
    elif offset % 12 == 0:
        lengths = PLAIN_LENGTHS  # an eighth at least: no rest of a sixteenth
    else:
        lengths = tuple(range(12 - offset % 12, 4 * TICKS_PER_QUARTER, 12))  # to an eighth
    sounds = max(sounds, after - start) if is_held else sounds
    length = next((length for length in lengths if length >= sounds), sounds)
    return min(following, start + length)
