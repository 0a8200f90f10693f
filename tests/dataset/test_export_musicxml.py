"""Scores: music21 reads back the written pitches, onsets and lengths."""

from fractions import Fraction

from dataset.export.musicxml import to_musicxml
from dataset.measures.keys import MAJOR_KEYS, MINOR_KEYS, key_of
from dataset.notes.model import Notes
from tests.dataset.conftest import tune

SHARPS = dict(zip(MAJOR_KEYS, (0, -5, 2, -3, 4, -1, 6, 1, -4, 3, -2, 5), strict=True)) | dict(
    zip(MINOR_KEYS, (-3, 4, -1, -6, 1, -4, 3, -2, 5, 0, -5, 2), strict=True)
)


def read_back(data: bytes) -> list[tuple[int, int, int]]:
    """Return (onset, pitch, length) in ticks of every note, with ties joined."""
    from music21 import converter

    found: list[tuple[int, int, int]] = []
    for part in converter.parseData(data, format="musicxml").parts:
        held: dict[int, tuple[int, int]] = {}
        for element in part.flatten().notes:
            at, length = (Fraction(value) * 24 for value in (element.offset, element.quarterLength))
            for note in element.notes if element.isChord else [element]:
                pitch, kind = note.pitch.midi, note.tie.type if note.tie else None
                start = held.pop(pitch)[0] if kind in ("stop", "continue") else round(at)
                if kind in ("start", "continue"):
                    held[pitch] = (start, 0)
                else:
                    found.append((start, pitch, round(at + length) - start))
        assert not held
    return sorted(found)


def written(notes: Notes) -> list[tuple[int, int, int]]:
    """Return what notation can express of notes.

    One note per pitch and onset, ended where its pitch is struck again.
    """
    rows = sorted(zip(notes.pitch.tolist(), notes.onset.tolist(), (-notes.end).tolist(), strict=True))
    first = [row for n, row in enumerate(rows) if n == 0 or row[:2] != rows[n - 1][:2]]
    ends = [
        min(-row[2], after[1]) if after and after[0] == row[0] else -row[2]
        for row, after in zip(first, [*first[1:], None], strict=True)
    ]
    return sorted((onset, pitch, end - onset) for (pitch, onset, _), end in zip(first, ends, strict=True))


def test_music21_reads_back_what_was_written() -> None:
    for number in range(3):
        notes = tune(number, 60)
        assert read_back(to_musicxml((notes, "A & <b>"))) == written(notes)


def test_any_place_on_the_grid_survives_and_so_do_changes_of_time() -> None:
    notes = Notes.of(
        range(0, 400, 7), [5 + n % 90 for n in range(58)], [40 + n % 37 for n in range(58)], [80] * 58,
        [(0, 120.0), (100, 90.0)], [(0, 3, 4), (150, 6, 8), (222, 4, 4)],
    )  # fmt: skip
    assert read_back(to_musicxml((notes, ""))) == written(notes)


def test_a_score_has_two_staves_with_key_time_and_tempo() -> None:
    from music21 import converter

    score = converter.parseData(to_musicxml((tune(1), "Title")), format="musicxml")
    assert [part.recurse().getElementsByClass("Clef").first().sign for part in score.parts] == ["G", "F"]
    assert score.recurse().getElementsByClass("KeySignature").first().sharps == SHARPS[key_of(tune(1))]
    assert score.recurse().getElementsByClass("TimeSignature").first().ratioString == "3/4"
    assert round(score.recurse().getElementsByClass("MetronomeMark").first().number) == 101


def test_a_score_names_no_composer_that_it_does_not_know() -> None:
    assert b"composer" not in to_musicxml((tune(1), "Title"))
