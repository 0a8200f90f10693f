"""Quintuplets and septuplets, found by the places that they leave on the grid of 1/24 quarter. Pure; ticks.

Five or seven even notes in a quarter or a half note do not fit the grid; rounded to it they stand at places of their own, such
as 0, 5, 10, 14 and 19 of 24. Nothing but these places is needed to print them, so notes carry no mark of a tuplet.
"""

from collections.abc import Collection
from dataclasses import dataclass

ALLOWED_MISSING = 1  # places without a note: one is tied over, or a rest


@dataclass(frozen=True, slots=True)
class Tuplet:
    """`actual` even notes in the time of `normal`, over `span` ticks."""

    actual: int
    normal: int
    span: int

    @property
    def places(self) -> tuple[int, ...]:
        """Where its notes begin on the grid, and at last its end."""
        return tuple(round(number * self.span / self.actual) for number in range(self.actual + 1))


ODD_TUPLETS = tuple(Tuplet(actual, 4, span) for span in (24, 48) for actual in (5, 7))
_INNER = {tuplet: frozenset(tuplet.places[1:-1]) for tuplet in ODD_TUPLETS}


def odd_tuplet(places: Collection[int], span: int) -> Tuplet | None:
    """Return the quintuplet or septuplet whose places these are, those inside `span` ticks, or None.

    All of them must be places of the tuplet, and at most one place of it may be free.
    """
    for tuplet, inner in _INNER.items():
        if tuplet.span == span and len(inner) - ALLOWED_MISSING <= len(places) and inner.issuperset(places):
            return tuplet
    return None
