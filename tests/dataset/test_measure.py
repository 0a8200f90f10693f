"""Measures: known values by hand, and the vectorised ones against the slow way."""

from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.schema import MEASURES
from dataset.measure import MAJOR_KEYS, MINOR_KEYS, UNREADABLE, key_of, measure, polyphony
from dataset.notes import Notes, read
from dataset.remeasure import to_table
from tests.dataset.conftest import meta, midi, off, on

MAJOR_CADENCE = (0, 4, 7, 5, 9, 12, 7, 11, 14, 0, 4, 7, 12)
MINOR_CADENCE = (0, 3, 7, 5, 8, 12, 7, 11, 14, 0, 3, 7, 12)


def test_the_measures_of_a_small_piece_are_those_worked_out_by_hand() -> None:
    head = [meta(0, 0x51, b"\x0f\x42\x40"), meta(0, 0x58, b"\x03\x02\x18\x08")]  # 60 a minute, 3/4
    right = [on(480, 72), off(960, 72), on(480, 74), off(480, 74)]  # beats 1-3 and 4-5
    left = [on(480, 48, channel=1), off(1920, 48, channel=1)]  # beats 1-5
    strings = [(0, b"\xc2\x30"), on(480, 60, channel=2), off(480, 60, channel=2)]
    drums = [on(480, 36, channel=9), off(10, 36, channel=9)]
    found = measure(read(midi(head, right, left, strings, drums)))
    assert asdict(found) == {
        "notes": 4,
        "tracks": 4,
        "duration_s": 4.0,
        "beats": 4.0,
        "tempo_bpm": 60.0,
        "time_signature": "3/4",
        "key": found.key,
        "pitch_low": 48,
        "pitch_high": 74,
        "polyphony": 2.0,
        "note_density": 1.0,
        "piano_share": 0.75,
        "drum_share": 0.2,
        "grid_error": 0.0,
        "pitches": 4,
    }


def test_the_tempo_is_the_one_in_force_for_the_longest_time_in_seconds() -> None:
    fast_for_long = Notes.of([0], [24 * 12], [60], [64], [(0, 240.0), (24 * 8, 60.0)])  # 2 s fast, 4 s slow
    reading = read(midi([on(0, 60), off(480, 60)]))
    found = measure(type(reading)(fast_for_long, 1, 1, 0, 0.0))
    assert found.tempo_bpm == 60.0


@pytest.mark.parametrize("tonic", range(12))
def test_a_cadence_gives_its_key_in_every_transposition(tonic: int) -> None:
    for cadence, names in ((MAJOR_CADENCE, MAJOR_KEYS), (MINOR_CADENCE, MINOR_KEYS)):
        size = len(cadence)
        notes = Notes.of(range(size), [24] * (size - 1) + [48], np.array(cadence) + 48 + tonic, [64] * size)
        assert key_of(notes) == names[tonic]


def test_a_piece_in_which_all_pitch_classes_sound_alike_has_no_key() -> None:
    assert key_of(Notes.of(range(12), [24] * 12, range(60, 72), [64] * 12)) is None


@given(st.lists(st.tuples(st.integers(0, 80), st.integers(1, 40)), min_size=1, max_size=20))
def test_polyphony_is_the_mean_over_the_ticks_in_which_something_sounds(spans: list[tuple[int, int]]) -> None:
    notes = Notes.of([s for s, _ in spans], [d for _, d in spans], range(len(spans)), [64] * len(spans))
    sounding = [sum(start <= tick < start + length for start, length in spans) for tick in range(120)]
    heard = [count for count in sounding if count]
    assert polyphony(notes) == pytest.approx(sum(heard) / len(heard))


def test_a_piece_of_drums_and_an_unreadable_file_have_a_row_too() -> None:
    drums = measure(read(midi([on(0, 36, channel=9), off(9, 36, channel=9)])))
    table = to_table(["a" * 64, "b" * 64], [drums, UNREADABLE])
    assert table.schema.equals(MEASURES)
    assert table["notes"].to_pylist() == [0, 0]
    assert table["drum_share"].to_pylist() == [1.0, None]
    assert table["key"].to_pylist() == [None, None]
