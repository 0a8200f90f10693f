"""Which staff of a piano score each note is written on: both hands are followed through the piece. In: `Notes`; out: one
truth a note. Pure; no fixed pitch parts the hands, and nothing here knows of bars or of voices.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataset.notes.model import Notes
from dataset.notes.timing import TICKS_PER_QUARTER

REACH = 12  # semitones that a hand takes without stretching
STEP = 2.5  # semitones that are no leap
FINGERS = 3  # notes that lie well in one hand
LEFT_HOME, RIGHT_HOME = (43, 52), (67, 76)  # where the hands lie before they have played: G2 to E3, G4 to E5
LEFT_HIGH, RIGHT_LOW = 62, 55  # beyond these a hand is on the other one's ground
BEAM = 12  # ways to play that are followed at a time


@dataclass(frozen=True, slots=True)
class Way:
    """One way to have played up to some onset, and where that left the hands."""

    cost: float
    left: tuple[int, int]  # lowest and highest pitch of its last chord
    right: tuple[int, int]
    left_at: int  # tick of its last chord
    right_at: int
    shares: tuple["Way", int] | None  # the way before, and how many of the lowest notes the left hand took


def lower_staff(notes: Notes) -> NDArray[np.bool_]:
    """Return for each note whether it stands on the lower staff, that of the left hand: bool[n].

    Of the notes that begin together the lower ones are the left hand's. How many is what costs least over the whole
    piece: leaps, stretches beyond an octave, hands that cross, and notes on the other hand's ground cost
    (a beam search; so is each hand's path in piano fingering, Al Kasimi, Nichols and Raphael, ISMIR 2007).
    """
    if len(notes) == 0:
        return np.zeros(0, np.bool_)
    onsets, firsts = np.unique(notes.onset, return_index=True)
    pitches = [chord.tolist() for chord in np.split(notes.pitch.astype(int), firsts[1:])]
    ways = [Way(0.0, LEFT_HOME, RIGHT_HOME, -10_000, -10_000, None)]
    for onset, chord in zip(onsets.tolist(), pitches, strict=True):
        ways = _best([_extended(way, onset, chord, taken) for way in ways for taken in range(len(chord) + 1)])
    counts: list[int] = []
    way = ways[0]
    while way.shares is not None:
        way, taken = way.shares
        counts.append(taken)
    lower = np.zeros(len(notes), np.bool_)
    for first, taken in zip(firsts.tolist(), reversed(counts), strict=True):
        lower[first : first + taken] = True
    return lower


def _best(ways: list[Way]) -> list[Way]:
    """Return the cheapest ways, one for each place of the hands."""
    best: dict[tuple[tuple[int, int], tuple[int, int]], Way] = {}
    for way in sorted(ways, key=lambda way: way.cost):
        best.setdefault((way.left, way.right), way)
        if len(best) == BEAM:
            break
    return list(best.values())


def _extended(way: Way, onset: int, chord: list[int], taken: int) -> Way:
    cost, left, right = way.cost, way.left, way.right
    left_at, right_at = way.left_at, way.right_at
    if taken:
        new = chord[0], chord[taken - 1]
        cost += _moved(left, new, onset - left_at) + _stretch(chord[:taken]) + _abroad(new[1] - LEFT_HIGH)
        left, left_at = new, onset
    if taken < len(chord):
        new = chord[taken], chord[-1]
        cost += _moved(right, new, onset - right_at) + _stretch(chord[taken:]) + _abroad(RIGHT_LOW - new[0])
        right, right_at = new, onset
    if abs(left_at - right_at) < TICKS_PER_QUARTER and left[1] >= right[0]:
        cost += 1.0 + 0.2 * (left[1] - right[0])
    if 0 < taken < len(chord):
        cost += 0.3 * max(0, 5 - (chord[taken] - chord[taken - 1]))  # a close chord is one hand's
    return Way(cost, left, right, left_at, right_at, (way, taken))


def _moved(old: tuple[int, int], new: tuple[int, int], ticks: int) -> float:
    """Return the cost of a hand's leap, the less the longer it has time for it."""
    leap = abs(old[0] + old[1] - new[0] - new[1]) / 2
    return 0.15 * max(0.0, leap - STEP) / (1.0 + max(0, ticks - TICKS_PER_QUARTER) / (2 * TICKS_PER_QUARTER))


def _abroad(semitones: int) -> float:
    """Return the cost of a note so far on the other hand's ground; a little of it reaches on to one's own."""
    return 0.25 * max(0, semitones) + 0.03 * max(0, semitones + 7)


def _stretch(chord: list[int]) -> float:
    beyond = chord[-1] - chord[0] - REACH
    return (1.0 + beyond if beyond > 0 else 0.0) + 0.15 * max(0, len(chord) - FINGERS)


@dataclass(frozen=True, slots=True)
class Clef:
    """A clef and the octaves by which notes sound above what is written: 1 under 8va, -1 under 8vb."""

    is_bass: bool
    octaves: int = 0


TREBLE, BASS = Clef(is_bass=False), Clef(is_bass=True)
CLEFS = (TREBLE, BASS, Clef(is_bass=False, octaves=1), Clef(is_bass=True, octaves=-1))
CHANGE = 14.0  # what a change of clef costs, in ledger lines that it would have to save
STRANGE = 0.5  # and each bar in another clef than the staff's own
OUTER = {True: (43, 57), False: (64, 77)}  # pitches on the outer lines: G2 to A3, E4 to F5


def clefs(lowest_and_highest: list[tuple[int, int] | None], *, lower: bool) -> list[Clef]:
    """Return the clef of each bar of a staff, from the lowest and the highest pitch in it (None: silent).

    A clef or an octave sign changes where the ledger lines that it saves are worth the change (Viterbi); else a staff
    keeps its own clef.
    """
    own = BASS if lower else TREBLE
    costs = {clef: 0.0 if clef == own else CHANGE / 2 for clef in CLEFS}
    back: list[dict[Clef, Clef]] = []
    for pitches in lowest_and_highest:
        cheapest = min(CLEFS, key=lambda clef: costs[clef])
        came = {clef: clef if costs[clef] <= costs[cheapest] + CHANGE else cheapest for clef in CLEFS}
        costs = {
            clef: costs[came[clef]] + CHANGE * (came[clef] != clef) + _ledgers(pitches, clef, own) for clef in CLEFS
        }
        back.append(came)
    clef = min(CLEFS, key=lambda clef: costs[clef])
    path: list[Clef] = []
    for came in reversed(back):
        path.append(clef)
        clef = came[clef]
    found: list[Clef] = []
    for clef, pitches in zip(reversed(path), lowest_and_highest, strict=True):
        found.append(clef if pitches is not None else found[-1] if found else own)  # no change before it is needed
    return found


def _ledgers(pitches: tuple[int, int] | None, clef: Clef, own: Clef) -> float:
    """Return about how many ledger lines the lowest and highest pitch need, and something for a clef that is not usual."""
    if pitches is None:
        return 0.0
    low, high = OUTER[clef.is_bass]
    below, above = low - pitches[0] + 12 * clef.octaves, pitches[1] - 12 * clef.octaves - high
    return max(0, below - 1) / 3.5 + max(0, above - 1) / 3.5 + STRANGE * (clef != own)
