"""Measures of whole files: known values, ranges, degenerate pieces, updates."""

import math
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.hints import hints
from catalog.schema import MEASURED_BY, MEASURES, describe
from catalog.store import Catalog
from dataset.measure import Measured, measure_catalog, to_table
from dataset.measures.measure import UNREADABLE, measure
from dataset.midi.midi_reader import Reading, read
from dataset.midi.midi_writer import write_midi
from dataset.notes.model import Notes
from tests.dataset.conftest import fill, meta, midi, off, on


def test_the_measures_of_a_small_piece_are_those_worked_out_by_hand() -> None:
    head = [meta(0, 0x51, b"\x0f\x42\x40"), meta(0, 0x58, b"\x03\x02\x18\x08")]  # 60 a minute, 3/4
    right = [on(480, 72), off(960, 72), on(480, 76), off(480, 76)]  # beats 1-3 and 4-5
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
        "key": "C major",
        "pitch_low": 48,
        "pitch_high": 76,
        "pitches": 4,
        "pitch_class_entropy": pytest.approx(2 - 0.75 * np.log2(3)),  # three Cs, one E
        "scale_consistency": 1.0,
        "polyphony": 2.0,
        "polyphony_rate": 1 / 5,
        "empty_beat_rate": 1 / 6,
        "groove_consistency": 1.0,  # each of the two bars has an onset on its second beat alone
        "loop_share": 0.0,
        "loop_start": None,
        "loop_bars": None,
        "note_density": 1.0,
        "left_share": 0.5,
        "piano_share": 0.75,
        "drum_share": 0.2,
        "on_grid": 1.0,
        "grid_error": 0.0,
        "pedal_share": 0.0,
        "note_ons": 5,
        "dropped_notes": 1,
        "dropped": "drums 1",
        "unended_notes": 0,
        "cut_short": 0,
        "texts": None,
        "copyright": None,
        "licence_conflict": 0,
    }


def test_the_tempo_is_the_one_in_force_for_the_longest_time_in_seconds() -> None:
    fast_for_long = Notes.of([0], [24 * 12], [60], [64], [(0, 240.0), (24 * 8, 60.0)])  # 2 s fast, 4 s slow
    assert measure(Reading(fast_for_long, tracks=1, piano_notes=1, drum_notes=0, grid_error=0.0)).tempo_bpm == 60.0


