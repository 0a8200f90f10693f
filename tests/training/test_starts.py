"""Starts: the later bars of a training piece at which a new piece may begin."""

from types import SimpleNamespace

import numpy as np
import pytest

from dataset.notes.model import Notes
from training.events.encoding import classes
from training.events.fields import PITCH, PLACES
from training.events.vocabulary import STARTS_EVERY, Opening, Vocabulary


def read(notes: Notes) -> Opening:
    """The opening of a piece, as its vocabulary says when it is read again."""
    text = Vocabulary.of([SimpleNamespace(notes=notes, series="temple", game="wood")]).to_json()
    return Vocabulary.from_json(text, "vocabulary.json").openings[0]


@pytest.mark.parametrize("meter", [(3, 4), (7, 8), (12, 8), (7, 4), (4, 2), (64, 1), (1, 64), (5, 64)])
def test_a_piece_in_any_meter_whose_bars_begin_with_a_rest_is_read_again(meter: tuple[int, int]) -> None:
    bar = max(1, 96 * meter[0] // meter[1])
    lines = np.arange(3 * STARTS_EVERY) * bar
    onset = np.append(0, lines + bar - 1)  # at the end of each bar
    notes = Notes.of(onset, [1] * len(onset), 60 + np.arange(len(onset)), [80] * len(onset), (), ((0, *meter),))
    opening = read(notes)
    assert [start.bar for start in opening.later] == [STARTS_EVERY, 2 * STARTS_EVERY]
    assert {start.place for start in opening.later} == {min(bar, PLACES) - 1}


def test_a_pitch_that_both_hands_strike_is_one_note_before_a_start_too() -> None:
    onset = np.arange(3 * STARTS_EVERY * 4) * 24
    pitch = 40 + np.arange(len(onset)) % 60
    both = [np.repeat(column, 2) for column in (onset, np.full(len(onset), 12), pitch, np.full(len(onset), 80))]
    notes = Notes.of(*both, (), ((0, 4, 4),))
    rows, begins = classes(notes)
    assert 2 * len(rows) == len(notes)
    starts = read(notes).later
    assert [start.bar for start in starts] == [STARTS_EVERY, 2 * STARTS_EVERY]
    for start in starts:
        [at] = np.flatnonzero(begins == start.bar * 96)
        assert (start.pitch, start.place, start.notes) == (rows[at, PITCH], 0, len(rows) - at)


@pytest.mark.parametrize(
    "tempos, tempo",
    [
        (((0, 60.0),), 60),
        (((0, 60.0), (96, 140.0)), 140),  # one slow bar
        (((0, 100.0), (96, 110.0), (192, 120.0), (288, 130.0), (384, 140.0), (480, 150.0)), 150),
        (((0, 90.0), (4 * 96, 91.0), (8 * 96, 92.0), (12 * 96, 200.0)), 91),  # rubato, and a fast end
        (((0, 80.0), (10_000, 20.0)), 80),  # after the last note
    ],
)
def test_the_tempo_is_that_of_most_of_the_piece(tempos: tuple[tuple[int, float], ...], tempo: float) -> None:
    onset = np.arange(64) * 24
    notes = Notes.of(onset, [24] * 64, 40 + np.arange(64) % 60, [80] * 64, tempos, ((0, 4, 4),))
    assert read(notes).tempo == pytest.approx(tempo, rel=1e-4)
