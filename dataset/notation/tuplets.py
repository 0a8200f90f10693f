"""Recognise quintuplets and septuplets by their places on the grid.

Five or seven even notes in a quarter or a half note do not fit the grid of 1/24 quarter; rounded to it they have places of
their own, such as 0, 5, 10, 14 and 19. So notes need no mark of a tuplet to be printed as one. Pure.
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
        """Where its notes start on the grid, and its end."""
        return tuple(round(number * self.span / self.actual) for number in range(self.actual + 1))


ODD_TUPLETS = tuple(Tuplet(actual, 4, span) for span in (24, 48) for actual in (5, 7))
_INNER = {tuplet: frozenset(tuplet.places[1:-1]) for tuplet in ODD_TUPLETS}


def odd_tuplet(places: Collection[int], span: int) -> Tuplet | None:
    """Return the quintuplet or septuplet with these places, or None.

    `places` are those strictly inside `span` ticks. All must be places of the tuplet, which may lack at most one of them.
    """
    for tuplet, inner in _INNER.items():
        if tuplet.span == span and len(inner) - ALLOWED_MISSING <= len(places) and inner.issuperset(places):
            return tuplet
    return None
