"""The form of each hand: where its rhythm comes from, and how its pitches move."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset.notes.hand_form import (
    CONTOUR,
    IDENTICAL,
    MAX_SHIFT,
    NEAR,
    RESHAPED,
    TRANSPOSED,
    HandForm,
    find_hand_form,
    hand_ranges,
)

ROCKING = [(0, 48), (24, 55), (48, 52), (72, 55)]  # places in the bar, in ticks, and pitches


def moved(*semitones: int) -> list[tuple[int, int]]:
    return [(place, pitch + by) for (place, pitch), by in zip(ROCKING, semitones, strict=True)]


def form_of(*bars: list[tuple[int, int]]) -> HandForm:
    rows = np.array([(number, place, pitch) for number, bar in enumerate(bars) for place, pitch in bar])
    return find_hand_form(*rows.reshape(-1, 3).T, len(bars))


@pytest.mark.parametrize(
    "bar, move, shift",
    [
        (ROCKING, IDENTICAL, 0),
        (moved(-2, -2, -2, -2), TRANSPOSED, -2),
        (moved(MAX_SHIFT, MAX_SHIFT, MAX_SHIFT, MAX_SHIFT), TRANSPOSED, MAX_SHIFT),
        (moved(*[MAX_SHIFT + 1] * 4), CONTOUR, 0),  # too far
        (moved(5, 5, 4, 5), NEAR, 5),  # the same figure on a minor chord
        (moved(5, 5, 3, 7), NEAR, 5),
        (moved(5, 5, 2, 5), CONTOUR, 0),  # up, down, up
        (moved(0, -9, 0, 0), RESHAPED, 0),
    ],
)
def test_a_bar_with_the_rhythm_of_another_follows_it_more_or_less(
    bar: list[tuple[int, int]], move: int, shift: int
) -> None:
    form = form_of(ROCKING, bar)
    assert form.source.tolist() == [-1, 0]
    assert form.likeness.tolist() == [0, 1]
    assert form.move.tolist() == [0, move]
    assert form.shift.tolist() == [0, shift]


def test_the_source_is_the_bar_whose_pitches_move_most_alike_and_else_the_latest() -> None:
    changed = moved(0, -9, 0, 0)
    assert form_of(ROCKING, changed, ROCKING).source.tolist() == [-1, 0, 0]
    assert form_of(ROCKING, changed, moved(2, 2, 2, 2)).source.tolist() == [-1, 0, 0]
    assert form_of(ROCKING, changed, moved(0, 9, -20, 20)).source.tolist() == [-1, 0, 1]


def test_a_bar_with_a_similar_rhythm_has_a_source_whose_pitches_it_does_not_follow() -> None:
    form = form_of(ROCKING, ROCKING[:3], [(0, 48), (6, 48), (12, 48), (18, 48)])
    assert form.source.tolist() == [-1, 0, -1]
    assert form.likeness.tolist() == [0, 0.75, 0]
    assert form.move.tolist() == [0, RESHAPED, 0]


def test_one_note_follows_another_only_if_it_is_the_same() -> None:
    form = form_of([(0, 48)], [(0, 43)], [(0, 48)])
    assert form.source.tolist() == [-1, 0, 0]
    assert form.move.tolist() == [0, RESHAPED, IDENTICAL]


def test_chords_count_note_by_note() -> None:
    chord, higher, thin = [(0, 48), (0, 52)], [(0, 50), (0, 53)], [(0, 50)]
    form = form_of(chord, higher, thin)
    assert form.move.tolist() == [0, NEAR, RESHAPED]
    assert form.shift.tolist() == [0, 2, 0]


def test_bars_without_notes_have_no_source() -> None:
    form = form_of(ROCKING, [], [], ROCKING)
    assert form.source.tolist() == [-1, -1, -1, 0]
    assert form_of([], []).source.tolist() == [-1, -1]


bars_of = st.lists(
    st.lists(st.tuples(st.sampled_from([0, 24, 48, 72]), st.integers(36, 84)), max_size=6).map(sorted), max_size=8
)


@given(bars_of)
def test_a_bar_that_follows_another_is_that_bar_moved(bars: list[list[tuple[int, int]]]) -> None:
    form = form_of(*bars)
    for number, (source, move, shift) in enumerate(zip(form.source, form.move, form.shift, strict=True)):
        assert source < number
        if move >= NEAR:
            off = np.array(bars[number]) - np.array(bars[source]) - (0, shift)
            assert not off[:, 0].any()
            assert np.abs(off[:, 1]).max() <= (2 if move == NEAR else 0)


def test_hands_are_parted_at_one_pitch_a_bar() -> None:
    bar = np.array([0, 0, 0, 0, 1, 1, 3, 3, 3, 3])
    pitch = np.array([48, 55, 60, 64, 40, 45, 48, 62, 60, 72])
    is_left = np.array([True, True, False, False, True, True, True, True, False, False])  # hands cross in bar 3
    left, right = hand_ranges(bar, pitch, is_left, 4)
    assert left.tolist() == [55, 45, -1, 48]
    assert right.tolist() == [60, -1, -1, 60]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 127), st.booleans()), max_size=20))
def test_no_pitch_parts_the_hands_of_a_bar_better(notes: list[tuple[int, int, bool]]) -> None:
    bar, pitch, is_left = np.array(notes, np.int64).reshape(-1, 3).T
    left, _ = hand_ranges(bar, pitch, is_left > 0, 4)
    for number in range(4):
        of_bar = [(key, in_left) for at, key, in_left in notes if at == number]
        errors = [sum((key < split) != in_left for key, in_left in of_bar) for split in range(130)]
        assert sum((key <= left[number]) != in_left for key, in_left in of_bar) == min(errors)
