"""Sources of notes: of planted passages the right training piece is named, and its bar there."""

import numpy as np
import pytest

from dataset.notes.meter import bars_of
from dataset.notes.model import Notes
from training.events.encoding import classes
from training.events.fields import PITCH
from training.novelty.bar_sources import piece_sources
from training.novelty.figures import find_copies
from training.novelty.note_sources import NO_PIECE, SEVERAL, NoteSources
from training.novelty.passages import MIN_PASSAGE_NOTES, Index, NoteLine
from training.novelty.training_index import IndexedPiece, TrainingIndex

SCALE = np.array([0, 2, 4, 7, 9])
PIECES, LENGTH, BAR = 24, 240, 96
SEQUENCERS = ("Ann", "Ben", "Cas", "")
GAP = 30  # ticks between planted passages


def tune(seed: int, notes: int = LENGTH) -> Notes:
    """A melody of few rhythms and small steps on a pentatonic scale, so that short figures recur in other tunes."""
    rng = np.random.default_rng([31, seed])
    degree = np.clip(np.cumsum(rng.integers(-2, 3, notes)) + 12, 5, 20)
    onset = np.concatenate([[0], np.cumsum(rng.choice([6, 12, 12, 24], notes - 1))])
    return piece(onset, 36 + 12 * (degree // 5) + SCALE[degree % 5])


def piece(onset: np.ndarray, pitch: np.ndarray) -> Notes:
    length = len(onset)
    return Notes.of(onset, np.full(length, 6), pitch, np.full(length, 80), [(0, 120.0)], [(0, 4, 4)])


def indexed(pieces: list[Notes]) -> TrainingIndex:
    """The training index of pieces by the SEQUENCERS in turn."""
    listed, onsets, lines = [], [], []
    for number, notes in enumerate(pieces):
        by = SEQUENCERS[number % len(SEQUENCERS)]
        listed.append(
            IndexedPiece(f"Tune {number}", "game", "series", by, f"{number:064x}", "Game", "test", "", *changes(notes))
        )
        rows, onset = classes(notes)
        onsets.append(onset)
        lines.append(NoteLine.at(onset, rows[:, PITCH]))
    return TrainingIndex(tuple(listed), np.concatenate(onsets).astype(np.int32), Index.of(lines))


def changes(notes: Notes) -> tuple[tuple[tuple[int, float], ...], tuple[tuple[int, int, int], ...]]:
    return notes.tempos, notes.time_signatures


TUNES = [tune(seed) for seed in range(PIECES)]
LEARNED = indexed(TUNES)


def assembled(seed: int) -> tuple[Notes, np.ndarray, np.ndarray, np.ndarray]:
    """A sample of six passages of tunes, of 8 to 40 notes, some transposed or at another speed.

    Also returns for each note the tune's number, its bar there and the semitones.
    """
    rng = np.random.default_rng([32, seed])
    onsets, pitches, wanted, end = [], [], [], 0
    for _ in range(6):
        number, count = int(rng.integers(PIECES)), int(rng.integers(MIN_PASSAGE_NOTES, 41))
        first, moved = int(rng.integers(LENGTH - count)), int(rng.integers(-5, 6)) * int(rng.integers(2))
        part = slice(first, first + count)
        there = TUNES[number].onset[part].astype(int)
        onsets.append(end + (there - there[0]) * int(rng.choice([1, 1, 2])))
        pitches.append(TUNES[number].pitch[part].astype(int) + moved)
        wanted.append(np.stack([np.full(count, number), there // BAR + 1, np.full(count, moved)]))
        end = int(onsets[-1][-1]) + GAP
    return piece(np.concatenate(onsets), np.concatenate(pitches)), *np.concatenate(wanted, axis=1)


def test_of_planted_passages_the_right_piece_is_named_for_95_of_100_notes() -> None:
    named, right, bars, moved = [], [], [], []
    for seed in range(30):
        notes, number, bar, semitones = assembled(seed)
        found = NoteSources.of(LEARNED, notes)
        is_named = found.piece >= 0
        is_right = found.piece == number
        named.append(is_named)
        right.append(is_right)
        bars.append((found.there_bar == bar)[is_right])
        moved.append((found.transposition == semitones)[is_right])
    assert np.concatenate(right).mean() >= 0.95
    assert np.concatenate(right)[np.concatenate(named)].mean() >= 0.95
    assert np.concatenate(bars).mean() >= 0.95
    assert np.concatenate(moved).mean() >= 0.95


def test_what_is_in_no_training_piece_has_no_source() -> None:
    rng = np.random.default_rng(33)
    own = piece(np.cumsum(rng.integers(1, 60, 200)), rng.integers(30, 90, 200))
    found = NoteSources.of(LEARNED, own)
    assert (found.piece == NO_PIECE).all()
    assert (found.alone, found.shared, found.by_piece(), found.stretches()) == (1.0, 0.0, (), ())


def test_a_passage_that_several_pieces_hold_is_nobodys_unless_one_has_it_at_the_same_pitches() -> None:
    theme = tune(100, 40)
    higher = piece(theme.onset, theme.pitch.astype(int) + 3)
    lower = piece(theme.onset, theme.pitch.astype(int) - 2)
    learned = indexed([higher, lower])
    assert (NoteSources.of(learned, theme).piece == SEVERAL).all()
    assert NoteSources.of(learned, theme).shared == 1.0
    assert (NoteSources.of(learned, lower).piece == 1).all()
    assert (NoteSources.of(learned, lower).transposition == 0).all()


def test_stretches_and_shares_say_whose_notes_they_are_and_how_much_of_theirs_was_learned() -> None:
    first, second = (slice(20, 50), slice(100, 110))
    one, two = TUNES[1], TUNES[3]
    later = two.onset[second].astype(int) - int(two.onset[second.start])
    end = int(one.onset[first.stop - 1]) - int(one.onset[first.start]) + GAP
    onset = np.concatenate([one.onset[first].astype(int) - int(one.onset[first.start]), later + end])
    found = NoteSources.of(LEARNED, piece(onset, np.concatenate([one.pitch[first], two.pitch[second]])))
    assert [(s.first, s.last, s.piece.title, s.passage, s.transposition) for s in found.stretches()] == [
        (0, 29, "Tune 1", 30, 0),
        (30, 39, "Tune 3", 10, 0),
    ]
    stretch = found.stretches()[0]
    assert stretch.there_bars == (int(one.onset[20]) // BAR + 1, int(one.onset[49]) // BAR + 1)
    assert stretch.bars == (1, int(onset[29]) // BAR + 1)
    assert [(s.name, s.notes, s.share) for s in found.by_sequencer()] == [("Ben", 30, 0.75), ("", 10, 0.25)]
    assert [s.learned for s in found.by_sequencer()] == pytest.approx([0.25, 0.25])
    assert [s.learned for s in found.by_piece()] == pytest.approx([1 / PIECES, 1 / PIECES])


def test_a_piece_without_notes_has_no_sources() -> None:
    found = NoteSources.of(LEARNED, piece(np.zeros(0, int), np.zeros(0, int)))
    assert (len(found), found.alone, found.shared, found.stretches(), found.by_sequencer()) == (0, 0.0, 0.0, (), ())


def test_bars_say_which_earlier_bars_and_which_training_piece_they_follow() -> None:
    onset = np.arange(0, 6 * BAR, 12)
    pitch = np.random.default_rng(34).integers(40, 90, len(onset))
    pitch[32:48] = pitch[8:24]  # bars 5 and 6 are bars 2 and 3
    back = np.where(np.arange(len(onset)) >= 32, 3 * BAR, 0)
    back[5] = 12  # a note of the same bar
    two = TUNES[2]
    pitch[24:32], part = two.pitch[40:48], slice(40, 48)
    onset[24:32] = 3 * BAR + two.onset[part].astype(int) - int(two.onset[40])
    onset[32:] += (int(onset[31]) // BAR - 3) * BAR
    notes = piece(onset, pitch)
    told = piece_sources(notes, NoteSources.of(LEARNED, notes), back[1:].tolist())
    assert told.own == pytest.approx(16 / 48)
    assert (told.beside, told.shared) == pytest.approx((8 / 48, 0))
    assert [share.name for share in told.sequencers] == ["Cas"]
    [mine], [theirs] = told.own_rows(), told.their_rows()
    assert mine.own is not None
    assert mine.bars[1] - mine.bars[0] == 1 == mine.own[1] - mine.own[0]
    assert theirs.piece is not None
    assert (theirs.piece.title, theirs.bars[0], theirs.passage) == ("Tune 2", 4, 8)
    assert theirs.there is not None
    assert theirs.there[0] == np.bincount(two.onset[part][onset[24:32] < 4 * BAR] // BAR + 1).argmax()
    assert theirs.seconds[0] == pytest.approx(3 * BAR / 24 / 2)
    assert told.rows()[0].bars == (1, 3)
    assert (told.rows()[0].own, told.rows()[0].piece) == (None, None)


@pytest.mark.parametrize("pickup", [True, False])
def test_bars_have_the_numbers_of_the_score_also_after_a_pickup(pickup: bool) -> None:
    onset = np.append(0, 24 + np.arange(0, 4 * BAR, 12))
    pitch = np.random.default_rng(35).integers(40, 90, len(onset))
    pitch[17:] = pitch[1:17]  # bars 3 and 4 are bars 1 and 2
    meters = ((0, 1, 4), (24, 4, 4)) if pickup else ((0, 4, 4),)
    notes = Notes.of(onset, [12] * len(onset), pitch, [80] * len(onset), (), meters)
    numbers = [bar.number for bar in bars_of(notes.time_signatures, int(notes.end.max()))]
    back = np.where(np.arange(len(onset)) >= 17, 2 * BAR, 0)
    learned = indexed([notes])
    sources = NoteSources.of(learned, notes)
    told = piece_sources(notes, sources, back[1:].tolist())
    assert [bar.bars[0] for bar in told.bars] == numbers == ([0, 1, 2, 3, 4] if pickup else [1, 2, 3, 4, 5])
    [mine] = told.own_rows()
    assert told.own == pytest.approx(16 / 33)
    [whole] = [copy for copy in find_copies(learned, notes).copies if copy.notes == len(onset)]
    assert whole.bars == whole.there_bars == (numbers[0], numbers[-1])
    assert mine.own is not None
    if pickup:
        assert (mine.bars, mine.own) == ((3, 4), (1, 2))
        assert {bar.there for bar in told.bars if bar.piece} == {(number, number) for number in numbers}
