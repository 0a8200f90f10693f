"""Names of pitches: as composers spell them, in scores of music21's corpus and in single figures."""

import numpy as np
import pytest

from dataset.notation import spelling
from dataset.notation.spelling import fifths_of
from dataset.notes.model import Notes

NATURAL = {letter: place - 1 for place, letter in enumerate(spelling.LETTERS)}
WRITTEN = {
    "bach/bwv190.7": 5,
    "bach/bwv340": 2,
    "bach/bwv309": 0,
    "schumann_robert/opus48no2": 1,
    "beethoven/opus18no1/movement4": 67,
}
"""Movements of one key signature each, and how many of their notes get another name than in print."""


def named(names: str) -> list[int]:
    """Places on the line of fifths."""
    return [NATURAL[name[0]] + 7 * (name.count("#") - name[1:].count("b")) for name in names.split()]


def spelt(pitches: list[int], signature: int, is_minor: bool, bass: list[int]) -> list[int]:
    """The places of a line in eighths, over notes of a whole bar."""
    onset = [*[0] * len(bass), *range(0, 12 * len(pitches), 12)]
    duration = [*[12 * len(pitches)] * len(bass), *[12] * len(pitches)]
    order = np.lexsort(([*bass, *pitches], onset))
    columns = (np.array(column)[order] for column in (onset, duration, [*bass, *pitches]))
    notes = Notes.of(*columns, np.full(len(order), 80))
    found = fifths_of(notes, np.full(len(order), signature), np.full(len(order), is_minor))
    line = sorted(range(len(order)), key=lambda at: order[at])[len(bass) :]
    return [int(found[at]) for at in line]


@pytest.mark.parametrize(
    "pitches, signature, is_minor, bass, names",
    [
        ([70, 69, 70, 69, 70, 69, 70, 69], -6, True, [39, 46], "Bb A Bb A Bb A Bb A"),
        ([60, 61, 62, 63, 64, 65, 66, 67], 0, False, [48], "C C# D Eb E F F# G"),
        ([67, 68, 67, 68, 67], 0, False, [48, 55], "G Ab G Ab G"),
        ([67, 66, 67, 66, 67], -3, True, [48, 55], "G F# G F# G"),
        ([76, 75, 76, 75, 76, 71, 74, 72, 69], 0, True, [57], "E D# E D# E B D C A"),
        ([61, 57, 58, 61, 65, 63, 61, 58], -1, False, [37, 49], "Db A Bb Db F Eb Db Bb"),
    ],
)
def test_a_note_goes_to_the_next_by_a_step_of_the_scale(
    pitches: list[int], signature: int, is_minor: bool, bass: list[int], names: str
) -> None:
    assert spelt(pitches, signature, is_minor, bass) == named(names)


@pytest.mark.parametrize("name", WRITTEN)
def test_names_are_those_that_composers_wrote(name: str) -> None:
    from music21 import corpus

    score = corpus.parse(name)
    rows = sorted(
        (round(float(note.offset) * 24), pitch.midi, max(1, int(note.quarterLength * 24)), pitch.step, int(pitch.alter))
        for part in score.parts
        for note in part.flatten().notes
        for pitch in note.pitches
    )
    onset, midi, duration, step, alter = zip(*rows, strict=True)
    sharps = int(score.parts[0].flatten().getElementsByClass("KeySignature")[0].sharps)
    found = fifths_of(
        Notes.of(onset, duration, midi, [80] * len(rows)), np.full(len(rows), sharps), np.zeros(len(rows), bool)
    )
    written = [NATURAL[letter] + 7 * sign for letter, sign in zip(step, alter, strict=True)]
    assert int((found != written).sum()) <= WRITTEN[name]
