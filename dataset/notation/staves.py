"""Assign each note to a staff of a piano score, by following both hands. Pure.

In: `Notes`; out: a boolean per note. There is no fixed split pitch; bars and voices are not used. Clefs are chosen too.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataset.notes.model import Notes
from dataset.notes.timing import TICKS_PER_QUARTER

HAND_SPAN = 12  # semitones that a hand reaches without stretching
FREE_LEAP = 2.5  # largest move in semitones that is not a leap
EASY_NOTES = 3  # notes that one hand plays easily
LEFT_HOME, RIGHT_HOME = (43, 52), (67, 76)  # initial positions of the hands: G2 to E3, G4 to E5
LEFT_LIMIT, RIGHT_LIMIT = 62, 55  # beyond these a hand is in the other one's range
BEAM_WIDTH = 12  # number of states kept in the beam search


@dataclass(frozen=True, slots=True)
class HandState:
    """One way to play up to some onset, with the resulting position of the hands."""

    cost: float
    left: tuple[int, int]  # lowest and highest pitch of its last chord
    right: tuple[int, int]
    left_at: int  # tick of its last chord
    right_at: int
    previous: tuple["HandState", int] | None  # the previous state, and how many of the lowest notes the left hand plays


def lower_staff(notes: Notes) -> NDArray[np.bool_]:
    """Return for each note whether it is on the lower staff: bool[n].

    Of notes that start together the left hand plays the lowest ones. How many is chosen by a beam search for the lowest
    cost over the whole piece. Costs are leaps, stretches beyond an octave, crossing hands, and notes in the other
    hand's range. Al Kasimi, Nichols and Raphael (ISMIR 2007) search piano fingering alike.
    """
    if len(notes) == 0:
        return np.zeros(0, np.bool_)
    onsets, firsts = np.unique(notes.onset, return_index=True)
    pitches = [chord.tolist() for chord in np.split(notes.pitch.astype(int), firsts[1:])]
    states = [HandState(0.0, LEFT_HOME, RIGHT_HOME, -10_000, -10_000, None)]
    for onset, chord in zip(onsets.tolist(), pitches, strict=True):
        states = _cheapest(
            [_extended(state, onset, chord, left_count) for state in states for left_count in range(len(chord) + 1)]
        )
    counts: list[int] = []
    state = states[0]
    while state.previous is not None:
        state, left_count = state.previous
        counts.append(left_count)
    lower = np.zeros(len(notes), np.bool_)
    for first, left_count in zip(firsts.tolist(), reversed(counts), strict=True):
        lower[first : first + left_count] = True
    return lower


def _cheapest(states: list[HandState]) -> list[HandState]:
    """Return the cheapest states, one for each position of the hands."""
    best: dict[tuple[tuple[int, int], tuple[int, int]], HandState] = {}
    for state in sorted(states, key=lambda state: state.cost):
        best.setdefault((state.left, state.right), state)
        if len(best) == BEAM_WIDTH:
            break
    return list(best.values())


def _extended(state: HandState, onset: int, chord: list[int], left_count: int) -> HandState:
    cost, left, right = state.cost, state.left, state.right
    left_at, right_at = state.left_at, state.right_at
    if left_count:
        new = chord[0], chord[left_count - 1]
        cost += (
            _leap_cost(left, new, onset - left_at)
            + _stretch_cost(chord[:left_count])
            + _territory_cost(new[1] - LEFT_LIMIT)
        )
        left, left_at = new, onset
    if left_count < len(chord):
        new = chord[left_count], chord[-1]
        cost += (
            _leap_cost(right, new, onset - right_at)
            + _stretch_cost(chord[left_count:])
            + _territory_cost(RIGHT_LIMIT - new[0])
        )
        right, right_at = new, onset
    if abs(left_at - right_at) < TICKS_PER_QUARTER and left[1] >= right[0]:
        cost += 1.0 + 0.2 * (left[1] - right[0])
    if 0 < left_count < len(chord):
        cost += 0.3 * max(0, 5 - (chord[left_count] - chord[left_count - 1]))  # a close chord belongs in one hand
    return HandState(cost, left, right, left_at, right_at, (state, left_count))


def _leap_cost(old: tuple[int, int], new: tuple[int, int], ticks: int) -> float:
    """Return the cost of a hand's leap, which falls with the time available."""
    leap = abs(old[0] + old[1] - new[0] - new[1]) / 2
    return 0.15 * max(0.0, leap - FREE_LEAP) / (1.0 + max(0, ticks - TICKS_PER_QUARTER) / (2 * TICKS_PER_QUARTER))


