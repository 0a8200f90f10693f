"""Passages: planted ones are found in any key and at several speeds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.novelty.passages import MIN_PASSAGE_NOTES, FoundPassages, Index, NoteLine, distinct_passages, find

TIMES = np.array([0, 0, 6, 12, 12, 24, 36])


def tune(seed: int, length: int) -> NoteLine:
    """Random notes, with chords."""
    rng = np.random.default_rng(seed)
    tick, pitch = 0, 60
    ticks, pitches = [], []
    for _ in range(length):
        step = int(rng.choice(TIMES)) if ticks else 0
        tick += step
        pitch = (
            pitch + int(rng.integers(1, 5))
            if ticks and not step
            else int(np.clip(pitch + rng.integers(-12, 13), 36, 84))
        )
        ticks.append(tick)
        pitches.append(min(pitch, 110))
    return NoteLine(np.array(ticks, np.int64), np.array(pitches, np.int16))


PIECES = [tune(seed, 300) for seed in range(40)]
INDEX = Index.of(PIECES)


def planted(seed: int, length: int, *, wrong: bool = True, ratio: float = 1.0) -> tuple[NoteLine, int, int, int, int]:
    """120 random notes with a passage of another piece.

    Also returns where it begins, the other piece's number and place, and the semitones.
    """
    rng = np.random.default_rng([7, seed])
    number, place, moved = (
        int(rng.integers(len(PIECES))),
        int(rng.integers(0, 300 - length)),
        int(rng.integers(-12, 13)),
    )
    source, around = PIECES[number], tune(1000 + seed, 120)
    begin = int(rng.integers(5, 100))
    tick = np.round((source.tick[place : place + length] - source.tick[place]) / ratio).astype(np.int64)
    pitch = source.pitch[place : place + length] + np.int16(moved)
    if wrong:
        at = int(rng.integers(1, length - 1))
        pitch[at] += np.int16(rng.choice([-7, -6, -5, 5, 6, 7]))
    before, after = around.tick[:begin], around.tick[begin:]
    ticks = np.concatenate([before, before[-1] + 12 + tick, before[-1] + 24 + tick[-1] + after - after[0]])
    pitches = np.concatenate([around.pitch[:begin], pitch, around.pitch[begin:]])
    order = np.lexsort((pitches, ticks))
    return NoteLine(ticks[order], pitches[order]), begin, number, place, moved


@pytest.mark.parametrize("ratio", [1.0, 2.0, 0.5])
def test_planted_passages_of_16_notes_and_more_are_found_with_a_wrong_note_in_them(ratio: float) -> None:
    met, trials, false, claims = 0, 120, 0, 0
    for seed in range(trials):
        length = 16 + seed % 49
        line, begin, number, _, moved = planted(seed, length, ratio=ratio)
        passages = distinct_passages(INDEX, line, find(INDEX, line))
        right = [p for p in passages if p.piece == number and p.transposition == moved and p.ratio == ratio]
        met += any(p.notes >= length - 3 and p.first <= begin + 3 for p in right)
        claims += len(passages)
        false += len(passages) - len(right)
    assert met >= 0.99 * trials
    assert false <= 0.01 * claims


def test_places_are_told_in_both_pieces() -> None:
    line, begin, number, place, moved = planted(3, 30, wrong=False)
    [passage] = distinct_passages(INDEX, line, find(INDEX, line))
    assert (passage.piece, passage.transposition, passage.ratio) == (number, moved, 1.0)
    assert passage.first - passage.there_first == begin - place
    assert passage.first <= begin
    assert passage.last >= begin + 29
    assert passage.notes >= 30


def test_what_nobody_wrote_before_is_in_no_passage() -> None:
    for seed in range(2000, 2030):
        line = tune(seed, 300)
        found = find(INDEX, line)
        assert found.longest < MIN_PASSAGE_NOTES
        assert not found.inside(MIN_PASSAGE_NOTES, 300).any()


def test_shares_count_notes_inside_long_enough_passages() -> None:
    columns = np.array([[2, 5, 0, 3, 4], [4, 12, 10, 18, 9]]).T
    found = FoundPassages(*columns, np.ones(2))
    assert found.inside(8, 14).tolist() == [False] * 4 + [True] * 9 + [False]
    assert found.inside(4, 14).sum() == 11
    assert found.longest == 9


@given(st.integers(0, 39), st.integers(0, 200), st.integers(20, 90), st.integers(-20, 20))
def test_a_part_of_a_piece_is_found_whole_in_any_key(number: int, place: int, length: int, moved: int) -> None:
    part = PIECES[number]
    line = NoteLine(
        part.tick[place : place + length] - part.tick[place], part.pitch[place : place + length] + np.int16(moved)
    )
    found = find(INDEX, line)
    assert found.longest == length
    assert found.inside(length, length).all()
