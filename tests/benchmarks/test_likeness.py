"""How closely a piece follows another one in its chords and its rhythm."""

from dataclasses import replace

import numpy as np

from benchmarks.likeness import BARS, Bars, harmony, rhythm, table
from tests.training.songs import song

SONGS = [song(number, bars=24) for number in range(6)]


def test_chords_are_found_in_any_transposition_and_at_any_bar_and_with_another_tune() -> None:
    bank = Bars([harmony(notes) for notes in SONGS])
    later = harmony(replace(SONGS[3], pitch=SONGS[3].pitch + 5))[4:]
    assert bank.likest(later, 12) == 1
    assert bank.likest(later) < 1
    rng = np.random.default_rng(0)
    octaves = replace(SONGS[3], pitch=SONGS[3].pitch + 12 * rng.integers(-1, 2, len(SONGS[3])))
    assert bank.likest(harmony(octaves), 12) == 1


def test_other_chords_are_less_alike_the_more_of_them_differ() -> None:
    bank = Bars([harmony(notes) for notes in SONGS])
    found = []
    for share in (0, 0.2, 0.9):
        rng = np.random.default_rng(1)
        others = np.where(rng.random(len(SONGS[1])) < share, rng.integers(40, 80, len(SONGS[1])), SONGS[1].pitch)
        found.append(bank.likest(harmony(replace(SONGS[1], pitch=others)), 12))
    assert found[0] == 1 > found[1] > found[2] > 0


def test_rhythm_is_compared_without_pitches() -> None:
    bank = Bars([rhythm(notes) for notes in SONGS[:2]])
    assert bank.likest(rhythm(replace(SONGS[1], pitch=np.full(len(SONGS[1]), 60)))) == 1
    slow = replace(SONGS[1], onset=SONGS[1].onset * 2)
    assert bank.likest(rhythm(slow)) < 0.8


def test_the_table_has_the_quartiles_of_each_set_and_leaves_out_short_pieces() -> None:
    lines = table(SONGS[:3], {"same": SONGS[:3], "short": [song(1, bars=BARS - 1)]}).splitlines()
    assert lines[2:] == ["| same | 3 | 1.000 · 1.000 · 1.000 | 1.000 · 1.000 · 1.000 |", "| short | 0 |  |  |"]
