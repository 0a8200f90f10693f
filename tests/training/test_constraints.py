"""Constraints: what two hands can strike and hold, and chords that are not repeated for ever."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset.notes.model import Notes
from training.events import fields as events
from training.events.fields import EDGES, PITCH, TIME
from training.events.plans import Plan
from training.sampling.constraints import SAME_CHORD, Constraints
from training.sampling.playable import is_playable, most_sounding, release, repeat_durations

chords = st.sets(st.integers(30, 80), min_size=1, max_size=11).map(sorted)
STEP = int(events.to_class(7))


def can_be_divided(pitches: list[int]) -> bool:
    """Whether some way of giving each note to a hand leaves both with five notes and a tenth at most: all are tried."""
    for left in product((False, True), repeat=len(pitches)):
        hands = [[pitch for pitch, is_left in zip(pitches, left, strict=True) if is_left == hand] for hand in (0, 1)]
        if all(len(hand) <= 5 and (not hand or max(hand) - min(hand) <= 16) for hand in hands):
            return True
    return False


def row(time: int, pitch: int) -> np.ndarray:
    note = np.zeros((1, events.KNOWN), np.int32)
    note[0, TIME], note[0, PITCH] = time, pitch
    return note


def allowed(streams: Constraints, time: int, voices: int = 0, sure: int | None = None) -> np.ndarray:
    """Return the pitches that may come next at this time, in a bar whose plan has this class of voices."""
    times, pitches = np.zeros((1, len(EDGES))), np.zeros((1, events.PITCHES))
    if sure is not None:
        pitches[0, sure] = 9
    streams.forbid_time(times, np.array([voices]))
    if not np.isfinite(times[0, time]):
        return np.zeros(0, int)
    streams.forbid_pitch(pitches, np.array([time]), streams.onset(np.array([time])))
    return np.flatnonzero(np.isfinite(pitches[0]))


@given(st.lists(st.floats(0, 0.999), min_size=1, max_size=14), st.integers(20, 90), st.integers(1, 30))
@settings(max_examples=150, deadline=None)
def test_any_chord_that_may_be_drawn_can_be_divided_between_two_hands(
    choices: list[float], low: int, near: int
) -> None:
    streams = Constraints([(0, 4, 4)], [0])
    streams.add(row(0, low))
    chord = [low]
    for choice in choices:
        pitches = allowed(streams, 0)[:near]  # low ones, so that chords fill up
        if not len(pitches):
            break
        chord.append(int(pitches[int(choice * len(pitches))]))
        streams.add(row(0, chord[-1]))
    assert chord == sorted(set(chord))
    assert can_be_divided(chord)


@given(st.integers(1, 10), st.integers(20, 90))
@settings(max_examples=50, deadline=None)
def test_a_chord_has_no_more_notes_than_its_bar_may_have(most: int, low: int) -> None:
    streams = Constraints([(0, 4, 4)], [0])
    for first in (low, low + 1):  # the second chord is counted anew
        streams.add(row(STEP, first))
        chord = [first]
        while len(pitches := allowed(streams, 0, most + 1)):
            chord.append(int(pitches[0]))
            streams.add(row(0, chord[-1]))
        assert len(chord) == most or not is_playable([*chord, chord[-1] + 1])
        assert len(chord) <= most


@given(chords)
@settings(max_examples=150, deadline=None)
def test_a_chord_may_be_drawn_exactly_if_two_hands_can_strike_it(chord: list[int]) -> None:
    streams = Constraints([(0, 4, 4)], [0])
    streams.add(row(0, chord[0]))
    may_be = True
    for pitch in chord[1:]:
        if pitch not in allowed(streams, 0, sure=pitch):
            may_be = False
            break
        streams.add(row(0, pitch))
    assert may_be == is_playable(chord) == can_be_divided(chord)


notes_of = st.lists(
    st.tuples(st.sampled_from([0, 0, 6]), st.integers(30, 80), st.sampled_from([1, 6, 24, 96])), min_size=1, max_size=40
)


@given(notes_of, st.integers(0, 10))
@settings(max_examples=80, deadline=None)
def test_notes_are_released_where_two_hands_cannot_hold_them_with_a_chord(
    rows: list[tuple[int, int, int]], first: int
) -> None:
    step, pitch, duration = np.array(rows, np.int32).T
    onset = np.cumsum(step).astype(np.int32)
    shorter = release(onset, duration, pitch, first)
    assert (shorter <= duration).all()
    assert (shorter > 0).all()
    assert (shorter[:first] == duration[:first]).all()  # those of a prime
    for now in np.unique(onset):
        struck = onset == now
        held = (onset < now) & (onset + shorter > now)
        if held[:first].any():
            continue
        sounding = sorted({*pitch[struck].tolist(), *pitch[held].tolist()})
        assert not held.any() or can_be_divided(sounding)
        beside = {pitch + step for pitch in pitch[struck].tolist() for step in (-1, 0, 1)}
        assert not beside & {*pitch[held].tolist()}  # a file cannot hold a key that is struck again
    changed = np.flatnonzero(shorter != duration)
    assert np.isin(onset[changed] + shorter[changed], onset).all()  # released as a chord is struck


@pytest.mark.parametrize("second", [61, 62])
@pytest.mark.parametrize(
    "others, is_allowed", [({64: 1.0}, True), ({64: 1.2}, False), ({63: 0.0, 64: 0.5}, True), ({}, True)]
)
def test_a_second_within_a_chord_is_struck_only_where_it_is_more_probable_than_four_in_five(
    second: int, others: dict[int, float], is_allowed: bool
) -> None:
    for time in (0, STEP):
        streams = Constraints([(0, 4, 4)], [0])
        streams.add(row(0, 60))
        logits = np.full((1, events.PITCHES), -np.inf)
        scores = {second: 2.5, **others}
        logits[0, list(scores)] = list(scores.values())
        streams.forbid_pitch(logits, np.array([time]), streams.onset(np.array([time])))
        assert np.isfinite(logits[0, second]) == (is_allowed or time > 0)
        assert set(np.flatnonzero(np.isfinite(logits[0]))) >= others.keys()


@pytest.mark.parametrize("struck", [59, 60, 61])
def test_held_notes_of_the_pitch_of_a_struck_one_or_a_semitone_from_it_are_released(struck: int) -> None:
    onset, pitch = np.array([0, 0, 24, 24], np.int32), np.array([60, 64, struck, 67])
    assert release(onset, np.full(4, 96, np.int32), pitch).tolist() == [24, 96, 96, 96]
    assert release(onset, np.full(4, 96, np.int32), pitch, 1).tolist() == [96] * 4  # the first is of a prime


def test_nothing_is_released_that_two_hands_can_hold() -> None:
    onset, pitch = np.array([0, 0, 24, 48], np.int32), np.array([40, 56, 72, 88])
    duration = np.full(4, 96, np.int32)
    assert release(onset, duration, pitch).tolist() == [96] * 4
    onset, pitch = np.append(onset, 72).astype(np.int32), np.append(pitch, 60)
    assert release(onset, np.full(5, 96, np.int32), pitch).tolist() == [72, 96, 96, 96, 96]  # 56, 60 and 72; 88


def test_the_earliest_notes_are_released_where_more_would_sound_than_allowed() -> None:
    onset, pitch = np.array([0, 0, 24, 48], np.int32), np.array([60, 64, 67, 72])
    for most, left in ((4, [96] * 4), (3, [48, 96, 96, 96]), (2, [24, 48, 96, 96]), (1, [24, 24, 24, 96])):
        assert release(onset, np.full(4, 96, np.int32), pitch, most=most).tolist() == left


def test_how_many_notes_sound_is_limited_bar_by_bar_as_planned() -> None:
    onset, pitch = np.array([0, 0, 24, 96, 96, 120], np.int32), np.array([48, 52, 55, 72, 76, 79])
    duration = np.full(6, 48, np.int32)
    two, three = (Plan.of(Notes.of(onset, duration, pitch, [80] * 6))[0] for _ in range(2))
    two.voices[:] = 2, 3
    three.voices[:] = 4, 0  # nothing is known of the second bar
    lines = np.array([0, 96, 192])
    assert most_sounding(onset, two, lines).tolist() == [1, 1, 1, 2, 2, 2]
    assert most_sounding(np.array([-24, 0, 96, 192], np.int32), three, lines).tolist() == [10, 3, 10, 10]
    shorter = release(onset, duration, pitch, most=most_sounding(onset, two, lines))
    assert shorter.tolist() == [24, 24, 48, 24, 48, 48]


def strike(streams: Constraints, pitches: list[int]) -> None:
    """Strike a chord seven ticks after the last one."""
    for at, pitch in enumerate(pitches):
        streams.add(row(0 if at else STEP, pitch))


def test_a_chord_is_struck_twenty_two_times_in_a_row_at_most() -> None:
    streams = Constraints([(0, 4, 4)], [0])
    for _ in range(SAME_CHORD - 1):
        strike(streams, [60, 64])
    assert 60 in allowed(streams, STEP)
    strike(streams, [60, 64])
    assert 60 not in allowed(streams, STEP)
    assert 64 in allowed(streams, STEP)
    strike(streams, [64])
    strike(streams, [60])  # not that chord
    for _ in range(SAME_CHORD - 1):
        strike(streams, [60, 64])
    assert 60 in allowed(streams, STEP)


def test_a_repeated_bar_has_the_durations_of_the_first_one() -> None:
    bars = [
        [(0, 60, 12), (48, 64, 40)],
        [(0, 60, 30), (48, 64, 6)],
        [(0, 60, 30), (48, 65, 6)],
        [(0, 60, 30), (48, 64, 6)],
    ]
    onset, pitch, duration = np.array(
        [(96 * n + at, p, d) for n, bar in enumerate(bars) for at, p, d in bar], np.int32
    ).T
    held = repeat_durations(onset, duration, pitch, np.arange(5) * 96)
    assert held.tolist() == [12, 40, 12, 40, 30, 6, 30, 6]  # the last bar may be cut, and is left as it is
    assert duration.tolist()[2:4] == [30, 6]
