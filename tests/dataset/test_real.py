"""The real piano section, if available: read, written and read again."""

import hashlib
import json
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import mido
import pytest

from dataset.build import build_corpus
from dataset.midi.midi_reader import Reading, read, read_midi
from dataset.midi.midi_writer import midi_of, write_midi
from dataset.notes.hands import hands_of
from dataset.plan import Plan
from tests.dataset.conftest import fill

pytestmark = [pytest.mark.road, pytest.mark.real]


MIDO = "bd0f795703b5be85d1cfe385a3fc7ebb12db4645a8b7462b1d26a22ae9d8ff20"
"""SHA-256 of the note-ons that mido finds in each file of the section: mido takes ten times as long as our reader."""


@pytest.fixture(scope="module")
def files(real_site: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(real_site.rglob("*.mid"))}


@pytest.fixture(scope="module")
def readings(files: dict[str, bytes]) -> dict[str, Reading]:
    """What our reader finds in each file."""
    return {name: read(data) for name, data in files.items()}


def test_every_real_file_survives_the_way_through_notes_and_midi(readings: dict[str, Reading]) -> None:
    assert len(readings) == 721
    for name, reading in readings.items():
        notes = reading.notes
        written = midi_of(notes)
        again = read_midi(written.data)
        if written.cut == 0:
            assert again == replace(notes, hand=hands_of(notes)), name
        rewritten = write_midi(again)
        if rewritten != written.data:  # else it was read already
            assert read_midi(rewritten) == again, name


def test_every_note_on_of_the_real_files_is_a_note_or_counted_as_dropped(
    files: dict[str, bytes], readings: dict[str, Reading]
) -> None:
    found = {name: reading.note_ons for name, reading in readings.items()}
    if hashlib.sha256(json.dumps(found).encode()).hexdigest() != MIDO:
        for name, data in files.items():
            assert found[name] == note_ons(data), name
    for name, reading in readings.items():
        assert len(reading.notes) + sum(reading.dropped.values()) == reading.note_ons, name
    assert sum(reading.unended for reading in readings.values()) == 366


def note_ons(data: bytes) -> int:
    """The number of note-ons that mido finds in a file."""
    return sum(
        message.type == "note_on" and message.velocity > 0
        for track in mido.MidiFile(file=BytesIO(data), clip=True).tracks
        for message in track
    )


def test_the_funnel_of_the_real_section_adds_up_and_nearly_everything_stays(
    files: dict[str, bytes], tmp_path: Path
) -> None:
    fill(tmp_path, files)
    corpus = build_corpus(tmp_path, Plan(query="section == 'piano'"), "all")
    funnel = corpus.manifest.funnel
    assert (funnel.listed, funnel.fetched, funnel.parsed) == (721, 721, 721)
    assert len(corpus.pieces()) + len(corpus.excluded()) == 721
    assert corpus.manifest.reasons == {
        "duplicate_bytes": 2,
        "duplicate_near": 7,
        "duplicate_notes": 1,
        "not_piano": 3,
        "too_few_notes": 1,
    }
    loud = {hashlib.sha256(data).hexdigest() for data in files.values() if _has_velocity_above_127(data)}
    assert loud
    assert loud <= {piece.sha256 for piece in corpus.pieces()}


def _has_velocity_above_127(data: bytes) -> bool:
    from symusic import Score

    try:
        Score.from_midi(data)
    except RuntimeError:
        return True
    return False
