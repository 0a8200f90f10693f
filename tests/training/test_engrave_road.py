"""Pieces of the real section are engraved with every note."""

from pathlib import Path

import pytest

from dataset.midi.midi_reader import read_midi
from dataset.notation.score import score_of
from tests.training.test_engrave import places, struck, through_musicxml
from training.rendering.engrave import engrave_score

pytestmark = pytest.mark.road

VERY_LONG = 20 * 96  # ticks


@pytest.mark.real
def test_thirty_real_pieces_go_to_musicxml_and_back_with_the_same_notes(real_site: Path) -> None:
    files = [file for file in sorted(real_site.rglob("*.mid")) if file.stat().st_size < 4_000][::6][:30]
    assert len(files) == 30
    for file in files:
        notes = read_midi(file.read_bytes())
        score = score_of(notes, exact=True)
        for measure in score.measures:
            assert {sum(e.ticks for e in voice) for staff in measure.staves for voice in staff.voices} == {
                measure.bar.ticks
            }
        again, tied = struck(through_musicxml(notes)), notes.duration > VERY_LONG
        assert again >= struck(notes), file.name
        for onset, pitch in again - struck(
            notes
        ):  # verovio may strike a note again that is tied through very many bars
            inside = (notes.onset < onset) & (onset < notes.end) & (notes.pitch == pitch)
            assert (inside & tied).any(), (file.name, onset, pitch)


@pytest.mark.real
def test_ten_real_pieces_are_engraved_with_every_note_to_be_found(real_site: Path) -> None:
    for file in sorted(real_site.rglob("*.mid"))[7::80]:
        notes = read_midi(file.read_bytes())
        drawn = [index for page in engrave_score(notes, prefix="x-") for index in places(page)]
        missing = struck(notes) - {(int(notes.onset[n]), int(notes.pitch[n])) for n in drawn}
        assert len(missing) <= 0.01 * len(notes), (
            file.name
        )  # what was played twice within a thirty-second is printed once
