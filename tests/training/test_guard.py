"""The copy guard: `find` reports no longer passage than allowed."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset.midi.midi_reader import read_midi
from dataset.midi.midi_writer import write_midi
from tests.training.test_passages import INDEX, PIECES, tune
from tests.training.test_sampler import VOCABULARY, saying
from training.events.fields import EDGES, PITCH, TIME, to_class
from training.novelty.passages import MIN_PASSAGE_NOTES, Index, NoteLine, find
from training.sampling.copy_guard import LONG_MATCH, LONG_MATCH_PENALTY, MAX_SHARE, CopyGuard
from training.sampling.sampler import SamplingConfig, choose, compose


def rows_of(line: NoteLine) -> np.ndarray:
    rows = np.zeros((len(line.tick), 5), np.int32)
    rows[:, TIME], rows[:, PITCH] = to_class(np.diff(line.tick, prepend=line.tick[:1])), line.pitch
    return rows


def line_of(rows: np.ndarray) -> NoteLine:
    return NoteLine(np.cumsum(EDGES[rows[:, TIME]]).astype(np.int64), rows[:, PITCH].astype(np.int16))


def draw(logits: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
    return choose(logits, uniforms, (1.0, 1.0, 0, 0.0))


def test_the_note_that_makes_a_passage_too_long_is_ruled_out_and_those_after_it() -> None:
    source = rows_of(replace(PIECES[4], pitch=PIECES[4].pitch + np.int16(5)))
    guard, most = CopyGuard(INDEX, 20, 2), 20
    other = rows_of(tune(77, 300))
    for at in range(40):
        rows = np.stack([source[at], other[at]])
        logits = np.zeros((2, 128))
        guard.forbid(logits, rows[:, TIME])
        ruled_out = np.isneginf(logits)
        assert not ruled_out[1].any()
        assert ruled_out[0, source[at, PITCH]] == (at >= most)
        guard.add(rows)


def test_a_long_passage_becomes_less_probable_before_it_is_too_long() -> None:
    source, other = rows_of(PIECES[4]), rows_of(tune(78, 300))
    guard = CopyGuard(INDEX, 20, 1)
    for at, row in enumerate((*source[:16], *other[1:8], *source[23:30])):
        logits = np.zeros((1, 128))
        guard.forbid(logits, row[None, TIME])
        assert (logits[0, row[PITCH]] == -LONG_MATCH_PENALTY) == (LONG_MATCH <= at < 16)  # later, the passage was left
        assert (logits != 0).sum() == (LONG_MATCH <= at <= 16)
        guard.add(row[None])


def test_a_passage_that_was_left_is_let_go() -> None:
    source, other = rows_of(PIECES[4]), rows_of(tune(78, 300))
    guard = CopyGuard(INDEX, 20, 1)
    for row in (*source[:20], *other[1:8]):
        guard.add(row[None])
    logits = np.zeros((1, 128))
    guard.forbid(logits, source[27:28, TIME])
    assert np.isfinite(logits).all()


def test_a_stream_that_ends_takes_its_passages_with_it() -> None:
    both = [rows_of(PIECES[4]), rows_of(PIECES[5])]
    guard = CopyGuard(INDEX, 20, 2)
    for at in range(20):
        guard.add(np.stack([rows[at] for rows in both]))
    guard.keep(np.array([1]))
    logits = np.zeros((1, 128))
    guard.forbid(logits, both[1][20:21, TIME])
    assert np.isneginf(logits[0]).nonzero()[0].tolist() == [int(both[1][20, PITCH])]


def test_a_note_that_joins_two_passages_is_taken_back() -> None:
    """Five matching notes, a wrong one, six matching ones.

    Neither part is a passage before the last note, which makes one of eleven.
    """
    source = rows_of(PIECES[7])[:12]
    source[5, PITCH] += 6
    assert find(INDEX, line_of(source)).longest == 11
    guard, played = CopyGuard(INDEX, 10, 1), []
    for row in source:
        logits = np.full((1, 128), -9.0)
        logits[0, row[PITCH]] = 9
        pitch, _ = guard.draw(logits, row[None, TIME], np.array([0.5]), draw)
        row[PITCH] = pitch[0]
        guard.add(row[None])
        played.append(int(pitch[0]))
    wanted = rows_of(PIECES[7])[:12, PITCH].tolist()
    assert played[6:11] == wanted[6:11]
    assert played[11] != wanted[11]
    assert guard.ruled_out == 1
    assert find(INDEX, line_of(source)).longest <= 10


def test_streams_where_every_pitch_would_copy_are_told_of() -> None:
    source = rows_of(PIECES[9])
    guard = CopyGuard(INDEX, 12, 1)
    for row in source[:12]:
        guard.add(row[None])
    logits = np.full((1, 128), -np.inf)
    logits[0, source[12, PITCH]] = 0
    _, stuck = guard.draw(logits, source[12:13, TIME], np.array([0.5]), draw)
    assert stuck.tolist() == [True]


def wishes(rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Notes of a player that copies as much as possible.

    From several pieces, with occasional errors, faster or slower.
    """
    while True:
        source, at = PIECES[int(rng.integers(len(PIECES)))], int(rng.integers(250))
        moved, speed = int(rng.integers(-5, 6)), float(rng.choice([1, 1, 1, 2, 0.5]))
        for place in range(at, min(at + int(rng.integers(5, 60)), 299)):
            row = np.zeros(5, np.int32)
            row[TIME] = to_class(round(int(source.tick[place + 1] - source.tick[place]) * speed))
            row[PITCH] = source.pitch[place + 1] + moved + (rng.random() < 0.08) * int(rng.integers(-3, 4))
            if rng.random() > 0.05:
                yield row


