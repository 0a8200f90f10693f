"""Batches: every training note once per epoch; deterministic."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np

from dataset.notes.model import Notes
from tests.training.songs import song
from training.events.batches import Batch, EncodedPiece, epoch
from training.events.encoding import (
    CONFIDENCE,
    GUESS,
    HEARD,
    NEXT_PITCH,
    PITCH_CLASS_SHARES,
    PLANNED,
    RELEASES,
    encode,
)
from training.events.fields import PITCH, TIME
from training.events.repeat_models import PLAN_GUESSES
from training.note_lstm.recipe import NoteLSTMRecipe

RECIPE = NoteLSTMRecipe(batch=4, window=16, epoch_notes=1)
SONGS = [song(n, bars=3 + n) for n in range(5)]
PIECES = [EncodedPiece(events, (1, 1 + n % 2)) for n, events in enumerate(encode(SONGS))]
PLANNED_PIECES = [EncodedPiece(events, (1, 1)) for events in encode(SONGS, planned=True)]
WHOLE = replace(RECIPE, window=400)  # each window is a whole piece


def test_every_note_but_the_first_of_each_piece_is_predicted_once() -> None:
    plain = replace(RECIPE, transpose=0, style_dropout=0.0, batch=1)
    predicted = sum(int(batch.mask.sum()) for batch in epoch(PIECES, plain, 7, 0))
    assert predicted == sum(len(piece.events) - 1 for piece in PIECES)


def test_the_same_epoch_of_the_same_seed_is_the_same_and_the_next_is_not() -> None:
    first, again = list(epoch(PIECES, RECIPE, 7, 3)), list(epoch(PIECES, RECIPE, 7, 3))
    assert all((a.events == b.events).all() and (a.style == b.style).all() for a, b in zip(first, again, strict=True))
    other = list(epoch(PIECES, RECIPE, 7, 4))
    assert any((a.events != b.events).any() for a, b in zip(first, other, strict=True))


def test_the_windows_of_a_piece_follow_one_another_in_one_row_and_only_then_is_the_state_carried_on() -> None:
    plain = replace(RECIPE, transpose=0)
    batches = list(epoch(PIECES, plain, 5, 0))
    starts = {piece.events[0, : PITCH + 1].tobytes() for piece in PIECES}
    carried = 0
    assert (batches[0].fresh == 1).all()
    for before, batch in pairwise(batches):
        for row in range(plain.batch):
            if batch.fresh[row]:
                assert batch.events[row, 0, : PITCH + 1].astype(np.int16).tobytes() in starts
            else:
                assert (batch.events[row, 0] == before.events[row, -1]).all()
                carried += 1
    assert carried > 10


def test_transposition_moves_pitches_and_guesses_together_and_stays_on_the_keyboard() -> None:
    whole = replace(RECIPE, window=400, transpose=60)  # each window is a whole piece, so its guesses can be found anew
    shifts = set()
    for batch in epoch(PIECES, whole, 1, 0):
        for row, mask in zip(batch.events, batch.mask, strict=True):
            held = row[: int(mask.sum()) + 1]
            assert held[:, PITCH].min() >= 0
            assert held[:, PITCH].max() <= 127
            [piece] = [
                p.events for p in PIECES if len(p.events) == len(held) and (p.events[:, TIME] == held[:, TIME]).all()
            ]
            shift = int(held[0, PITCH] - piece[0, PITCH])
            assert (held[:, PITCH] == piece[:, PITCH] + shift).all()
            trusted = piece[:, CONFIDENCE["pitch"]] > 0
            moved = np.clip(piece[:, GUESS["pitch"]] + shift, 0, 127)
            assert (held[:, GUESS["pitch"]] == np.where(trusted, moved, 0)).all()
            is_predicted = piece[:, CONFIDENCE["time"]][:, 0] > 0
            assert (held[:, NEXT_PITCH] == np.where(is_predicted, piece[:, NEXT_PITCH] + shift, 0)).all()
            assert (held[:, GUESS["time"]] == piece[:, GUESS["time"]]).all()
            pitch_class_shares, before = (rows[:, PITCH_CLASS_SHARES].reshape(-1, 2, 12) for rows in (held, piece))
            assert before[1:].any()
            assert (pitch_class_shares == before[:, :, (np.arange(12) - shift) % 12]).all()
            shifts.add(shift)
    assert len(shifts) > 1


def test_styles_are_hidden_at_random_so_that_they_are_optional_and_no_game_is_said_without_its_series() -> None:
    styles = np.concatenate([b.style for b in epoch(PIECES, replace(RECIPE, epoch_notes=20_000), 1, 0)])
    series, game = (styles > 0).mean(axis=0)
    assert abs(series - (1 - RECIPE.style_dropout)) < 0.1
    assert abs(game - (1 - RECIPE.style_dropout) ** 2) < 0.1
    assert set(map(tuple, styles)) == {(0, 0), (1, 0), (1, 1), (1, 2)}


def moved_by(notes: Notes, shift: int) -> Notes:
    return Notes(
        notes.onset,
        notes.duration,
        notes.pitch.astype(int) + shift,
        notes.velocity,
        notes.tempos,
        notes.time_signatures,
    )


def test_a_transposed_piece_has_the_ranges_and_what_sounds_of_the_piece_played_higher_or_lower() -> None:
    recipe = replace(WHOLE, transpose=6, plan_dropout=0.0)
    shifts = set()
    for batch in epoch(PLANNED_PIECES, recipe, 2, 0):
        for row, mask in zip(batch.events, batch.mask, strict=True):
            held = row[: int(mask.sum()) + 1]
            [number] = [n for n, piece in enumerate(PLANNED_PIECES) if len(piece.events) == len(held)]
            shift = int(held[0, PITCH] - PLANNED_PIECES[number].events[0, PITCH])
            [anew] = encode([moved_by(SONGS[number], shift)], planned=True)
            for columns in (PLANNED, HEARD, RELEASES, GUESS["pitch"], CONFIDENCE["pitch"]):
                assert held[1:, columns].any()
                assert (held[:, columns] == anew[:, columns]).all()
            shifts.add(shift)
    assert min(shifts) < 0 < max(shifts)


def given_plans(made: Iterator[Batch]) -> list[bool]:
    """Return whether the plan of each piece of an epoch of whole pieces is given."""
    known = []
    for batch in made:
        for row, mask in zip(batch.events, batch.mask, strict=True):
            held = row[1 : int(mask.sum()) + 1]
            given = held[:, PLANNED].any(axis=1)
            of_plan = {name: slice(-count, None) for name, count in PLAN_GUESSES.items()}
            trusted = [held[:, CONFIDENCE[name]][:, which].any() for name, which in of_plan.items()]
            guessed = [held[:, GUESS[name]][:, which].any() for name, which in of_plan.items()]
            assert given.all() or not (given.any() or any(trusted) or any(guessed))
            known.append(bool(given.all()))
    return known


def test_plans_are_forgotten_at_random_so_that_they_are_optional() -> None:
    def given(plan_dropout: float) -> list[bool]:
        recipe = replace(WHOLE, plan_dropout=plan_dropout, epoch_notes=20_000)
        return given_plans(epoch(PLANNED_PIECES, recipe, 4, 0))

    assert not any(given(1.0))
    assert all(given(0.0))
    assert abs(np.mean(given(0.5)) - 0.5) < 0.15