def hand(division: int, *starts: int) -> list[tuple[int, bytes]]:
    """Return a track with notes at these ticks, each a 32nd of a quarter long."""
    events, now = [], 0
    for start in starts:
        events += [on(start - now, 60), off(division // 32, 60)]
        now = start + division // 32
    return events


def test_the_share_on_the_grid_tells_quantised_from_free() -> None:
    triplets = measure(read(midi(hand(480, 0, 160, 320, 480, 500), division=480)))
    assert (triplets.on_grid, triplets.grid_error) == (1.0, 0.0)
    free = measure(read(midi(hand(480, 0, 161, 333, 471), division=480)))
    assert free.on_grid == 0.25
    assert measure(read(midi(hand(100, 0, 25, 50, 75, 83), division=100))).on_grid == 0.8  # 100 has no exact triplets
    rounded_away = measure(read(midi(hand(480, 0, 19, 39), division=480)))  # within 1/20 of a tick, and yet not on it
    assert rounded_away.on_grid == pytest.approx(1 / 3)


TEXTS = ("dropped", "texts", "copyright")
LOOP = ("loop_start", "loop_bars")
PIANO, FLUTE = 0, 73


@pytest.mark.parametrize(
    "tracks, share",
    [
        ([(PIANO, [72, 50, 74]), (PIANO, [48])], 0.25),  # the hands' own tracks: the right hand may cross over
        ([(PIANO, [48]), (PIANO, [72, 50, 74])], 0.25),  # in any order
        ([(PIANO, [60, 64]), (PIANO, [62])], 1 / 3),  # as high as the other one: the second staff
        ([(PIANO, [72, 50, 74, 48])], 0.5),  # one track: the estimate
        ([(PIANO, [60, 59])], 1.0),  # one hand is enough
        ([(PIANO, [72, 50, 49]), (FLUTE, [74])], 0.5),  # a melody is no hand
        ([(PIANO, [72]), (PIANO, [50, 74]), (PIANO, [48])], 0.5),
    ],
)
def test_the_left_hand_is_a_track_where_two_are_hands_else_an_estimate(
    tracks: list[tuple[int, list[int]]], share: float
) -> None:
    written = []
    for channel, (program, pitches) in enumerate(tracks):
        notes = [event for pitch in pitches for event in (on(0, pitch, 64, channel), off(24, pitch, channel))]
        written.append([(0, bytes([0xC0 | channel, program])), *notes])
    assert measure(read(midi(*written))).left_share == pytest.approx(share)


@given(
    st.lists(
        st.tuples(st.integers(0, 400), st.integers(1, 300), st.integers(0, 127)),
        min_size=1,
        max_size=30,
    ),
    st.sampled_from([(4, 4), (3, 8), (1, 64), (5, 32), (64, 1)]),
)
@settings(max_examples=150, deadline=None)
def test_every_measure_of_any_notes_lies_in_the_range_that_the_schema_says(
    rows: list[tuple[int, int, int]], signature: tuple[int, int]
) -> None:
    onset, duration, pitch = np.array(rows).T
    notes = Notes.of(onset, duration, pitch, [64] * len(rows), [(0, 90.0)], [(0, *signature)])
    table = to_table(["a" * 64], [measure(Reading(notes, 1, len(rows), 3, 0.1, on_grid=0.5))])
    check_ranges(table)
    assert set(only_null(table)) <= {"key", "groove_consistency", *LOOP, *TEXTS}


def test_a_bar_of_no_whole_number_of_ticks_has_no_groove() -> None:
    for signature, known in (((5, 32), True), ((5, 64), False)):
        notes = Notes.of([0, 40], [6, 6], [60, 62], [64, 64], [], [(0, *signature)])
        assert (measure(Reading(notes, 1, 2, 0, 0.0)).groove_consistency is not None) == known


def check_ranges(table: pa.Table) -> None:
    """Check that every number is in its field's range and none is NaN."""
    for field in table.schema:
        low, _, high = field.metadata[b"range"].decode().partition("–")
        for value in table[field.name].drop_null().to_pylist() if low else ():
            assert float(low) - 5e-4 <= value, field.name
            assert math.isfinite(value), field.name
            assert not high or value <= float(high) + 5e-4, field.name


def only_null(table: pa.Table) -> list[str]:
    return [name for name in table.column_names if table[name].null_count == len(table)]


def test_every_number_has_a_unit_and_a_range() -> None:
    for field in MEASURES:
        assert field.metadata[b"description"], field.name
        if not pa.types.is_string(field.type):
            assert field.metadata[b"range"], field.name
            assert field.metadata[b"unit"] or field.name == "measured_by", field.name
    beats = next(row for row in describe(MEASURES) if row["name"] == "beats")
    assert (beats["unit"], beats["range"]) == ("quarter notes", "0–")


def test_a_piece_of_drums_and_an_unreadable_file_have_a_row_too() -> None:
    drums = measure(read(midi([on(0, 36, channel=9), off(9, 36, channel=9)])))
    table = to_table(["a" * 64, "b" * 64], [drums, UNREADABLE])
    assert table.schema.equals(MEASURES)
    assert table["notes"].to_pylist() == [0, 0]
    assert table["drum_share"].to_pylist() == [1.0, None]
    counts = {"sha256", "measured_by", "notes", "tracks", "pitches"}
    counts |= {"note_ons", "dropped_notes", "dropped", "unended_notes", "cut_short", "licence_conflict"}
    assert set(only_null(table)) == set(MEASURES.names) - counts - {"drum_share"}
    check_ranges(table)


def test_a_single_note_has_all_measures_but_a_groove() -> None:
    table = to_table(["a" * 64], [measure(read(midi([on(0, 60), off(480, 60)])))])
    assert only_null(table) == ["groove_consistency", *LOOP, *TEXTS]
    check_ranges(table)


@pytest.mark.parametrize("kind", ["base", "part"])
def test_a_catalog_measured_by_an_earlier_version_is_measured_again_and_read_until_then(root: Path, kind: str) -> None:
    measure_catalog(root)
    catalog = Catalog(root)
    now = catalog.measures()
    age(catalog, kind, drop=["measured_by", "loop_share", "pitches"])
    assert catalog.measures()["loop_share"].null_count == len(now) == 12
    assert catalog.measures()["notes"].equals(now["notes"])
    assert len(catalog.pieces("notes == 40")) == 12
    assert len(catalog.pieces("loop_share >= 0")) == 0
    assert hints(catalog, "loop_share > 0.5") == [
        "12 of 12 files were measured by another version; run `dataset measure`"
    ]
    assert measure_catalog(root, "title == 'Tune 3'") == Measured(1, 0, 1, {})
    assert catalog.measures()["loop_share"].null_count == 11
    assert measure_catalog(root) == Measured(12, 1, 11, {})
    assert catalog.measures().equals(now)
    assert hints(catalog, "loop_share > 0.5") == []


def age(catalog: Catalog, kind: str, drop: list[str]) -> None:
    """Write the measures as an older version without the columns `drop` did.

    They are one file with a schema of its own.
    """
    folder = catalog.root / "catalog" / "measures"
    table = catalog.measures().drop_columns(drop)
    for path in folder.glob("*.parquet"):
        path.unlink()
    pq.write_table(table, folder / f"{kind}-000000000009.parquet")


def test_a_query_may_ask_for_the_new_measures(root: Path) -> None:
    loop = np.array([0, 4, 7, 12, 7, 4] * 20)
    notes = Notes.of(range(0, 12 * 120, 12), [12] * 120, 60 + loop, [64] * 120)
    fill(root, {"A loop": write_midi(notes)}, game="looping")
    measure_catalog(root)
    query = "loop_share > 0.8 and loop_start == 1 and loop_bars == 3 and key == 'C major' and on_grid == 1"
    found = Catalog(root).pieces(query, ["title", "measured_by"])
    assert found.to_pylist() == [{"title": "A loop", "measured_by": MEASURED_BY}]
