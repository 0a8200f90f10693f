"""Scores: music21 reads back the written pitches, onsets and lengths.

`VGPIANO_MUSIC21=200` sets the number of real files that it reads, about one a second.
"""

import os
import random
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from dataset.export.musicxml import to_musicxml
from dataset.midi.midi_reader import read_midi
from dataset.notation.records import Credits
from dataset.notes.hands import hands_of
from dataset.notes.key_estimate import printed_keys
from dataset.notes.meter import bars_of
from dataset.notes.model import LEFT, RIGHT, Notes
from tests.dataset.conftest import tune

if TYPE_CHECKING:
    from music21.stream import Score

SAMPLE = int(os.environ.get("VGPIANO_MUSIC21", "2"))


Found = tuple[int, int, int, int]  # hand, onset, pitch, length; in ticks


def read_score(score: "Score") -> list[Found]:
    """Return every note of a music21 score, with ties joined."""
    found: list[Found] = []
    for hand, part in zip((RIGHT, LEFT), score.parts, strict=True):
        held: dict[int, int] = {}
        for element in part.flatten().notes:
            at, length = (Fraction(value) * 24 for value in (element.offset, element.quarterLength))
            for note in element.notes if element.isChord else [element]:
                pitch, kind = note.pitch.midi, note.tie.type if note.tie else None
                start = held.pop(pitch) if kind in ("stop", "continue") else round(at)
                if kind in ("start", "continue"):
                    held[pitch] = start
                else:
                    found.append((hand, start, pitch, round(at + length) - start))
        assert not held
    return sorted(found)


def read_back(data: bytes) -> list[Found]:
    """Return the notes that music21 reads in a MusicXML file."""
    from music21 import converter

    return read_score(converter.parseData(data, format="musicxml"))


def written(notes: Notes) -> list[Found]:
    """Return what notation can express of notes.

    One note per hand, pitch and onset, ended where the hand strikes its pitch again.
    """
    columns = hands_of(notes).tolist(), notes.pitch.tolist(), notes.onset.tolist(), (-notes.end).tolist()
    rows = sorted(zip(*columns, strict=True))
    first = [row for n, row in enumerate(rows) if n == 0 or row[:3] != rows[n - 1][:3]]
    ends = [
        min(-row[3], after[2]) if after and after[:2] == row[:2] else -row[3]
        for row, after in zip(first, [*first[1:], None], strict=True)
    ]
    return sorted((hand, onset, pitch, end - onset) for (hand, pitch, onset, _), end in zip(first, ends, strict=True))


def key_of(notes: Notes) -> int:
    """The sharps with which a piece begins."""
    bars = [bar.start for bar in bars_of(notes.time_signatures, int(notes.end.max()))]
    return printed_keys((), notes.onset, notes.duration, notes.pitch, bars)[0][1]


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


@pytest.mark.real
def test_music21_reads_the_notes_hands_keys_and_bars_of_real_pieces(real_site: Path) -> None:
    from music21 import converter

    files = {path.name: path.read_bytes() for path in sorted(real_site.rglob("*.mid"))}
    for name in random.Random(3).sample(sorted(files), SAMPLE):
        notes = read_midi(files[name])
        score = converter.parseData(to_musicxml((notes, name)), format="musicxml")
        bars = bars_of(notes.time_signatures, int(notes.end.max()))
        assert read_score(score) == written(notes), name
        for part in score.parts:
            measures = part.getElementsByClass("Measure")
            assert [Fraction(bar.offset) * 24 for bar in measures] == [bar.start for bar in bars], name
            signs = [(Fraction(s.offset) * 24, s.sharps) for s in part.flatten().getElementsByClass("KeySignature")]
            assert changes(signs) == printed_signs(notes, [bar.start for bar in bars]), name


def printed_signs(notes: Notes, bars: list[int]) -> list[tuple[int, int]]:
    """Return (bar line, sharps) of the key signatures of a piece, each at the nearest bar line."""
    found: dict[int, int] = {}
    for tick, fifths, _ in printed_keys(notes.key_signatures, notes.onset, notes.duration, notes.pitch, bars):
        found[min(bars, key=lambda bar: (abs(bar - tick), bar))] = fifths
    return changes(list(found.items()))


def changes(signs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the signatures without those that repeat the one before."""
    return [sign for before, sign in pairwise([(-1, None), *signs]) if sign[1] != before[1]]


def test_a_score_has_two_staves_with_key_time_and_tempo() -> None:
    from music21 import converter

    notes = tune(1)
    score = converter.parseData(to_musicxml((notes, "Title")), format="musicxml")
    assert [part.recurse().getElementsByClass("Clef").first().sign for part in score.parts] == ["G", "F"]
    assert score.recurse().getElementsByClass("KeySignature").first().sharps == key_of(notes)
    assert score.recurse().getElementsByClass("TimeSignature").first().ratioString == "3/4"
    assert round(score.recurse().getElementsByClass("MetronomeMark").first().number) == 101


def test_a_score_names_no_composer_that_it_does_not_know() -> None:
    assert b"composer" not in to_musicxml((tune(1), "Title"))


def test_what_is_known_of_a_piece_is_in_its_score() -> None:
    from music21 import converter

    known = Credits(game="Game <1>", series="Series", sequencer="A. Person", source="https://example.org/a.mid")
    data = to_musicxml((tune(1), "Title", known)).decode()
    assert "<work-title>Title</work-title>" in data
    assert "<encoder>A. Person</encoder>" in data
    assert "<source>https://example.org/a.mid</source>" in data
    assert '<miscellaneous-field name="game">Game &lt;1&gt;</miscellaneous-field>' in data
    words = [element.text for element in ElementTree.fromstring(data).iter("credit-words")]
    assert words == ["Title", "Game <1> (Series)", "Sequenced by A. Person", "https://example.org/a.mid"]
    assert converter.parseData(data, format="musicxml").metadata.title == "Title"
    assert b"<credit" not in to_musicxml((tune(1), "Title"))
