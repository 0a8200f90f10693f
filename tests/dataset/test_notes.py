"""Notes and MIDI: reading files, and writing and reading notes without loss."""

from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from symusic import Score

from catalog.base.errors import DatasetError, MidiError
from catalog.midi.container import midi_bytes
from dataset.midi.midi_reader import read, read_midi
from dataset.midi.midi_writer import midi_of, write_midi
from dataset.notes.hands import hands_of
from dataset.notes.model import Notes, beats, seconds
from dataset.notes.timing import MAX_TICK, tick_to_seconds
from tests.dataset.conftest import meta, midi, off, on

NOTE = st.tuples(
    st.integers(0, 200) | st.integers(0, MAX_TICK - 5000),
    st.integers(1, 60) | st.integers(1, 5000),
    st.integers(58, 62) | st.integers(0, 127),  # few pitches, so that notes of one pitch overlap and nest
    st.sampled_from([1, 64, 127]) | st.integers(1, 127),
)
TICK = st.integers(0, 300) | st.integers(0, MAX_TICK)
TEMPO = st.tuples(TICK, st.floats(4.0, 1000.0))
SIGNATURE = st.tuples(TICK, st.integers(1, 64), st.sampled_from([1, 2, 4, 8, 16, 32, 64]))


KEY = st.tuples(TICK, st.integers(-7, 7), st.integers(0, 1))


@st.composite
def pieces(draw: st.DrawFn) -> Notes:
    notes = draw(st.lists(NOTE, min_size=1, max_size=40))
    notes += draw(st.lists(st.sampled_from(notes), max_size=5))  # the same note more than once at the same time
    columns = zip(*notes, strict=True)
    changes = (draw(st.lists(kind, max_size=6)) for kind in (TEMPO, SIGNATURE, KEY))
    hand, group = (draw(st.lists(st.integers(0, 2), min_size=len(notes), max_size=len(notes))) for _ in range(2))
    bounds = [sorted(draw(st.lists(st.integers(0, 300), max_size=8, unique=True))) for _ in range(3)]
    pedals = [
        (number, *pair) for number, ticks in enumerate(bounds) for pair in zip(ticks[::2], ticks[1::2], strict=False)
    ]
    return Notes.of(*columns, *changes, hand, group, pedals)


@settings(max_examples=300, deadline=None)
@given(pieces())
def test_notes_to_midi_to_notes_is_the_identity_but_for_notes_that_are_cut(notes: Notes) -> None:
    written = midi_of(notes, name="a piece")
    again = read_midi(written.data)
    heard = replace(notes, hand=hands_of(notes))
    if written.cut == 0:
        assert again == heard
    assert {*again.onset.tolist()} == {*notes.onset.tolist()}
    assert len(notes) - written.cut <= len(again) <= len(notes)
    assert (midi_of(again).cut, read_midi(write_midi(again))) == (0, again)


@settings(max_examples=100, deadline=None)
@given(pieces())
def test_a_note_is_cut_only_by_the_next_stroke_of_its_key_in_its_hand(notes: Notes) -> None:
    again = read_midi(write_midi(notes))
    key = list(zip(hands_of(notes).tolist(), notes.pedal_group.tolist(), notes.pitch.tolist(), strict=True))
    for onset, end, mine in zip(notes.onset.tolist(), notes.end.tolist(), key, strict=True):
        later = [o for o, k in zip(notes.onset.tolist(), key, strict=True) if k == mine and onset < o < end]
        assert ((again.onset == onset) & (again.end == min([end, *later])) & (again.pitch == mine[2])).any() or (
            sum(o == onset and k == mine for o, k in zip(notes.onset.tolist(), key, strict=True)) > 1
        )


@settings(max_examples=50, deadline=None)
@given(pieces())
def test_the_order_in_which_notes_come_in_does_not_matter(notes: Notes) -> None:
    order = np.random.default_rng(len(notes)).permutation(len(notes))
    shuffled = Notes(
        notes.onset[order],
        notes.duration[order],
        notes.pitch[order],
        notes.velocity[order],
        notes.tempos,
        notes.time_signatures,
        notes.key_signatures,
        notes.hand[order],
        notes.pedal_group[order],
        notes.pedals,
    )
    assert shuffled == notes
    assert write_midi(shuffled) == write_midi(notes)


@settings(max_examples=50, deadline=None)
@given(pieces())
def test_no_written_track_holds_overlapping_notes_of_one_pitch_so_that_any_reader_pairs_them_alike(
    notes: Notes,
) -> None:
    for track in Score.from_midi(write_midi(notes)).tracks:
        columns = track.notes.numpy()
        for pitch in set(columns["pitch"].tolist()):
            chosen = columns["pitch"] == pitch
            starts = np.sort(columns["time"][chosen])
            ends = np.sort((columns["time"] + columns["duration"])[chosen])
            assert (starts[1:] >= ends[:-1]).all()


