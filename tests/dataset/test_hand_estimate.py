"""The estimate of hands: playable, in any register, and the same each time."""

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dataset.notes.hand_estimate import LEFT, RIGHT, UNKNOWN, estimate_hands

QUARTER, EIGHTH = 24, 12
MAJOR = [0, 2, 4, 5, 7, 9, 11, 12]

Row = tuple[int, int, int, int]  # onset, duration, pitch, and the hand that should play it


def line(pitches: Iterable[int], hand: int, ticks: int = EIGHTH, start: int = 0) -> list[Row]:
    return [(start + at * ticks, ticks, pitch, hand) for at, pitch in enumerate(pitches)]


def chords(pitches: Iterable[tuple[int, ...]], hand: int, ticks: int = QUARTER, start: int = 0) -> list[Row]:
    return [(start + at * ticks, ticks, pitch, hand) for at, chord in enumerate(pitches) for pitch in chord]


def columns(rows: list[Row]) -> NDArray[np.int64]:
    """Return onset, duration, pitch and hand, in the order that is asked for."""
    return np.array(sorted(rows, key=lambda row: (row[0], row[2])), np.int64).reshape(-1, 4).T


def wrong(rows: list[Row]) -> int:
    """Return how many notes get another hand than they should."""
    onset, duration, pitch, hand = columns(rows)
    return int(np.count_nonzero(estimate_hands(onset, duration, pitch) != hand))


def test_scales_in_two_hands() -> None:
    up = [*MAJOR, *reversed(MAJOR)]
    assert wrong(line([72 + step for step in up], RIGHT) + line([48 + step for step in up], LEFT)) == 0


def test_scales_in_contrary_motion() -> None:
    out = [*MAJOR, *reversed(MAJOR)]
    assert wrong(line([62 + step for step in out], RIGHT) + line([57 - step for step in out], LEFT)) == 0


def test_a_melody_over_broken_chords() -> None:
    melody = line([76, 74, 72, 74, 76, 79, 76, 72], RIGHT, 2 * QUARTER)
    assert wrong(melody + line([48, 55, 52, 55] * 8, LEFT)) == 0


def test_a_stride_bass_and_its_chords_are_one_hand() -> None:
    melody = line([79, 77, 76, 74, 72, 74, 76, 77] * 4, RIGHT)
    bass = line([36, 43] * 8, LEFT, 2 * QUARTER)[:8]
    off_beats = chords([(52, 55, 60)] * 8, LEFT, 2 * QUARTER, QUARTER)
    assert wrong(melody + bass + off_beats) == 0


@pytest.mark.parametrize("shift", [-12, 0, 7])
def test_a_left_hand_of_octaves_above_middle_c(shift: int) -> None:
    melody = line([88 + step for step in (0, 2, 4, 2, 0, -1, 0, 2) * 2], RIGHT)
    octaves = chords([(60, 72), (62, 74), (64, 76), (60, 72)] * 2, LEFT)
    moved = [(onset, ticks, pitch + shift, hand) for onset, ticks, pitch, hand in melody + octaves]
    assert wrong(moved) == 0


def test_both_hands_far_below_middle_c() -> None:
    assert wrong(line([50, 52, 53, 52] * 4, RIGHT) + line([31, 38, 34, 38] * 4, LEFT)) == 0


def test_hands_that_climb_together_past_middle_c() -> None:
    climb = range(0, 30, 2)
    thirds = chords([(60 + step, 64 + step) for step in climb], RIGHT)
    assert wrong(thirds + line([43 + step for step in climb], LEFT, QUARTER)) == 0


def test_a_close_chord_is_not_parted() -> None:
    assert wrong(chords([(67, 71, 74)] * 8, RIGHT) + chords([(43, 50)] * 8, LEFT)) == 0


def test_a_held_bass_stays_in_its_hand() -> None:
    rows = [(0, 8 * QUARTER, 40, LEFT), *line([64, 67, 71, 76] * 4, RIGHT)]
    assert wrong(rows) == 0


