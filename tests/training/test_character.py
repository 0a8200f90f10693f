"""What a plan says of how a piece is made: rates, articulation, harmony, lines, loudness; and what is still to come."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset.notes.hand_estimate import estimate_hands
from dataset.notes.model import Notes
from training.events import character
from training.events.encoding import classes
from training.events.followed import Followed
from training.events.plan_columns import COLUMNS, INPUTS, TOLD
from training.events.plans import Plan
from training.sampling.playable import LONGEST_STEP, articulate

NO, FEW, SOME = 1, 2, 3  # classes of shares
BAR = np.zeros(100, np.int64)


def plan_of(rows: list[tuple[int, int, int]]) -> Plan:
    """Return the plan of notes (onset, pitch, duration) in 4/4."""
    onset, pitch, duration = np.array(sorted(rows)).T
    return Plan.of(Notes.of(onset, duration, pitch, [80] * len(rows), (), ()))[0]


@pytest.mark.parametrize("count, kind", [(0, 1), (1, 2), (2, 2), (3, 3), (6, 3), (7, 4), (16, 5), (36, 6), (100, 6)])
def test_shares_have_classes_and_none_has_its_own(count: int, kind: int) -> None:
    assert character.rates(np.arange(100) < count, BAR, 1).tolist() == [kind]


def test_a_bar_far_from_all_notes_has_no_shares() -> None:
    bar = np.array([0, 20])
    found = character.rates(np.array([True, False]), bar, 21)
    assert found[[0, 4, 5, 10, 15, 16, 20]].tolist() == [6, 6, 0, 0, 0, 1, 1]  # four bars around count


def test_articulation_is_told_of_each_hand() -> None:
    bass = [(tick, 40, 20) for tick in range(0, 384, 24)]
    for short, long, said in ((12, 24, (6, NO)), (24, 24, (NO, NO)), (24, 30, (NO, 6)), (24, 36, (NO, 6))):
        top = [(tick, 76, short if tick % 48 else long) for tick in range(0, 384, 24)]
        plan = plan_of([*bass, *top])
        assert (plan.right_detached[0], plan.right_overlapping[0]) == said
        assert (plan.left_detached[0], plan.left_overlapping[0]) == (NO, NO)


def test_harmony_is_told_of_struck_and_of_sounding_notes() -> None:
    triads = plan_of([(tick, pitch, 24) for tick in range(0, 192, 24) for pitch in (48, 64, 67)])
    assert (triads.semitones[0], triads.octaves[0], triads.triads[0]) == (NO, NO, 6)
    assert triads.fullness[0] == 1 + 5  # three pitch classes
    broken = plan_of([(0, 48, 96), (24, 64, 72), (48, 67, 48), (72, 60, 24)])
    assert broken.triads[0] == 6  # two of four onsets
    assert broken.octaves[0] == NO  # held, not struck
    clash = plan_of([(tick, pitch, 24) for tick in range(0, 192, 24) for pitch in (48, 60, 61)])
    assert (clash.semitones[0], clash.octaves[0], clash.triads[0]) == (6, 6, NO)


def test_lines_are_those_of_the_highest_and_lowest_notes() -> None:
    top = [76, 76, 78, 67, 69, 84, 83, 83]
    plan = plan_of([row for at, pitch in enumerate(top) for row in ((24 * at, pitch, 24), (24 * at, 40, 24))])
    assert plan.top_leaps[0] == 5  # two of seven moves
    assert (plan.bottom_repeats[0], plan.bottom_steps[0], plan.bottom_leaps[0]) == (6, NO, NO)


def test_loudness_and_accents_are_those_of_each_bar() -> None:
    onset = np.arange(0, 192, 24)
    velocity = np.array([80, 80, 80, 80, 120, 60, 60, 60], np.uint8)
    plan, _ = Plan.of(Notes.of(onset, [24] * 8, [60] * 8, velocity, (), ()))
    assert plan.loudness.tolist() == [1 + 10, 1 + 75 // 8]
    assert plan.accents.tolist() == [1, 6]


def told(followed: Followed, onset: int) -> dict[str, int]:
    """Return what is told of the bar of a coming note, by name."""
    return dict(zip(TOLD["own"], followed.own(np.array([onset]))[0].tolist(), strict=True))


def test_what_is_struck_is_no_longer_to_come() -> None:
    rows = [(0, 48, 24), (0, 64, 24), (24, 67, 24), (96, 50, 24), (96, 77, 24)]
    onset, pitch, duration = np.array(rows).T
    notes = Notes.of(onset, duration, pitch, [80] * 5, (), ())
    followed = Followed([Plan.of(notes)])
    followed.add(np.array([0]), np.array([48]))
    now = told(followed, 0)
    assert (now["notes"], now["bottom_reached"], now["top_reached"]) == (1 + 2, 2, 1)
    assert now["chroma"] == 1 << 0 | 1 << 4 | 1 << 7
    assert now["missing"] == 1 << 4 | 1 << 7
    followed.add(np.array([0]), np.array([64]))
    followed.add(np.array([24]), np.array([67]))
    now = told(followed, 48)
    assert (now["notes"], now["bottom_reached"], now["top_reached"], now["missing"]) == (1, 2, 2, 0)
    following = told(followed, 96)
    assert (following["notes"], following["bottom_reached"], following["top_reached"]) == (1 + 2, 1, 1)
    assert following["missing"] == following["chroma"] == 1 << 2 | 1 << 5
    before = dict(zip(TOLD["bar"], followed.before()[0].tolist(), strict=False))
    assert (before["notes"], before["onsets"]) == (1, 1)
    followed.add(np.array([96]), np.array([50]))
    assert told(followed, 96)["missing"] == 1 << 5


def test_streams_without_a_plan_are_told_nothing() -> None:
    followed = Followed([None])
    for tick, pitch in ((0, 60), (24, 64), (500, 67)):
        followed.add(np.array([tick]), np.array([pitch]))
        assert not followed.own(np.array([tick + 24])).any()
        assert not followed.before().any()


def test_every_column_is_told_somewhere_and_has_a_name_of_its_own() -> None:
    assert {name for names in TOLD.values() for name in names} == set(COLUMNS)
    assert len(INPUTS) == sum(len(names) for names in TOLD.values())


notes_of = st.lists(
    st.tuples(st.sampled_from([0, 12, 24, 200]), st.integers(30, 90), st.sampled_from([3, 12, 24, 96])),
    min_size=2,
    max_size=60,
)


@given(notes_of, st.sampled_from([NO, FEW, SOME]))
@settings(max_examples=60, deadline=None)
def test_notes_last_until_their_hands_next_onset_where_the_plan_is_legato(
    rows: list[tuple[int, int, int]], detached: int
) -> None:
    step, pitch, duration = np.array(rows, np.int32).T
    onset = np.cumsum(step).astype(np.int32)
    order = np.lexsort((pitch, onset))
    onset, pitch, duration = onset[order], pitch[order], duration[order]
    notes = Notes.of(onset, duration, pitch, [80] * len(onset), (), ())
    if len(classes(notes)[0]) < len(onset):
        return
    plan, lines = Plan.of(notes)
    for hand in ("right", "left"):
        getattr(plan, f"{hand}_detached")[:] = detached
    new = articulate(onset, duration, pitch, plan, lines)
    hands = estimate_hands(onset, duration, pitch)
    for note in range(len(onset)):
        later = onset[(hands == hands[note]) & (onset > onset[note])]
        if not len(later):
            assert new[note] == duration[note]
            continue
        gap = int(later.min() - onset[note])
        ratio = duration[note] / gap
        if detached <= FEW and ratio < 0.6 and gap <= LONGEST_STEP:
            assert new[note] == gap
        else:
            assert new[note] == duration[note]
