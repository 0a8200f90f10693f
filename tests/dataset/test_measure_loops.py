"""The share of notes that a loop predicts, compared with a slow search."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset.measures.loops import CONTEXTS, earlier_matches, loop_share
from dataset.notes.model import Notes

rows_of = st.lists(st.tuples(st.integers(0, 1), st.integers(60, 61)), min_size=1, max_size=100)


def slowly(rows: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return for each note the index after the latest match, and its rank."""
    found = []
    for here in range(len(rows)):
        best = (-1, 0)
        for rank, length in enumerate(CONTEXTS):
            ends = range(here - 1, length - 1, -1)
            before = next((end for end in ends if rows[end - length : end] == rows[here - length : here]), None)
            if here >= length and before is not None:
                best = (before, len(CONTEXTS) - rank)
                break
        found.append(best)
    return found


@given(rows_of)
@settings(max_examples=150, deadline=None)
def test_a_context_is_found_where_it_last_stood(rows: list[tuple[int, int]]) -> None:
    time, pitch = np.array(rows).T
    place, match = earlier_matches(time, pitch)
    assert list(zip(place.tolist(), match.tolist(), strict=True)) == slowly(rows)


@given(rows_of)
@settings(max_examples=100, deadline=None)
def test_the_share_counts_the_notes_whose_time_and_pitch_are_guessed_right(rows: list[tuple[int, int]]) -> None:
    time, pitch = np.array(rows).T
    notes = Notes.of(np.cumsum(time + 1), [3] * len(rows), pitch, [64] * len(rows))  # one note an onset
    steps = [(0, rows[0][1]), *((step + 1, height) for step, height in rows[1:])]
    right = sum(place >= 0 and steps[place] == steps[here] for here, (place, _) in enumerate(slowly(steps)))
    assert loop_share(notes) == right / len(rows)


def test_a_loop_is_predicted_after_its_first_round_whatever_is_played_louder_or_held_longer() -> None:
    rounds, length = 6, 20
    pitch = np.tile(40 + np.arange(length), rounds)
    duration = np.arange(rounds * length) % 7 + 1
    notes = Notes.of(np.arange(rounds * length) * 6, duration, pitch, 30 + duration)
    assert loop_share(notes) == (rounds * length - length - 4) / (
        rounds * length
    )  # the first note has no time of its own


@pytest.mark.parametrize("last, predicted", [((6, 60), 1), ((7, 60), 0), ((6, 61), 0)])
def test_a_note_that_comes_at_another_time_or_pitch_was_not_predicted(last: tuple[int, int], predicted: int) -> None:
    bar = [(6, 50), (6, 52), (6, 54), (6, 60)]
    steps = [(0, 70), *bar, *bar[:3], last]
    onset, pitch = np.cumsum([step for step, _ in steps]), [height for _, height in steps]
    assert loop_share(Notes.of(onset, [3] * 9, pitch, [64] * 9)) == predicted / 9


def test_what_never_comes_again_is_no_loop() -> None:
    assert loop_share(Notes.of(range(80), [1] * 80, range(20, 100), [64] * 80)) == 0.0
    assert loop_share(Notes.of([0], [1], [60], [64])) == 0.0


def test_a_doubled_note_counts_once() -> None:
    once = Notes.of(range(40), [1] * 40, [60, 62] * 20, [64] * 40)
    twice = Notes.of([*range(40)] * 2, [1] * 80, [60, 62] * 40, [64] * 80)
    assert loop_share(once) == loop_share(twice) > 0.8
