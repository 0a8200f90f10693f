"""Slips: which notes are changed, and that the network learns what follows them but not the slips."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from dataset.notes.model import Notes
from tests.training.songs import song
from training.events.batches import encode_pieces, epoch, with_slips
from training.events.encoding import OWN_CHROMA, classes, encode
from training.events.fields import PITCH, TIME
from training.events.plans import Plan
from training.events.slips import slipped
from training.events.vocabulary import Vocabulary
from training.note_lstm.pieces import TrainingPieces, encoded
from training.note_lstm.recipe import NoteLSTMRecipe

SONGS = [song(n, bars=30 + n) for n in range(5)]
PLAIN = NoteLSTMRecipe(batch=1, window=16, epoch_notes=1, transpose=0, style_dropout=0.0, plan_dropout=0.0)


def rows(notes: Notes) -> list[tuple[int, ...]]:
    columns = (notes.onset, notes.pitch, notes.duration, notes.velocity)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_notes_that_are_no_slips_are_those_of_the_piece_and_few_are_dropped() -> None:
    for number, piece in enumerate(SONGS):
        new, is_slip = slipped(piece, np.random.default_rng(number))
        right = [row for row, wrong in zip(rows(new), is_slip, strict=True) if not wrong]
        assert set(right) <= set(rows(piece))
        assert len(right) > 0.85 * len(piece)
        assert not {row for row, wrong in zip(rows(new), is_slip, strict=True) if wrong} <= set(rows(piece))
        assert new.onset[0] == piece.onset[0]
        assert 0.02 < is_slip.mean() < 0.12
        assert (np.diff(new.onset) >= 0).all()
        assert len({row[:2] for row in rows(new)}) == len(new)
        assert len(classes(new)[0]) == len(is_slip)


def test_each_kind_of_slip_occurs() -> None:
    piece = song(3, bars=400)
    new, is_slip = slipped(piece, np.random.default_rng(1))
    old, wrong = set(rows(piece)), [row for row, slip in zip(rows(new), is_slip, strict=True) if slip]
    onsets, lengths = set(piece.onset.tolist()), {row[:2]: row[2] for row in old}
    assert any(row[0] not in onsets for row in wrong)
    assert any(row[:2] in lengths and lengths[row[:2]] != row[2] for row in wrong)
    assert any(row[0] in onsets and row[:2] not in lengths for row in wrong)
    assert len(old - set(rows(new))) > len(wrong) / 2


def test_slips_are_read_but_not_predicted() -> None:
    pieces = [SimpleNamespace(notes=piece, series="temple", game="wood") for piece in SONGS]
    vocabulary = Vocabulary.of(pieces)
    clean = encode_pieces(pieces, vocabulary, planned=True)
    both = with_slips(clean, pieces, 3, planned=True)
    read = [part for piece in both if (part := piece.slipped) is not None]
    assert len(read) == len(SONGS)
    wanted = sum(int((~wrong[1:]).sum()) for _, wrong in read)
    batches = list(epoch(both, replace(PLAIN, slips=1.0), 0, 0))
    assert sum(int(batch.mask.sum()) for batch in batches) == wanted
    predicted = sorted(
        tuple(row) for batch in batches for row in batch.events[0, 1:][batch.mask[0] > 0][:, : PITCH + 1].tolist()
    )
    assert predicted == sorted(
        tuple(row) for events, wrong in read for row in events[1:][~wrong[1:]][:, TIME : PITCH + 1].tolist()
    )
    batches = list(epoch(both, replace(PLAIN, slips=0.0), 0, 0))
    assert sum(int(batch.mask.sum()) for batch in batches) == sum(len(piece.events) - 1 for piece in clean)


def test_a_piece_with_slips_follows_the_plan_of_the_piece() -> None:
    piece = SONGS[2]
    new, _ = slipped(piece, np.random.default_rng(5))
    [events] = encode([new], planned=True, plans_of=[piece])
    plan, lines = Plan.of(piece)
    bar = np.searchsorted(lines, classes(new)[1], side="right") - 1
    assert (events[1:, OWN_CHROMA[0]] == plan.chroma[bar[1:]]).all()
    assert (Plan.of(new)[0].chroma != plan.chroma).any()


def test_training_pieces_have_slips_where_an_epoch_asks_for_them_and_validation_pieces_never() -> None:
    pieces = [SimpleNamespace(notes=piece, series="temple", game="wood") for piece in SONGS]
    corpus = cast(Any, SimpleNamespace(name="songs", pieces={"train": pieces[1:], "validation": pieces[:1]}.get))
    learned, held = encoded(corpus, Vocabulary.of(pieces), replace(PLAIN, slips=0.5), 3)
    assert [piece.slipped for piece in (*learned.for_slips(0.0), *held)] == [None] * len(pieces)
    slipped_ones = learned.for_slips(0.1)
    assert all(piece.slipped is not None for piece in slipped_ones)
    assert [piece.events is clean.events for piece, clean in zip(slipped_ones, learned.clean, strict=True)] == [
        True
    ] * 4
    assert learned.for_slips(0.5) is slipped_ones  # they are encoded once
    assert [piece.slipped for piece in learned.for_slips(0.0)] == [None] * 4


def test_a_training_that_is_continued_has_the_same_slips_and_another_seed_has_others() -> None:
    pieces = [SimpleNamespace(notes=piece, series="temple", game="wood") for piece in SONGS]
    vocabulary, recipe = Vocabulary.of(pieces), replace(PLAIN, slips=0.5)
    first, again, other = (
        TrainingPieces(cast(Any, pieces), vocabulary, recipe, seed).for_slips(0.5) for seed in (3, 3, 4)
    )
    for expected, found in zip(first, again, strict=True):
        assert expected.slipped is not None
        assert found.slipped is not None
        assert all(np.array_equal(*each) for each in zip(expected.slipped, found.slipped, strict=True))
    assert [len(piece.slipped[0]) for piece in first if piece.slipped] != [
        len(piece.slipped[0]) for piece in other if piece.slipped
    ]
