"""Plans: what they say of each hand, and what follows from it."""

import numpy as np
import pytest

from dataset.notes.hand_form import IDENTICAL, NEAR, TRANSPOSED
from tests.dataset.test_form import Bar, piece
from tests.training.test_followed_plans import inputs
from tests.training.test_plans import columns
from training.events import past
from training.events.encoding import CONFIDENCE, GUESS, encode
from training.events.fields import EDGES, PITCH, TIME
from training.events.plan_columns import EQUAL, HANDS, NEW, NO_SHIFT
from training.events.plans import Plan
from training.sampling.sample_record import GUESS_NAMES

LEFT: Bar = [(0, 40), (24, 47), (48, 52), (72, 47)]
RIGHT: Bar = [(0, 72), (12, 76), (48, 74)]


def moved(bar: Bar, semitones: int) -> Bar:
    return [(place, pitch + semitones) for place, pitch in bar]


def both(left: Bar, right: Bar) -> Bar:
    return sorted([*left, *right])


HANDS_APART = piece(
    both(LEFT, RIGHT),
    both(moved(LEFT, -4), [(12, 79), (60, 81)]),
    both(moved(LEFT, 3), moved(RIGHT, 1)),
    both([], RIGHT),
)


def test_a_plan_says_what_each_hand_repeats_and_where_the_hands_part() -> None:
    said = columns(Plan.of(HANDS_APART)[0])
    assert said["left_lag"] == [0, 1, 1, 0]
    assert said["left_level"] == [NEW, 5, 5, NEW]
    assert said["left_move"] == [0, TRANSPOSED, TRANSPOSED, 0]
    assert [shift - NO_SHIFT for shift in said["left_shift"]] == [0, -4, 7, 0]
    assert said["right_lag"] == [0, 0, 2, 3]
    assert said["right_move"] == [0, 0, TRANSPOSED, IDENTICAL]
    assert said["left_top"] == [53, 49, 56, 0]
    assert said["right_bottom"] == [73, 80, 74, 73]
    assert said["left_notes"] == [4, 4, 4, 0]
    assert said["right_notes"] == [3, 2, 3, 3]


def test_the_notes_of_each_hand_are_crossed_off_as_they_are_played() -> None:
    [events] = encode([HANDS_APART], planned=True)
    of_left = np.flatnonzero(events[:8, PITCH] < 60)
    left, right = inputs(events, "barleft_notes_notes"), inputs(events, "barright_notes_notes")
    before = np.arange(1, 8)[:6]  # notes of the first bar after the first one
    played = [int((of_left < note).sum()) for note in before]
    assert [left[note] for note in before] == [1 + 4 - number for number in played]
    assert [right[note] for note in before] == [
        1 + 3 - (note - number) for note, number in zip(before, played, strict=True)
    ]


def test_each_hand_guesses_its_next_note_whatever_the_other_one_plays() -> None:
    [events] = encode([HANDS_APART], planned=True)
    of_left = events[:, PITCH] < 60
    repeats = range(7, int(np.flatnonzero(of_left)[-1]) + 1)  # after the first bar, the left hand repeats its rhythm
    where = {
        name: next(at for at, text in enumerate(GUESS_NAMES[name]) if "left hand" in text) for name in ("time", "pitch")
    }
    onsets = np.cumsum(EDGES[events[:, TIME]])
    for note in repeats:
        following = note + int(of_left[note:].argmax())  # of the left hand
        guessed = events[note, GUESS["time"]][where["time"]]
        assert EDGES[guessed] == onsets[following] - onsets[note - 1]
        if following == note:
            assert events[note, GUESS["pitch"]][where["pitch"]] == events[note, PITCH]


def test_each_hand_follows_its_own_notes_also_when_old_notes_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    bars = [
        both(*(moved(bar, int(rng.integers(0, 12))) if rng.random() < 0.7 else [] for bar in (LEFT, RIGHT)))
        for _ in range(150)
    ]
    notes = piece(*bars)
    plan, lines = Plan.of(notes)
    where = {hand: GUESS_NAMES["time"].index(f"the bar whose rhythm the {hand} hand repeats") for hand in HANDS}
    followed = 0
    for history in (20, 27, 33):
        monkeypatch.setattr(past, "HISTORY", history)
        [events] = encode([notes], planned=True)
        for hand, of_hand in (("left", notes.pitch < 66), ("right", notes.pitch >= 66)):
            known = np.flatnonzero(events[:, CONFIDENCE["time"]][:, where[hand]])
            guessed = notes.onset[known - 1] + EDGES[events[known, GUESS["time"]][:, where[hand]]]
            bar = np.searchsorted(lines, guessed, side="right") - 1
            source = guessed - (lines[bar] - lines[bar - getattr(plan, f"{hand}_lag")[bar]])
            assert set(source.tolist()) <= set(notes.onset[of_hand].tolist())
            followed += len(source)
    assert followed > 500


def test_a_bar_that_comes_again_moves_as_by_both_where_its_source_is_left_out() -> None:
    plan = Plan.of(HANDS_APART)[0]
    shorter = columns(plan.in_order(np.array([0, 2, 3, 0])))
    assert shorter["left_lag"] == [0, 1, 0, 3]
    assert shorter["left_move"] == [0, TRANSPOSED, 0, NEAR]  # what comes again may vary slightly
    assert [shift - NO_SHIFT for shift in shorter["left_shift"]] == [0, 3, 0, 0]
    assert shorter["right_move"] == [0, TRANSPOSED, IDENTICAL, NEAR]


def test_bars_that_go_back_to_a_bar_left_out_follow_the_first_of_them() -> None:
    rest = columns(Plan.of(HANDS_APART)[0].from_bar(1))
    assert rest["right_lag"] == [0, 0, 1]  # the first bar moved by 1, then as it was
    assert rest["right_level"] == [NEW, NEW, EQUAL]
    assert rest["right_move"] == [0, 0, TRANSPOSED]
    assert [shift - NO_SHIFT for shift in rest["right_shift"]] == [0, 0, -1]
    assert rest["left_lag"] == [0, 1, 0]
    assert [shift - NO_SHIFT for shift in rest["left_shift"]] == [0, 7, 0]
