"""The piano tracks of pieces for several instruments, and their measures."""

from dataclasses import replace
from pathlib import Path

import pytest

from catalog.schema import Piece
from catalog.store import Catalog
from dataset.build import build_corpus
from dataset.measure import measure_catalog
from dataset.midi.midi_reader import read
from dataset.plan import Plan
from tests.dataset.conftest import Event, fill, midi, off, on

ALL = Plan(query="source == 'vgmusic'")
PIANOS = Plan(query=ALL.query, piano_tracks=True)


def program(number: int, channel: int = 0, time: int = 0) -> Event:
    return time, bytes([0xC0 | channel, number])


def line(pitches: list[int], channel: int = 0) -> list[Event]:
    """Return a quarter note of each pitch, one after the other."""
    return [event for pitch in pitches for event in (on(0, pitch, channel=channel), off(480, pitch, channel=channel))]


def pitches(data: bytes) -> list[int]:
    """Return what the pianos play."""
    return sorted(read(data, piano_only=True).notes.pitch.tolist())


SCALE = [60 + step for step in range(20)]
BAND = midi(
    [program(0), *line(SCALE)],
    [program(40, 1), *line([step + 12 for step in SCALE] * 3, 1)],
    line([36, 38] * 30, 9),
)


@pytest.mark.parametrize("number, taken", [(0, True), (7, True), (8, False), (127, False)])
def test_programs_0_to_7_are_pianos(number: int, taken: bool) -> None:
    assert pitches(midi([program(number), *line([60])])) == ([60] if taken else [])


def test_what_has_no_program_is_a_piano_and_channel_10_is_drums() -> None:
    assert pitches(midi(line([60]), line([36], 9), [program(0, 9), *line([37], 9)])) == [60]


def test_a_change_of_program_within_a_track_parts_its_notes() -> None:
    track = [*line([60]), program(40), *line([62]), program(1), *line([64])]
    assert pitches(midi(track)) == [60, 64]
    late = [on(0, 60), program(40, time=240), off(240, 60), *line([62])]  # the note began as a piano's
    assert pitches(midi(late)) == [60]


@pytest.mark.parametrize("kind", [0, 1])
def test_each_channel_of_a_track_has_its_own_program(kind: int) -> None:
    events = [program(40, 1), program(4, 2), on(0, 60), on(0, 70, channel=1), on(0, 80, channel=2)]
    events += [off(480, 60), off(0, 70, channel=1), off(0, 80, channel=2)]
    assert pitches(midi(events, kind=kind)) == [60, 80]


def test_a_piece_for_a_band_is_left_out_unless_its_piano_is_asked_for(tmp_path: Path) -> None:
    fill(tmp_path, {"Piano": midi(line(SCALE[::-1])), "Band": BAND})
    whole = build_corpus(tmp_path, ALL, "whole")
    assert whole.manifest.reasons == {"not_piano": 1}
    assert not whole.manifest.piano_tracks
    corpus = build_corpus(tmp_path, PIANOS, "pianos")
    assert corpus.manifest.reasons == {}
    assert corpus.manifest.piano_tracks
    assert corpus.manifest.identity != whole.manifest.identity
    band, piano = sorted(corpus.pieces(), key=lambda piece: piece.title)
    assert band.notes.pitch.tolist() == SCALE
    (row,) = (each for each in corpus.measures().to_pylist() if each["sha256"] == band.sha256)
    assert (row["notes"], row["tracks"], row["piano_share"], row["drum_share"]) == (20, 1, 1.0, 0.0)
    assert piano.notes == whole.pieces()[0].notes  # of a piece for piano nothing is lost


def test_a_scraped_piece_of_another_section_without_a_piano_has_its_reason(tmp_path: Path) -> None:
    fill(tmp_path, {"Piano": midi(line(SCALE))})
    with Catalog(tmp_path).writer() as writer:
        row = Piece(
            source="vgmusic",
            section="nintendo/snes",
            url="https://example.org/nintendo/snes/violins.mid",
            game_title="A Game",
            game="a-game",
            series="a",
            title="Violins",
            state="fetched",
            sha256=writer.put_blob(midi([program(40), *line(SCALE)])),
        )
        drums = replace(row, url=f"{row.url}2", title="Drums", sha256=writer.put_blob(midi(line([36] * 40, 9))))
        writer.add([row, drums])
    corpus = build_corpus(tmp_path, PIANOS)
    left_out = {each["title"]: (each["stage"], each["reason"]) for each in corpus.excluded().to_pylist()}
    assert left_out == {"Violins": ("parse", "no_piano"), "Drums": ("parse", "no_piano")}
    assert build_corpus(tmp_path, ALL).manifest.reasons == {"not_piano": 1, "only_drums": 1}


def test_the_catalog_measures_whole_files_whatever_a_corpus_takes(tmp_path: Path) -> None:
    fill(tmp_path, {"Band": BAND})
    build_corpus(tmp_path, PIANOS)
    measure_catalog(tmp_path)
    (row,) = Catalog(tmp_path).pieces().to_pylist()
    assert (row["notes"], row["tracks"], row["piano_share"]) == (80, 3, 0.25)
