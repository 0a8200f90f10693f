"""An epoch holds every training note once, whatever its windows; the same seed and number give the same batches."""

from dataclasses import replace

import numpy as np

from tests.training.conftest import song
from training.batches import Batch, EncodedPiece, epoch
from training.events import GUESS_TIME, PITCH, TIME, encode
from training.recipe import NoteLSTMRecipe
from training.repeats import follow

RECIPE = NoteLSTMRecipe(batch=4, window=16, epoch_notes=1)
PIECES = [EncodedPiece(encode(song(n, bars=3 + n)), (1, 1 + n % 2)) for n in range(5)]


def windows(batches: list[Batch]) -> set[bytes]:
    """The distinct notes predicted, transposed back to where C sharp of the first is."""
    return {row.tobytes() for batch in batches for row in batch.events[:, :, TIME]}


def test_every_note_but_the_first_of_each_piece_is_predicted_once() -> None:
    plain = replace(RECIPE, transpose=0, style_dropout=0.0, batch=1)
    predicted = sum(int(batch.mask.sum()) for batch in epoch(PIECES, plain, 7, 0))
    assert predicted == sum(len(piece.events) - 1 for piece in PIECES)


def test_the_same_epoch_of_the_same_seed_is_the_same_and_the_next_is_not() -> None:
    first, again = list(epoch(PIECES, RECIPE, 7, 3)), list(epoch(PIECES, RECIPE, 7, 3))
    assert all((a.events == b.events).all() and (a.style == b.style).all() for a, b in zip(first, again, strict=True))
    assert windows(first) != windows(list(epoch(PIECES, RECIPE, 7, 4)))


def test_transposition_moves_pitches_and_guesses_together_and_stays_on_the_keyboard() -> None:
    whole = replace(RECIPE, window=400, transpose=60)  # each window is a whole piece, so its guesses can be found anew
    shifts = set()
    for batch in epoch(PIECES, whole, 1, 0):
        for row, mask in zip(batch.events, batch.mask, strict=True):
            held = row[: int(mask.sum()) + 1]
            assert held[:, PITCH].min() >= 0
            assert held[:, PITCH].max() <= 127
            assert (follow(held[:, :3]) == held[:, GUESS_TIME:]).all()
            shifts.add(int(held[0, PITCH]))
    assert len(shifts) > 1


def test_styles_are_hidden_at_random_so_that_they_are_optional() -> None:
    styles = np.concatenate([b.style for b in epoch(PIECES, replace(RECIPE, epoch_notes=20_000), 1, 0)])
    assert 0.2 < (styles == 0).mean() < 0.4
    assert set(styles[:, 1]) == {0, 1, 2}
