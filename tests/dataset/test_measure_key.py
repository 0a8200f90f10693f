"""The key of a piece: transposed cadences, degenerate pieces, and music21.

`VGPIANO_MUSIC21=100` sets the number of real files to compare with music21, which reads about two a second.
"""

import os
import random
from pathlib import Path

import numpy as np
import pytest

from dataset.measures.keys import MAJOR_KEYS, MAX_HOLD, MINOR_KEYS, key_of
from dataset.midi.midi_reader import read_midi
from dataset.notes.model import Notes

SAMPLE = int(os.environ.get("VGPIANO_MUSIC21", "6"))
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
    stuck = Notes.of([*onset, 0], [*songs[0], 50 * MAX_HOLD], [*songs[1], 66], [*songs[2], 64])
    assert key_of(stuck) == "C major"


def number(tonic: str) -> int:
    """Return the pitch class of a name such as F#, Bb or music21's B-."""
    return (LETTERS[tonic[0].upper()] + tonic.count("#") - tonic[1:].count("b") - tonic[1:].count("-")) % 12


@pytest.mark.real
def test_music21_finds_the_same_keys_in_the_same_files(real_site: Path) -> None:
    from music21 import converter

    other = []
    for path in random.Random(0).sample(sorted(real_site.rglob("*.mid")), SAMPLE):
        detected = converter.parse(path, format="midi", forceSource=True, storePickle=False).analyze("key.krumhansl")
        tonic, mode = (key_of(read_midi(path.read_bytes())) or "C none").split()
        if (number(tonic), mode) != (number(detected.tonic.name), detected.mode):
            other.append((path.name, f"{tonic} {mode}", str(detected)))
    assert len(other) <= max(1, 0.05 * SAMPLE), other
