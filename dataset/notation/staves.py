"""Choose the clef of each bar of a staff, and its octave sign. Pure."""

from dataclasses import dataclass


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
