"""The real piano section: its duplicates and works, and planted copies."""

import os
from functools import cache
from pathlib import Path

import pytest

from catalog.games import game_of
from dataset.components import components
from dataset.duplicates.relations import Candidate, Link, Relation, relate
from dataset.midi.midi_reader import read
from scraper.vgmusic.listing import parse
from tests.conftest import SITE
from tests.dataset.planted import KINDS, kin_of, plant

pytestmark = [pytest.mark.road, pytest.mark.real]
COPIES = int(os.environ.get("VGPIANO_PLANTED", "10"))  # of each kind; the whole test is 200
SECTION = SITE / "music" / "other" / "miscellaneous" / "piano"


@cache
def section(folder: Path = SECTION) -> tuple[Candidate, ...]:
    """Every row with at least 16 notes, as `dataset build` relates them."""
    rows = []
    for row in parse((folder / "index.html").read_bytes()).rows:
        game = game_of(row.game)
        notes = read((folder / row.file).read_bytes()).notes
        rows.append(Candidate(row.md5 or row.file, notes, game.game, game.series, row.title, row.sequencer))
    return tuple(piece for piece in rows if len(piece.notes) >= 16)


@cache
def links() -> tuple[Link, ...]:
    return tuple(relate(section()))


def between(game: str, one: str, other: str) -> list[Link]:
    """Return the links between pieces of these titles, one of them of this game."""
    found = []
    for link in links():
        first, second = section()[link.first], section()[link.second]
        if sorted([first.title.strip(), second.title.strip()]) == sorted([one, other]) and game in (
            first.game,
            second.game,
        ):
            found.append(link)
    return found


@pytest.fixture(autouse=True)
def _there(real_site: Path) -> None:
    """Skip if the section is not available."""


@pytest.mark.parametrize(
    "game, one, other, relation, least",
    [
        ("paper-mario-the-thousand-year-door", "Glitzville", "Glitzville", Relation.BYTES, 1.0),
        ("banjo-tooie", "Isle O' Hags (2)", "Isle O' Hags (2)", Relation.BYTES, 1.0),
        ("mega-man-7", "Burst Man", "Burst Man (Heavier)", Relation.NOTES, 1.0),  # louder, else the same
        ("mega-man-6", "Final Battle (C-Major)", "Final Battle (Eb-Major)", Relation.NEAR, 0.99),
        ("kingdom-hearts", "Hikari", "Hikari (3)", Relation.NEAR, 0.95),
        ("castlevania-2-simons-quest", "Bloody Tears", "Bloody Tears (2)", Relation.NEAR, 0.95),
        ("metroid", "Brinstar", "Brinstar (2)", Relation.NEAR, 0.9),
        ("donkey-kong", "Title", "Title (2)", Relation.NEAR, 0.95),
        ("super-mario-64", "Dire Dire Docks", "Medley (Piano)", Relation.CONTAINED, 0.9),
        ("ocarina-of-time", "Medley of Time", "Overworld", Relation.CONTAINED, 0.95),
        # versions by other sequencers: the first four share so many notes that they are near, the others are works
        ("twilight-princess", "Midna's Desperation", "Midna's Desperation (Arranged)", Relation.NEAR, 0.95),
        ("twilight-princess", "Midna's Desperation", "Midna's Desperation (2)", Relation.NEAR, 0.9),
        ("majoras-mask", "Song Of Healing", "Song of Healing", Relation.NEAR, 0.9),
        ("twilight-princess", "Midna's Desperation (Arranged)", "Midna's Desperation (2)", Relation.WORK, 0.85),
        ("super-mario-bros-3", "Overworld 2", "Overworld 2 (2)", Relation.WORK, 0.5),
        ("super-mario-bros-3", "Overworld 2", "Overworld 2 (3)", Relation.WORK, 0.4),
        ("final-fantasy-10", "At Zanarkand", "At Zanarkand (2)", Relation.WORK, 0.3),
        ("final-fantasy-7", "The Nightmare Begins", "Vincent's Theme", Relation.WORK, 0.7),
        ("ocarina-of-time", "Lost Woods", "Saria's Song", Relation.WORK, 0.2),
    ],
)
def test_the_sections_own_kin_are_found_and_called_what_they_are(
    game: str, one: str, other: str, relation: Relation, least: float
) -> None:
    (link,) = between(game, one, other)
    assert link.relation is relation
    assert link.share >= least
    assert link.notes >= link.share * len(section()[link.second].notes) - 1


def test_the_key_of_a_transposed_twin_is_told() -> None:
    (link,) = between("mega-man-6", "Final Battle (C-Major)", "Final Battle (Eb-Major)")
    assert abs(link.transposition) == 3
    (link,) = between("castlevania-2-simons-quest", "Bloody Tears", "Bloody Tears (2)")
    assert abs(link.transposition) == 1


def test_kinship_does_not_run_through_the_section() -> None:
    groups = components(len(section()), [(link.first, link.second) for link in links()])
    sizes = sorted((groups.count(group) for group in set(groups)), reverse=True)
    assert sizes[0] <= 6
    assert 50 <= len(links()) <= 100
    far = [
        k
        for k in links()
        if section()[k.first].series != section()[k.second].series and k.relation is not Relation.WORK
    ]
    assert far == []


@pytest.mark.parametrize("kind", KINDS)
def test_altered_copies_hidden_in_the_section_are_found_and_nothing_else(kind: str) -> None:
    outcome = plant(section(), kin_of(section(), links()), kind, COPIES, seed=1)
    least = KINDS[kind][1] if COPIES >= 100 else 0.8  # of ten copies one tiny piece may be missed
    assert outcome.recall >= least, outcome
    assert outcome.precision >= 0.99, outcome
    assert outcome.copies == COPIES
