"""Form: bars, and the earlier bar that each of them repeats or varies."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset.notes.form import _BLOCK, MAX_BARS, bar_lines, find_form
from dataset.notes.model import Notes
from training.events.fields import bars_at

Bar = list[tuple[int, int]]  # places in the bar, in ticks, and pitches

A1: Bar = [(0, 60), (24, 64), (48, 67), (72, 72)]
A2: Bar = [(0, 62), (12, 65), (36, 69), (60, 71)]
B1: Bar = [(0, 50), (24, 51), (48, 53), (72, 56)]  # the rhythm of A1
B2: Bar = [(0, 43), (24, 44)]  # half that rhythm
A2_VARIED: Bar = [*A2[:3], (60, 74)]


def piece(*bars: Bar) -> Notes:
    """Bars of 4/4."""
    onset, pitch = np.array([(96 * number + place, pitch) for number, bar in enumerate(bars) for place, pitch in bar]).T
    return Notes.of(onset, [12] * len(onset), pitch, [80] * len(onset), (), ())


def test_sections_come_from_the_section_that_they_repeat() -> None:
    form = find_form(piece(A1, A2, A1, A2, B1, B2, A1, A2_VARIED))
    assert len(form) == 8
    assert form.lines.tolist() == [*range(0, 9 * 96, 96)]
    assert form.source.tolist() == [-1, -1, 0, 1, -1, -1, 2, 3]
    assert form.likeness == pytest.approx([0, 0, 1, 1, 0, 0, 1, 3 / 5])
    assert form.rhythm_source.tolist() == [-1, -1, 0, 1, 2, 4, 4, 3]
    assert form.rhythm_likeness == pytest.approx([0, 0, 1, 1, 1, 1 / 2, 1, 1])


def test_the_bar_after_the_source_of_the_bar_before_is_preferred_so_that_sections_stay_together() -> None:
    assert find_form(piece(A1, A2, B2, A2, A1, A2)).source.tolist() == [-1, -1, -1, 1, 0, 1]
    assert find_form(piece(A1, A2, B2, A2, B1, A2)).source.tolist() == [-1, -1, -1, 1, -1, 3]  # else the latest


def test_a_bar_that_is_less_than_two_fifths_alike_is_new() -> None:
    for shared, source, likeness in ((2, -1, 0), (3, 0, 3 / 5)):  # two of four: a third of all notes of both
        other = [*A1[:shared], *((place, pitch + 30) for place, pitch in A1[shared:])]
        form = find_form(piece(A1, other))
        assert (form.source[1], form.likeness[1]) == (source, pytest.approx(likeness))


def test_the_first_thousand_bars_are_compared() -> None:
    form = find_form(piece(*[A1, A2, B1, B2] * 300))
    assert form.source.tolist() == [-1] * 4 + [*range(MAX_BARS - 4)]


def test_pieces_of_many_different_notes_are_compared_in_blocks_that_change_nothing() -> None:
    rng = np.random.default_rng(0)
    onset = np.sort(rng.integers(0, 40 * 768, 12_000))
    pitch = rng.integers(0, 128, 12_000)
    notes = Notes.of(onset, [1] * 12_000, pitch, [80] * 12_000, (), ((0, 8, 1),))  # 40 bars of 768 ticks
    assert len(np.unique(onset % 768 * 128 + pitch)) > 2 * _BLOCK
    twice = Notes.of(
        np.concatenate([onset, onset + 40 * 768]), [1] * 24_000, np.tile(pitch, 2), [80] * 24_000, (), ((0, 8, 1),)
    )
    assert find_form(notes).source.max() == -1
    assert find_form(twice).source.tolist() == [-1] * 40 + [*range(40)]
    assert find_form(twice).likeness[40:].min() == 1


def test_bars_begin_at_each_time_signature_and_reach_around_all_onsets() -> None:
    meters = ((0, 4, 4), (192, 3, 4), (300, 4, 4))  # the last one within a bar
    notes = Notes.of([100, 299, 300, 400], [12] * 4, [60] * 4, [80] * 4, (), meters)
    assert bar_lines(notes).tolist() == [96, 192, 264, 300, 396, 492]
    assert find_form(notes).source.tolist() == [-1, -1, -1, -1, 0]  # 4 ticks after their bar lines


def test_a_piece_without_notes_has_no_bars() -> None:
    with pytest.raises(ValueError, match="no bars"):
        bar_lines(Notes.of([], [], [], [], (), ()))


@given(
    st.lists(st.integers(0, 2000), min_size=1, max_size=20),
    st.lists(st.tuples(st.integers(1, 1500), st.sampled_from([2, 3, 4, 5]), st.sampled_from([4, 8])), max_size=4),
)
def test_bar_lines_agree_with_the_numbers_of_bars(ticks: list[int], changes: list[tuple[int, int, int]]) -> None:
    onset = sorted(ticks)
    meters = ((0, 4, 4), *{tick: (tick, top, low) for tick, top, low in sorted(changes)}.values())
    notes = Notes.of(onset, [12] * len(onset), [60] * len(onset), [80] * len(onset), (), meters)
    lines = bar_lines(notes)
    assert lines[0] <= onset[0] < lines[1]
    assert lines[-2] <= onset[-1] < lines[-1]
    bar = np.searchsorted(lines, onset, side="right") - 1
    numbers = bars_at(onset, notes.time_signatures)
    assert (bar == numbers - numbers[0]).all()