def _territory_cost(semitones: int) -> float:
    """Return the cost of a note this far into the other hand's range.

    Notes near that range have a small cost too.
    """
    return 0.25 * max(0, semitones) + 0.03 * max(0, semitones + 7)


def _stretch_cost(chord: list[int]) -> float:
    beyond = chord[-1] - chord[0] - HAND_SPAN
    return (1.0 + beyond if beyond > 0 else 0.0) + 0.15 * max(0, len(chord) - EASY_NOTES)


@dataclass(frozen=True, slots=True)
class Clef:
    """A clef, and the octaves by which notes sound above it.

    They are 1 under 8va, -1 under 8vb.
    """

    is_bass: bool
    octaves: int = 0


TREBLE, BASS = Clef(is_bass=False), Clef(is_bass=True)
CLEFS = (TREBLE, BASS, Clef(is_bass=False, octaves=1), Clef(is_bass=True, octaves=-1))
CLEF_CHANGE_COST = 14.0  # cost of a change of clef, in ledger lines
OTHER_CLEF_COST = 0.5  # cost of each bar in another clef than the staff's own
OUTER_LINES = {True: (43, 57), False: (64, 77)}  # pitches on the outer lines: G2 to A3, E4 to F5


def clefs(lowest_and_highest: list[tuple[int, int] | None], *, lower: bool) -> list[Clef]:
    """Return the clef of each bar of a staff.

    In: the lowest and highest pitch of each bar, None if silent. A clef or an octave sign changes if the ledger lines
    it saves are worth it (Viterbi); otherwise a staff keeps its own clef.
    """
    own = BASS if lower else TREBLE
    costs = {clef: 0.0 if clef == own else CLEF_CHANGE_COST / 2 for clef in CLEFS}
    back: list[dict[Clef, Clef]] = []
    for pitches in lowest_and_highest:
        cheapest = min(CLEFS, key=lambda clef: costs[clef])
        previous_clef = {
            clef: clef if costs[clef] <= costs[cheapest] + CLEF_CHANGE_COST else cheapest for clef in CLEFS
        }
        costs = {
            clef: costs[previous_clef[clef]]
            + CLEF_CHANGE_COST * (previous_clef[clef] != clef)
            + _ledger_cost(pitches, clef, own)
            for clef in CLEFS
        }
        back.append(previous_clef)
    clef = min(CLEFS, key=lambda clef: costs[clef])
    path: list[Clef] = []
    for previous_clef in reversed(back):
        path.append(clef)
        clef = previous_clef[clef]
    found: list[Clef] = []
    for clef, pitches in zip(reversed(path), lowest_and_highest, strict=True):
        found.append(clef if pitches is not None else found[-1] if found else own)  # change only where it is needed
    return found


def _ledger_cost(pitches: tuple[int, int] | None, clef: Clef, own: Clef) -> float:
    """Return the approximate number of ledger lines of a bar.

    An unusual clef adds a cost.
    """
    if pitches is None:
        return 0.0
    low, high = OUTER_LINES[clef.is_bass]
    below, above = low - pitches[0] + 12 * clef.octaves, pitches[1] - 12 * clef.octaves - high
    return max(0, below - 1) / 3.5 + max(0, above - 1) / 3.5 + OTHER_CLEF_COST * (clef != own)
