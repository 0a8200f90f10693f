"""Aligning two pieces: which notes count as the same, at what tempo, and what chance hits do not add."""

import numpy as np
import pytest

from dataset.duplicates.alignment import Alignment, PreparedPiece, align
from dataset.notes.model import Notes
from tests.dataset.conftest import tune

PIECE = tune(3, 400)
EVERY = 5  # one note in so many is changed: enough of those around it still match


def aligned(first: Notes, second: Notes) -> Alignment:
    found = align(PreparedPiece.of(first), PreparedPiece.of(second))
    assert found is not None
    return found


def changed(onset: int = 0, pitch: int = 0) -> Notes:
    """Return the piece with every fifth note later by `onset` ticks and higher by `pitch` semitones."""
    some = np.arange(len(PIECE)) % EVERY == EVERY - 1
    return Notes.of(PIECE.onset + onset * some, PIECE.duration, PIECE.pitch + pitch * some, PIECE.velocity)


def at_tempo(ratio: float) -> Notes:
    """Return the piece with all times multiplied by `ratio` and rounded to ticks."""
    return Notes.of(np.rint(PIECE.onset * ratio), np.rint(PIECE.duration * ratio), PIECE.pitch, PIECE.velocity)


@pytest.mark.parametrize("ratio", [1 / 3, 1 / 2, 2 / 3, 3 / 4, 4 / 3, 3 / 2, 2.0, 3.0])
def test_a_simple_ratio_of_note_values_is_found_exactly_though_ticks_are_rounded(ratio: float) -> None:
    found = aligned(PIECE, at_tempo(1 / ratio))
    assert found.tempo_ratio == ratio
    assert found.share_second > 0.95


@pytest.mark.parametrize("ratio", [0.98, 1.02, 1.1])
def test_a_tempo_near_a_simple_one_is_not_taken_for_it(ratio: float) -> None:
    found = aligned(PIECE, at_tempo(1 / ratio))
    assert found.tempo_ratio == pytest.approx(ratio, abs=1e-3)
    assert found.share_first > 0.95


@pytest.mark.parametrize("ratio", [1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 1.0, 4 / 3, 3 / 2, 2.0, 3.0, 4.0])
def test_a_tempo_that_is_almost_a_simple_ratio_is_that_ratio(ratio: float) -> None:
    assert aligned(PIECE, at_tempo(1 / (1.004 * ratio))).tempo_ratio == ratio


def test_of_parts_at_different_tempos_the_longest_is_aligned_at_its_own() -> None:
    steps = np.diff(PIECE.onset, prepend=0) / np.repeat([1.1, 1.25, 1.4], [160, 120, 120])
    found = aligned(PIECE, Notes.of(np.rint(np.cumsum(steps)), PIECE.duration, PIECE.pitch, PIECE.velocity))
    assert found.tempo_ratio == pytest.approx(1.1, abs=2e-3)
    assert found.notes == pytest.approx(160, abs=6)


def test_a_note_that_is_a_tick_or_two_late_is_the_same_and_one_that_is_three_late_is_another() -> None:
    for late in (1, 2):
        assert aligned(PIECE, changed(onset=late)).notes == len(PIECE)
    assert aligned(PIECE, changed(onset=3)).notes == len(PIECE) * (EVERY - 1) // EVERY


def test_a_note_of_another_pitch_does_not_count_however_well_those_around_it_match() -> None:
    found = aligned(PIECE, changed(pitch=1))
    assert found.notes == pytest.approx(len(PIECE) * (EVERY - 1) // EVERY, abs=2)  # one may be a note beside it
    assert found.share_first == pytest.approx(found.share_second, abs=0.01)


def test_hits_in_music_that_is_otherwise_different_do_not_count() -> None:
    own = np.arange(len(PIECE)) >= 200
    chance = own & (np.arange(len(PIECE)) % 4 == 0)  # of the other half, one note in four is the same by chance
    pitch = np.where(own & ~chance, PIECE.pitch + 1 + np.arange(len(PIECE)) % 3, PIECE.pitch)
    found = aligned(PIECE, Notes.of(PIECE.onset, PIECE.duration, pitch, PIECE.velocity))
    assert found.notes == pytest.approx(200, abs=6)  # where the halves meet, those around a note are of both


@pytest.mark.parametrize(
    "wrong, lonely",
    [
        ([*range(100, 106)], []),  # six in a row: 15 of 21 notes match about the note beside them
        ([*range(100, 107)], [*range(96, 100), *range(107, 111)]),  # seven: 14 of 21 up to four notes away
        ([*range(200, 400)], [*range(196, 200)]),
        ([*range(200)], [*range(200, 204)]),
        ([0, 2, 3, 4], [1]),  # at the beginning there are notes on one side only: 8 of 12
        ([399, 397, 396, 395], [398]),
    ],
)
def test_a_note_counts_where_seven_in_ten_match_of_itself_and_ten_notes_on_either_side(
    wrong: list[int], lonely: list[int]
) -> None:
    onset, pitch = np.arange(len(PIECE)) * 6, np.random.default_rng(1).integers(40, 90, len(PIECE))
    piece = Notes.of(onset, PIECE.duration, pitch, PIECE.velocity)
    pitch[wrong] = 100 + np.arange(len(wrong)) % 20  # keys that the piece does not use
    found = aligned(piece, Notes.of(onset, PIECE.duration, pitch, PIECE.velocity))
    assert found.notes == len(PIECE) - len(wrong) - len(lonely)


@pytest.mark.parametrize("length, added", [(12, 0), (13, 8), (100, 96)])
def test_a_repeat_that_is_written_out_counts_if_eight_notes_of_it_match(length: int, added: int) -> None:
    some = np.r_[: len(PIECE), 20 : 20 + length]
    onset = PIECE.onset[some] + (PIECE.end.max() - PIECE.onset[20]) * (np.arange(len(some)) >= len(PIECE))
    written_out = Notes.of(onset, PIECE.duration[some], PIECE.pitch[some], PIECE.velocity[some])
    found = aligned(PIECE, written_out)
    assert found.notes == len(PIECE) - 4 + added  # where the repeat begins, notes around those before it do not match


def test_a_tune_that_climbs_and_comes_three_times_is_aligned_at_its_own_pitch() -> None:
    bar = tune(5, 16)
    length, climb = int(bar.end.max()), np.tile(np.arange(-8, 10, 2), 3)  # no shingle is there only once
    onset = np.concatenate([bar.onset + length * number for number in range(len(climb))])
    pitch = np.concatenate([bar.pitch + higher for higher in climb])
    climbing = Notes.of(onset, np.tile(bar.duration, len(climb)), pitch, np.tile(bar.velocity, len(climb)))
    found = aligned(climbing, climbing)
    assert (found.transposition, found.share_first, found.share_second) == (0, 1.0, 1.0)


def test_a_bar_that_is_repeated_for_ever_is_aligned_from_its_beginning() -> None:
    bar = tune(5, 12)
    length, count = int(bar.end.max()), 60
    onset = np.concatenate([bar.onset + length * number for number in range(count)])
    again = Notes.of(onset, np.tile(bar.duration, count), np.tile(bar.pitch, count), np.tile(bar.velocity, count))
    found = aligned(again, Notes.of(again.onset, again.duration, again.pitch + 2, again.velocity))
    assert (found.transposition, found.tempo_ratio) == (-2, 1.0)
    assert (found.share_first, found.share_second) == (1.0, 1.0)
