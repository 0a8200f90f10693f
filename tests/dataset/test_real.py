"""The real piano section, if available: read, written and read again."""

import hashlib
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import mido
import pytest

from dataset.build import build_corpus
from dataset.midi.midi_reader import read, read_midi
from dataset.midi.midi_writer import midi_of, write_midi
from dataset.notes.hands import hands_of
from dataset.plan import Plan
from tests.dataset.conftest import fill

pytestmark = pytest.mark.real


@pytest.fixture
def files(real_site: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(real_site.rglob("*.mid"))}


def test_every_real_file_survives_the_way_through_notes_and_midi(files: dict[str, bytes]) -> None:
    assert len(files) == 721
    for name, data in files.items():
        notes = read_midi(data)
        written = midi_of(notes)
        again = read_midi(written.data)
        if written.cut == 0:
            assert again == replace(notes, hand=hands_of(notes)), name
        assert read_midi(write_midi(again)) == again, name


def test_every_note_on_of_the_real_files_is_a_note_or_counted_as_dropped(files: dict[str, bytes]) -> None:
    unended = 0
    for name, data in files.items():
        reading = read(data)
        ons = sum(
            message.type == "note_on" and message.velocity > 0
            for track in mido.MidiFile(file=BytesIO(data), clip=True).tracks
            for message in track
        )
        assert reading.note_ons == ons, name
        assert len(reading.notes) + sum(reading.dropped.values()) == ons, name
        unended += reading.unended
    assert unended == 366


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
