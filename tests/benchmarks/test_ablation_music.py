"""What the ablation of composing leaves out is there to be left out."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import ablation_music as ablation

from dataset.notes.model import Notes
from tests.training.songs import song
from training.events import encoding
from training.note_lstm.recipe import NoteLSTMRecipe


@pytest.mark.parametrize("name", ablation.PARTS)
def test_each_part_has_attributes_to_replace_and_they_come_back(name: str) -> None:
    part = ablation.PARTS[name]
    NoteLSTMRecipe(**part.recipe)
    patches = part.trained + part.composed
    before = [getattr(where, attribute) for where, attribute, _ in patches]
    with ablation.patched(patches):
        assert all(getattr(where, attribute) is value for where, attribute, value in patches)
    assert [getattr(where, attribute) for where, attribute, _ in patches] == before


def test_coarse_times_shift_what_follows_a_gap_that_no_coarse_class_has() -> None:
    notes = Notes.of([0, 12, 84, 96], [12, 72, 12, 12], [60, 62, 64, 65], [80] * 4)
    coarse = ablation.coarse(notes)
    assert coarse.onset.tolist() == [0, 12, 12 + 68, 12 + 68 + 12]
    assert coarse.duration.tolist() == [12, 68, 12, 12]
    assert np.array_equal(coarse.pitch, notes.pitch)


def test_what_sounds_is_left_out_of_large_corpora_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many notes are encoded by worker processes, in which nothing is patched."""
    monkeypatch.setattr(encoding, "SHARED", 10)
    pieces = [song(number) for number in range(4)]
    assert all(rows[:, encoding.HEARD].any() for rows in encoding.encode(pieces))
    with ablation.patched(ablation.PARTS["what sounds"].trained):
        assert not any(rows[:, encoding.HEARD].any() for rows in encoding.encode(pieces))