def test_a_tempo_or_time_signature_that_changes_nothing_is_dropped_and_the_last_of_a_tick_counts() -> None:
    tempos = [(24, 90.0), (0, 60.0), (24, 60.0), (48, 60.0), (72, 120.0)]
    notes = Notes.of([0], [1], [60], [64], tempos, [(0, 4, 4), (0, 3, 4), (72, 3, 4)])
    assert notes.tempos == ((0, 60.0), (72, 120.0))
    assert notes.time_signatures == ((0, 3, 4),)


def test_changes_of_tempo_and_time_signature_survive_the_way_through_midi() -> None:
    tempos = [(0, 97.3), (13, 180.0), (100, 97.3)]
    signatures = [(0, 3, 4), (72, 6, 8), (145, 5, 4), (1000, 5, 4)]
    notes = Notes.of([5, 90], [3, 200], [60, 61], [1, 127], tempos, signatures)
    back = read_midi(write_midi(notes))
    assert [tick for tick, _ in back.tempos] == [0, 13, 100]
    assert [qpm for _, qpm in back.tempos] == pytest.approx([97.3, 180.0, 97.3], abs=1e-3)
    assert back.time_signatures == (
        (0, 3, 4),
        (72, 6, 8),
        (145, 5, 4),
        (1000, 5, 4),
    )  # 1000 starts a new bar inside one


def test_a_repeated_time_signature_on_a_bar_line_is_dropped() -> None:
    notes = Notes.of([0], [1], [60], [64], [], [(0, 6, 8), (72, 6, 8), (720, 6, 8), (730, 6, 8)])
    assert notes.time_signatures == ((0, 6, 8), (730, 6, 8))


@pytest.mark.parametrize("division", [24, 96, 192, 480, 1024, 15360, 7])
def test_ticks_of_any_resolution_become_the_nearest_24th_of_a_quarter(division: int) -> None:
    quarter, third = division, round(division * 4 / 3)
    data = midi([on(0, 60), off(quarter, 60), on(third - quarter, 64), off(division, 64)], division=division)
    notes = read_midi(data)
    assert notes.onset.tolist() == [0, round(24 * third / division)]
    assert notes.duration.tolist() == [24, 24]


def test_overlapping_notes_of_one_pitch_end_first_in_first_out() -> None:
    notes = read_midi(midi([on(0, 60, 10), on(240, 60, 20), off(240, 60), off(480, 60)]))
    assert notes.onset.tolist() == [0, 12]
    assert notes.duration.tolist() == [24, 36]
    assert notes.velocity.tolist() == [10, 20]


def test_a_zero_length_note_becomes_one_tick() -> None:
    notes = read_midi(midi([on(0, 60), off(0, 60), on(480, 62), off(480, 62)]))
    assert notes.duration.tolist() == [1, 24]


def test_a_broken_key_signature_and_an_unknown_meta_event_cost_nothing() -> None:
    odd = [meta(0, 0x59, b"\x55\x07"), meta(0, 0x6E, b"what"), meta(0, 0x59, b""), meta(0, 0x7F, b"\x01")]
    plain = [on(0, 60), off(480, 60)]
    assert read_midi(midi([*odd, *plain])) == read_midi(midi(plain))


def test_a_tempo_of_nothing_and_a_time_signature_of_nothing_are_dropped() -> None:
    head = [meta(0, 0x51, b"\x00\x00\x00"), meta(0, 0x58, b"\x00\x02\x18\x08"), meta(480, 0x51, b"\x03\xd0\x90")]
    notes = read_midi(midi(head, [on(0, 60), off(960, 60)]))
    assert notes.tempos == ((0, 120.0), (24, 240.0))
    assert notes.time_signatures == ((0, 4, 4),)


def test_a_velocity_above_127_is_read_as_127() -> None:
    notes = read_midi(midi([on(0, 60, 255), off(480, 60), on(0, 62, 90), off(480, 62)]))
    assert notes.velocity.tolist() == [127, 90]


def test_all_tracks_but_drums_are_merged() -> None:
    tracks = [on(0, 72), off(480, 72)], [on(0, 48, channel=3), off(480, 48, channel=3)], [on(0, 36, channel=9)]
    data = midi(*tracks[:2], [*tracks[2], off(480, 36, channel=9)])
    reading = read(data)
    assert reading.notes.pitch.tolist() == [48, 72]
    assert (reading.tracks, reading.piano_notes, reading.drum_notes) == (3, 2, 1)