@pytest.mark.parametrize("most", [8, 16, 24])
@given(seed=st.integers(0, 2**32))
@settings(max_examples=12, deadline=None)
def test_no_passage_is_longer_than_allowed_as_the_finder_counts(most: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    streams = 3
    guard, wanted = CopyGuard(INDEX, most, streams), [wishes(rng) for _ in range(streams)]
    played = []
    for _ in range(250):
        rows = np.stack([next(each) for each in wanted])
        logits = rng.normal(-6, 1, (streams, 128))
        logits[np.arange(streams), rows[:, PITCH]] = 9  # also where a long passage is less probable
        rows[:, PITCH], stuck = guard.draw(logits, rows[:, TIME], rng.random(streams), draw)
        assert not stuck.any()
        guard.add(rows)
        played.append(rows)
    longest = [find(INDEX, line_of(np.array(played)[:, stream])).longest for stream in range(streams)]
    assert max(longest) <= most
    assert max(longest) >= most - 3  # and it is no shorter than need be


def test_streams_do_not_depend_on_those_beside_them() -> None:
    def one(number: int, count: int) -> list[int]:
        guard = CopyGuard(INDEX, 10, count)
        source, uniforms = rows_of(PIECES[number]), np.random.default_rng(number).random(60)
        pitches = []
        for at in range(60):
            rows = np.stack([source[at]] + [rows_of(PIECES[number + k])[at] for k in range(1, count)])
            logits = np.full((count, 128), -3.0)
            logits[np.arange(count), rows[:, PITCH]] = 5
            rows[:, PITCH], _ = guard.draw(logits, rows[:, TIME], np.full(count, uniforms[at]), draw)
            guard.add(rows)
            pitches.append(int(rows[0, PITCH]))
        return pitches

    assert one(3, 1) == one(3, 4)


def test_an_index_of_nothing_forbids_nothing() -> None:
    guard = CopyGuard(Index.of([]), 8, 1)
    for row in rows_of(PIECES[0])[:30]:
        logits = np.zeros((1, 128))
        guard.draw(logits, row[None, TIME], np.array([0.1]), draw)
        assert np.isfinite(logits).all()
        guard.add(row[None])


@pytest.mark.parametrize("most", [6, 8, 16, 24])
def test_pieces_of_two_pitches_in_a_world_of_two_pitches_keep_to_the_limit(most: int) -> None:
    """Every six notes stand at hundreds of places there, more than are followed."""
    rng = np.random.default_rng(2)
    world = Index.of(
        [NoteLine(np.arange(0, 24 * 500, 24), rng.choice([60, 62], 500).astype(np.int16)) for _ in range(20)]
    )
    network = saying(time={24: 40}, pitch={60: 40, 62: 40})
    free, kept = (
        compose(network, VOCABULARY, SamplingConfig(count=4, notes=150, seed=3, max_copy=limit), learned=world)
        for limit in (0, most)
    )
    longest = [
        [find(world, NoteLine.of(read_midi(write_midi(notes)))).longest for notes in pieces] for pieces in (free, kept)
    ]
    assert max(longest[1]) <= most
    assert most > 16 or min(longest[0]) > most


def quoting(source: NoteLine, notes: int, passage: int, most: int) -> tuple[np.ndarray, int]:
    """Return what a player plays who quotes passages of one piece in order, each followed by three other notes.

    Also returns the number of draws that the guard rejected.
    """
    other, rng = rows_of(tune(79, 300)), np.random.default_rng(5)
    guard, there = CopyGuard(INDEX, most, 1), rows_of(source)
    played = []
    for number in range(notes):
        lap, within = divmod(number, passage + 3)
        row = (there[lap * passage + within] if within < passage else other[number]).copy()
        logits = rng.normal(-6, 1, (1, 128))
        logits[0, row[PITCH]] = 9
        pitch, _ = guard.draw(logits, row[None, TIME], rng.random(1), draw)
        row[PITCH] = pitch[0]
        guard.add(row[None])
        played.append(row)
    return np.array(played), guard.ruled_out


def beside(piece: int, rows: np.ndarray) -> int:
    """Return the number of notes that lie in passages of one piece of INDEX."""
    found = find(INDEX, line_of(rows))
    inside = np.zeros(len(rows), bool)
    for first, last, there in zip(found.first, found.last, found.there_first, strict=True):
        if INDEX.first[piece] <= there < INDEX.first[piece + 1]:
            inside[first : last + 1] = True
    return int(inside.sum())


@pytest.mark.parametrize("passage", [8, 12, 20])
@pytest.mark.parametrize("share", [MAX_SHARE, 0.2])
def test_no_piece_is_followed_in_more_than_a_share_of_the_notes(
    passage: int, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last passage that is allowed ends after fewer notes than make a passage."""
    monkeypatch.setattr("training.sampling.copy_guard.MAX_SHARE", share)
    kept, _ = quoting(PIECES[4], 280, passage, 24)
    allowed = max(24, share * 280)
    assert allowed - MIN_PASSAGE_NOTES <= beside(4, kept) <= allowed + MIN_PASSAGE_NOTES
    monkeypatch.setattr("training.sampling.copy_guard.MAX_SHARE", 1.0)
    free, _ = quoting(PIECES[4], 280, passage, 24)
    assert beside(4, free) > 1.5 * allowed


def test_one_passage_as_long_as_is_allowed_may_be_played_in_a_short_piece() -> None:
    kept, rejected = quoting(PIECES[4], 43, 40, 40)
    assert rejected == 0
    assert find(INDEX, line_of(kept)).longest == 40


def test_a_figure_that_a_piece_repeats_counts_once() -> None:
    """Sixteen notes of a training piece, four others, and that again and again."""
    figure = np.concatenate([rows_of(PIECES[6])[:16], rows_of(tune(80, 300))[1:5]])
    guard = CopyGuard(INDEX, 24, 1)
    for number in range(200):
        row = figure[number % 20]
        logits = np.full((1, 128), -9.0)
        logits[0, row[PITCH]] = 9
        pitch, _ = guard.draw(logits, row[None, TIME], np.array([0.5]), draw)
        assert pitch[0] == row[PITCH]
        guard.add(row[None])


def test_a_prime_that_is_a_training_piece_may_be_gone_on_with() -> None:
    """Its notes are given; only those after it are counted."""
    source = rows_of(PIECES[8])
    guard = CopyGuard(INDEX, 24, 1)
    for row in source[:100]:
        guard.add(row[None])
    guard.begin()
    for row in (*rows_of(tune(81, 300))[1:8], *source[120:132]):
        logits = np.zeros((1, 128))
        guard.forbid(logits, row[None, TIME])
        assert np.isfinite(logits[0, row[PITCH]])
        guard.add(row[None])
