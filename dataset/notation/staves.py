"""The clefs of a staff, bar by bar, and the octaves by which what is written sounds higher or lower. Pure."""

from dataclasses import dataclass


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
