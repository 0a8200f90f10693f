"""Titles: versions of one piece share a theme, different pieces do not."""

import pytest

from dataset.duplicates.title_match import theme_of


@pytest.mark.parametrize(
    "one, other",
    [
        ("Song Of Healing", "Song of Healing"),
        ("Isle O' Hags", "Isle O’ Hags (2)"),
        ("Bloody Tears", "Bloody Tears (Arranged)"),
        ("Main Theme", "Main Theme [Piano] v2"),
        ("Hyrule Castle Town", "Hyrule Castle Town in C Major"),
        ("Pokémon Center", "Pokemon Center - Solo"),
        ('Stage 1 - "Vampire Killer"', "Stage 1 -Vampire Killer"),
    ],
)
def test_versions_have_one_theme(one: str, other: str) -> None:
    assert theme_of(one) == theme_of(other) != ""


@pytest.mark.parametrize(
    "one, other",
    [
        ("Overworld", "Overworld 2"),
        ("Midna's Desperation", "Midna's Lament"),
        ("Stage 1", "Stage 2"),
        ("Song of Healing", "Song of Storms"),
    ],
)
def test_other_names_are_other_themes(one: str, other: str) -> None:
    assert theme_of(one) != theme_of(other)


def test_a_title_of_nothing_but_versions_is_itself() -> None:
    assert theme_of("Piano Version") == "piano version"
    assert theme_of("(2)") == "2"
    assert theme_of("") == ""