def test_the_distance_from_the_grid_is_measured_before_rounding() -> None:
    notes = [on(0, 60), off(480, 60), on(5, 62), off(475, 62)]  # 485 file ticks are 24.25 grid ticks
    assert read(midi(notes)).grid_error == pytest.approx(0.125)


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"", "not_midi"),
        (b"<html>404</html>", "not_midi"),
        (midi([(0, bytes([60, 64])), off(9, 60)]), "broken_midi"),
        (midi([on(0, 60), (0, b"\x80\xf5\x20")]), "broken_midi"),
        (midi([on(0, 60), off(9, 60)], division=0xF728), "smpte_time"),
        (midi([on(0, 60), off(9, 60)], division=0), "broken_midi"),
        (midi([on(0, 60), off(9, 60)], [on(0, 60), off(9, 60)], kind=2), "midi_format_2"),
        (midi([meta(0, 0x51, b"\x07\xa1\x20")]), "no_notes"),
        (midi([on(0, 36, channel=9), off(9, 36, channel=9)]), "only_drums"),
        (midi([on(0, 60), off(2**28 - 1, 60)], division=1), "time_out_of_range"),
    ],
)
def test_what_cannot_be_read_has_a_stable_reason(data: bytes, reason: str) -> None:
    with pytest.raises(MidiError) as error:
        read_midi(data)
    assert error.value.reason == reason


@given(
    st.sampled_from([0, 4, 7, 9, 11, 13]),
    st.integers(0, 255),
    st.sampled_from([b"", b"\r\n", b"RIFF\0\0\0\0RMID", b"PK\3\4"]),
)
def test_the_parser_takes_for_midi_what_an_import_does(at: int, value: int, before: bytes) -> None:
    data = bytearray(midi([on(0, 60), off(480, 60)]))
    data[at] = value
    try:
        read(before + bytes(data))
        reason = ""
    except MidiError as error:
        reason = error.reason
    assert (reason == "not_midi") == (midi_bytes(before + bytes(data)) is None)


def test_a_file_wrapped_in_riff_is_unwrapped() -> None:
    plain = midi([on(0, 60), off(480, 60)])
    assert read_midi(b"RIFF\x00\x00\x00\x00RMIDdata\x00\x00\x00\x00" + plain) == read_midi(plain)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80), st.integers(0, 200))
def test_any_bytes_give_notes_or_a_midi_error(noise: bytes, cut: int) -> None:
    good = midi([meta(0, 0x51, b"\x07\xa1\x20"), on(0, 60), off(480, 60)], [on(0, 40), off(10, 40)])
    for data in (noise, good[:cut] + noise, good[:22] + noise + good[22:]):
        with suppress(MidiError):
            assert len(read_midi(data)) > 0


def test_hands_are_written_to_tracks_of_their_own_and_the_name_is_made_harmless() -> None:
    notes = Notes.of([0, 0], [24, 24], [48, 72], [64, 64])
    data = write_midi(notes, name="A\x1b[2J tune\u202e\n")
    assert b"Right hand" in data
    assert b"Left hand" in data
    assert b"A[2J tune" in data
    assert data[8:14] == b"\x00\x01\x00\x03\x01\xe0"  # format 1, three tracks, 480 ticks a quarter


def test_values_out_of_range_are_refused() -> None:
    for onset, duration, pitch, velocity in [(-1, 1, 60, 64), (0, 0, 60, 64), (0, 1, 128, 64), (0, 1, 60, 0)]:
        with pytest.raises(DatasetError):
            Notes.of([onset], [duration], [pitch], [velocity])
    with pytest.raises(DatasetError):
        Notes.of([0, 1], [1], [60], [64])
    with pytest.raises(DatasetError):
        Notes.of([0], [1], [60], [64], [(0, float("inf"))])
    with pytest.raises(DatasetError):
        Notes.of([0], [1], [60], [64], [], [(0, 0, 4)])


def test_seconds_follow_every_change_of_tempo() -> None:
    tempos = [(0, 60.0), (48, 120.0), (96, 30.0)]
    notes = Notes.of([24, 96], [24, 24], [60, 62], [64, 64], tempos)
    assert tick_to_seconds(notes.tempos, [0, 24, 48, 60, 96, 120]).tolist() == [0.0, 1.0, 2.0, 2.25, 3.0, 5.0]
    assert seconds(notes) == 4.0
    assert beats(notes) == 4.0


@given(st.lists(TEMPO, max_size=5), st.lists(st.integers(0, 600), min_size=1, max_size=5))
def test_seconds_are_the_sum_of_the_ticks_before(tempos: list[tuple[int, float]], ticks: list[int]) -> None:
    changes = Notes.of([], [], [], [], [(tick % 600, qpm) for tick, qpm in tempos]).tempos
    for tick, found in zip(ticks, tick_to_seconds(changes, ticks).tolist(), strict=True):
        slowly = sum(2.5 / max((c for c in changes if c[0] <= t), key=lambda c: c[0])[1] for t in range(tick))
        assert found == pytest.approx(slowly)
