"""Loops: planted ones, pieces without one, and a slow search that agrees."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset.notes.loop import LAST_TURN, LEAST_SHARE, MAX_BARS, Loop, find_loop
from dataset.notes.model import Notes

Bar = list[tuple[int, int]]  # places in the bar, in ticks, and pitches
Meter = tuple[int, int]
FOUR, THREE = (4, 4), (3, 4)


def music(bars: int, seed: int, notes: int = 8) -> list[Bar]:
    """Return bars that have little in common: eighths and their chords of random pitches."""
    rng = np.random.default_rng(seed)
    return [sorted((12 * int(at), int(rng.integers(40, 90))) for at in rng.integers(0, 6, notes)) for _ in range(bars)]


def piece(bars: list[Bar], meters: list[Meter] | None = None) -> Notes:
    """Return these bars, each in its own meter, or all in 4/4."""
    meters = meters or [FOUR] * len(bars)
    starts = np.cumsum([0, *(96 * over // under for over, under in meters)])
    rows = [(start + place, pitch) for start, bar in zip(starts, bars, strict=False) for place, pitch in bar]
    changes = [
        (int(start), *meter)
        for start, meter, before in zip(starts, meters, [None, *meters[:-1]], strict=False)
        if meter != before
    ]
    onset, pitch = np.array(rows).T
    return Notes.of(onset, [6] * len(rows), pitch, [80] * len(rows), (), changes)


INTRO, BODY, OTHER = music(4, 1), music(16, 2), music(40, 3)
VARIED = [[*bar[:-1], (bar[-1][0], bar[-1][1] + 1)] if number % 4 == 1 else bar for number, bar in enumerate(BODY)]
OSTINATO = [*music(30, 4), *music(1, 5) * 30]


@pytest.mark.parametrize(
    "bars, loop",
    [
        ([*BODY, *BODY], Loop(1, 16)),
        ([*INTRO, *BODY, *BODY], Loop(5, 16)),
        ([*INTRO, *BODY, *BODY, *BODY], Loop(5, 16)),
        ([*INTRO, *BODY, *BODY[:12]], Loop(5, 16)),  # faded out: three quarters of the second turn
        ([*INTRO, *BODY, *BODY, *BODY[:5]], Loop(5, 16)),
        ([*INTRO, *BODY, *BODY[:15], BODY[15][:1]], Loop(5, 16)),  # cut within a bar
        ([*INTRO, *VARIED, *BODY], Loop(5, 16)),
        ([*INTRO, *BODY, *VARIED], Loop(5, 16)),
        ([*INTRO, *BODY, *BODY[:15], OTHER[0]], Loop(5, 16)),  # another bar at the end
        ([*INTRO, *BODY, [], [], *BODY, [], []], Loop(5, 18)),  # rests are part of it
        ([[], [], *BODY, *BODY], Loop(3, 16)),  # numbers count from the start of the file
        ([*INTRO, *OSTINATO, *OSTINATO], Loop(5, 60)),  # not the one bar that fills half of each turn
        ([*INTRO, *BODY[:8] * 4], Loop(5, 8)),  # the shortest
        ([*INTRO, *(BODY[:8] + BODY[:6] + OTHER[:2]) * 2], Loop(5, 16)),  # a first and a second ending
        (BODY[:1] * 4, Loop(1, 1)),  # a bar that is repeated
        (BODY[:1] * 2, Loop(1, 1)),
        ([*INTRO, *BODY[:2] * 5], Loop(5, 2)),
    ],
)
def test_a_planted_loop_is_found_at_its_bar_with_its_length(bars: list[Bar], loop: Loop) -> None:
    assert find_loop(piece(bars)) == loop


def higher(bars: list[Bar]) -> list[Bar]:
    """Return the bars a whole tone up."""
    return [[(place, pitch + 2) for place, pitch in bar] for bar in bars]


@pytest.mark.parametrize(
    "bars",
    [
        OTHER,  # through-composed
        [*BODY, *higher(BODY)],
        [*BODY, *OTHER[:8], *BODY[:8]],  # the beginning again, at the end
        [*INTRO, *BODY, *BODY[:11]],  # less than three quarters of a second turn
        [*INTRO, *BODY, *BODY, *OTHER[:8]],  # the piece goes on
        [*OTHER, *BODY[:4], *BODY[:4]],  # the least part of the piece
        [*BODY, *[bar[:2] + other[2:] for bar, other in zip(BODY, OTHER, strict=False)]],  # mostly other notes
        BODY[:1],
    ],
)
def test_a_piece_that_does_not_repeat_to_its_end_has_no_loop(bars: list[Bar]) -> None:
    assert find_loop(piece(bars)) is None


def test_a_loop_may_have_several_time_signatures_if_each_turn_has_them() -> None:
    bars, turn = music(6, 6), [FOUR] * 4 + [THREE] * 2
    assert find_loop(piece([*INTRO, *bars, *bars], [FOUR] * 4 + turn + turn)) == Loop(5, 6)
    assert find_loop(piece([*bars, *bars], turn + [FOUR] * 6)) is None


def test_a_pickup_is_bar_0_so_the_loop_is_numbered_as_in_the_score() -> None:
    bars = [BODY[0][:2], *BODY, *BODY]
    assert find_loop(piece([[(0, 60)], *bars[1:]], [(1, 4), *[THREE] * 32])) == Loop(1, 16)


def test_what_returns_after_no_whole_number_of_bars_is_no_loop() -> None:
    once = piece(music(15, 7, notes=4))
    for later, loop in ((16 * 96, Loop(1, 16)), (16 * 96 - 24, None)):
        onset = np.concatenate([once.onset, once.onset + later])
        notes = Notes.of(onset, [6] * len(onset), np.tile(once.pitch, 2), [80] * len(onset))
        assert find_loop(notes) == loop


def test_a_loop_is_one_however_loud_and_long_its_notes_are_and_whether_one_is_doubled() -> None:
    notes = piece([*BODY, *BODY])
    rng = np.random.default_rng(8)
    twice = rng.permutation(np.repeat(np.arange(len(notes)), 2))
    played = Notes.of(notes.onset[twice], rng.integers(1, 99, len(twice)), notes.pitch[twice], twice % 127 + 1)
    assert find_loop(played) == Loop(1, 16)


def test_nothing_and_a_piece_of_too_many_bars_have_no_loop() -> None:
    assert find_loop(Notes.of([], [], [], [])) is None
    assert find_loop(piece(BODY[:1] * MAX_BARS)) == Loop(1, 1)
    assert find_loop(piece(BODY[:1] * (MAX_BARS + 1))) is None


def slowly(bars: list[Bar]) -> list[Loop]:
    """Return the best loops by comparing every bar with every earlier one, written out plainly."""
    sets = [set(bar) for bar in bars]
    while not sets[-1]:
        sets.pop()
    while not sets[0]:
        sets.pop(0)
    first, count = len(bars) - len(sets) + 1, len(sets)
    best, found = 0, []
    for period in range(1, count):
        for start in range(count - period):
            gains = []
            for later in range(start + period, count):
                before = sets[later - period]
                if later == count - 1:  # may be cut after its last note
                    before = {(place, pitch) for place, pitch in before if place <= max(sets[later])[0]}
                gains.append(5 * len(sets[later] & before) - 4 * len(sets[later] | before))
            long = len(gains) >= LAST_TURN * period and len(gains) + period >= LEAST_SHARE * count
            if long and gains[0] > 0 and sum(gains) >= best and sum(gains) > 0:
                found = [loop for loop in found if sum(gains) == best] + [Loop(first + start, period)]
                best = sum(gains)
    return found


@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=8),
    st.integers(0, 3),
    st.integers(1, 3),
    st.lists(st.integers(0, 2), max_size=3),
)
@settings(max_examples=150, deadline=None)
def test_it_is_the_best_of_all_periods_and_starts(
    numbers: list[int], intro: int, turns: int, ending: list[int]
) -> None:
    kinds = [*music(3, 9, notes=5)]
    kinds += [[*kinds[0][:-1], (66, 50)], [*kinds[1], (66, 50), (66, 57)], kinds[2][:3]]
    bars = [kinds[number] for number in [*numbers[:intro], *numbers * turns, *ending]]
    best = slowly(bars)
    found = find_loop(piece(bars))
    assert found in best if best else found is None
    shortest = min((loop.bars for loop in best), default=0)
    assert (found.bars if found else 0) == shortest


def test_the_time_grows_with_the_notes_and_not_with_their_square() -> None:
    times = []
    for bars in (400, 3200):
        notes = piece(music(bars // 4, 10) * 4)
        assert find_loop(notes) == Loop(1, bars // 4)
        times.append(min(seconds_of(notes) for _ in range(5)))
    assert times[1] < 24 * times[0]  # 8 times the notes; their square would take 64 times as long


def seconds_of(notes: Notes) -> float:
    """Return the processor time of one search."""
    begin = time.process_time()
    find_loop(notes)
    return time.process_time() - begin
