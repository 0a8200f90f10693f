"""The key of a piece: transposed cadences, degenerate pieces, its score, and what real files state."""

import time
from pathlib import Path

import numpy as np
import pytest

from dataset.measures.keys import MAJOR_KEYS, MINOR_KEYS, key_of
from dataset.midi.midi_reader import read_midi
from dataset.notation.score import score_of
from dataset.notes.key_estimate import LONGEST_HOLD
from dataset.notes.meter import bar_starts, bars_of
from dataset.notes.model import Notes
from tests.dataset.conftest import tune

MAJOR_CADENCE = (0, 4, 7, 5, 9, 12, 7, 11, 14, 0, 4, 7, 12)
MINOR_CADENCE = (0, 3, 7, 5, 8, 12, 7, 11, 14, 0, 3, 7, 12)
LETTERS = dict(zip("CDEFGAB", (0, 2, 4, 5, 7, 9, 11), strict=True))


def cadence(steps: tuple[int, ...], tonic: int) -> Notes:
    size = len(steps)
    return Notes.of(range(size), [24] * (size - 1) + [48], np.array(steps) + 48 + tonic, [64] * size)


@pytest.mark.parametrize("tonic", range(12))
def test_a_cadence_gives_its_key_in_every_transposition(tonic: int) -> None:
    assert key_of(cadence(MAJOR_CADENCE, tonic)) == MAJOR_KEYS[tonic]
    assert key_of(cadence(MINOR_CADENCE, tonic)) == MINOR_KEYS[tonic]


def test_a_piece_in_which_all_pitch_classes_sound_alike_has_no_key() -> None:
    assert key_of(Notes.of(range(12), [24] * 12, range(60, 72), [64] * 12)) is None


def test_a_note_that_its_file_never_ends_does_not_decide() -> None:
    tune = cadence(MAJOR_CADENCE, 0)
    songs = [np.concatenate([column] * 12) for column in (tune.duration, tune.pitch, tune.velocity)]
    onset = np.arange(len(songs[0])) * 24
    stuck = Notes.of([*onset, 0], [*songs[0], 50 * LONGEST_HOLD], [*songs[1], 66], [*songs[2], 64])
    assert key_of(stuck) == "C major"


def test_bars_are_those_of_the_time_signatures_and_empty_ones_cost_nothing() -> None:
    changes = [(0, 1, 4), (24, 3, 4), (24 + 5 * 72, 6, 8), (1000, 5, 64)]
    ticks = np.array([0, 23, 24, 100, 400, 999, 1000, 1500, 13_000_000])
    every = np.array([bar.start for bar in bars_of(changes, 1600)])
    wanted = np.unique(every[np.searchsorted(every, ticks[:-1], side="right") - 1])
    assert bar_starts(changes, ticks[:-1]).tolist() == wanted.tolist()
    assert bar_starts(changes, ticks).tolist()[:-1] == wanted.tolist()
    far = Notes.of([*range(0, 96, 24), 13_000_000], [24] * 5, [60, 64, 67, 72, 60], [64] * 5)
    began = time.process_time()
    assert key_of(far) == "C major"
    assert time.process_time() - began < 1


@pytest.mark.parametrize("seed", range(4))
def test_the_measure_is_the_key_of_a_score_that_nothing_is_stated_for(seed: int) -> None:
    notes = tune(seed, 60)
    name = key_of(notes)
    assert name is not None
    first = score_of(notes, exact=True)
    tonic = (7 * first.fifths - 3 * (first.mode == "minor")) % 12
    assert (number(name.split()[0]), name.split()[1]) == (tonic, first.mode)


def number(tonic: str) -> int:
    """Return the pitch class of a name such as F# or Bb."""
    return (LETTERS[tonic[0]] + tonic.count("#") - tonic[1:].count("b")) % 12


@pytest.mark.real
def test_real_pieces_have_the_accidentals_that_their_files_state(real_site: Path) -> None:
    right, minor = [], []
    for data in {path.read_bytes() for path in sorted(real_site.rglob("*.mid"))}:
        if b"\xff\x59\x02" not in data:
            continue
        notes = read_midi(data)
        said = notes.key_signatures
        if len(said) != 1 or said[0][1:] == (0, 0) or not len(notes):
            continue
        tonic, mode = (key_of(notes) or "C none").split()
        right.append((number(tonic) + 3 * (mode == "minor") - 7 * said[0][1]) % 12 == 0)
        minor += [mode == "minor"] * said[0][2]
    assert len(right) > 200
    assert np.mean(right) >= 0.75  # the key whose Krumhansl profile correlates best: 0.63
    assert np.mean(minor) >= 0.75