@pytest.mark.parametrize("low, hand", [(72, RIGHT), (36, LEFT)])
def test_one_line_is_its_register_s(low: int, hand: int) -> None:
    assert wrong(line([low + step for step in [*MAJOR, *reversed(MAJOR)] * 3], hand)) == 0


def test_one_line_across_middle_c_does_not_change_hands_note_by_note() -> None:
    onset, duration, pitch, _ = columns(line([57, 59, 60, 62, 60, 59, 60, 62, 64, 62, 60, 59] * 6, UNKNOWN))
    assert np.count_nonzero(np.diff(estimate_hands(onset, duration, pitch))) <= 1


def test_known_hands_are_kept_even_where_they_cross() -> None:
    onset, duration, pitch, hand = columns(line([72, 74, 76, 77] * 4, LEFT) + line([48, 50, 52, 53] * 4, RIGHT))
    assert (estimate_hands(onset, duration, pitch, hand) == hand).all()


def test_known_hands_are_evidence_for_the_others() -> None:
    onset, duration, pitch, _ = columns(chords([(58, 62)] * 16, UNKNOWN))
    for hand in (LEFT, RIGHT):
        known = np.where(np.arange(onset.size) // 2 % 4 == 0, hand, UNKNOWN)
        assert (estimate_hands(onset, duration, pitch, known) == hand).all()


def test_no_notes() -> None:
    found = estimate_hands([], [], [])
    assert found.shape == (0,)
    assert found.dtype == np.uint8


@pytest.mark.parametrize(
    "onset, duration, pitch, known",
    [
        ([0, 0], [1, 1], [60], None),
        ([0], [1], [60], [1, 2]),
        ([1, 0], [1, 1], [60, 60], None),
        ([0, 0], [1, 1], [61, 60], None),
    ],
)
def test_what_is_no_list_of_notes_is_refused(
    onset: list[int], duration: list[int], pitch: list[int], known: list[int] | None
) -> None:
    with pytest.raises(ValueError, match="hands:"):
        estimate_hands(onset, duration, pitch, known)


@st.composite
def music(draw: st.DrawFn) -> NDArray[np.int64]:
    """Any notes, in order, some with a known hand: rows onset, duration, pitch, hand."""
    note = st.tuples(st.integers(0, 2000), st.integers(1, 200), st.integers(0, 127), st.integers(UNKNOWN, LEFT))
    return columns(draw(st.lists(note, min_size=1, max_size=60)))


@settings(deadline=None, max_examples=60)
@given(music())
def test_every_note_gets_a_hand_and_only_known_hands_cross(rows: NDArray[np.int64]) -> None:
    onset, duration, pitch, known = rows
    found = estimate_hands(onset, duration, pitch, known)
    assert found.shape == onset.shape
    assert set(found.tolist()) <= {LEFT, RIGHT}
    assert (found[known != UNKNOWN] == known[known != UNKNOWN]).all()
    assert (found == estimate_hands(onset, duration, pitch, known)).all()
    guessed = known == UNKNOWN
    for tick in np.unique(onset[guessed]):
        here = guessed & (onset == tick)
        left, right = pitch[here & (found == LEFT)], pitch[here & (found == RIGHT)]
        assert left.size == 0 or right.size == 0 or left.max() < right.min()


@settings(deadline=None, max_examples=30)
@given(music(), st.integers(1, 10_000))
def test_when_the_music_begins_does_not_matter(rows: NDArray[np.int64], later: int) -> None:
    onset, duration, pitch, known = rows
    assert (
        estimate_hands(onset + later, duration, pitch, known) == estimate_hands(onset, duration, pitch, known)
    ).all()


def test_a_long_piece_is_told_as_its_parts_are() -> None:
    part = line([76, 74, 72, 74, 76, 79, 76, 72] * 4, RIGHT) + line([48, 55, 52, 55] * 8, LEFT)
    ticks = 32 * EIGHTH
    assert (
        wrong([(onset + ticks * bar, length, pitch, hand) for bar in range(40) for onset, length, pitch, hand in part])
        == 0
    )
