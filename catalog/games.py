"""From the title under which a source lists a game to one slug for all its spellings, its series, and a name to print.

First version: folds spelling only; series from games.toml follow.
"""

import re
import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Game:
    """A game: its slug, the slug of its series (its own where it has none), and its name for people."""

    game: str
    series: str
    name: str


def resolve(listed_title: str) -> Game:
    """Return the game that `listed_title` stands for; every spelling of one title gives the same slug."""
    folded = unicodedata.normalize("NFKD", listed_title).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", folded).strip("-") or "unnamed"
    zelda = "zelda" in slug
    slug = re.sub(r"^(the-)?legend-of-zelda-(the-)?(?=.)", "", slug)
    return Game(slug, "zelda" if zelda else slug, listed_title)
