"""Every note-on becomes a note, even if its note-off is missing or elsewhere."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset.midi.midi_reader import read, read_midi
from dataset.notes.model import Notes
from tests.dataset.conftest import Event, meta, midi, off, on

END = (480, b"\xff\x01\x00")  # an empty text, one quarter after what stands before


def rows(data: bytes) -> list[tuple[int, int, int]]:
    notes = read_midi(data)
    return list(zip(notes.onset.tolist(), notes.end.tolist(), notes.pitch.tolist(), strict=True))


def control(time: int, number: int, value: int, channel: int = 0) -> Event:
    return time, bytes([0xB0 | channel, number, value])


def test_a_note_whose_off_is_missing_ends_at_the_next_stroke_of_its_key() -> None:
    assert rows(midi([on(0, 60), on(480, 60), off(240, 60), on(240, 60), off(480, 60)])) == [
        (0, 24, 60),
        (24, 36, 60),
        (48, 72, 60),
    ]


def test_a_last_note_without_an_off_ends_with_its_track() -> None:
    assert rows(midi([on(0, 60), END], [on(0, 72, channel=1), off(960, 72, channel=1)])) == [(0, 24, 60), (0, 48, 72)]


@pytest.mark.parametrize("number", [120, 123])
def test_all_notes_off_ends_what_sounds_on_its_channel_and_nothing_else(number: int) -> None:
    data = midi([on(0, 60), on(0, 64, channel=1), control(480, number, 0), off(480, 64, channel=1), END])
    assert rows(data) == [(0, 24, 60), (0, 48, 64)]
    assert rows(midi([on(0, 60), control(480, number, 0), on(0, 60), off(480, 60)])) == [(0, 24, 60), (24, 48, 60)]


def test_an_off_in_another_track_of_the_channel_ends_a_note_that_has_none() -> None:
    assert rows(midi([on(0, 60), (1920, b"\xff\x01\x00")], [off(480, 60)])) == [(0, 24, 60)]
    assert rows(midi([on(0, 60), (1920, b"\xff\x01\x00")], [off(480, 60, channel=2)])) == [(0, 96, 60)]


def test_an_off_that_ends_nothing_costs_nothing() -> None:
    assert rows(midi([off(0, 60), on(0, 60), off(480, 60), off(0, 60), on(480, 60), off(480, 60)])) == [
        (0, 24, 60),
        (48, 72, 60),
    ]


def test_strokes_that_overlap_and_balance_end_first_in_first_out_beside_one_that_does_not() -> None:
    balanced = [on(0, 60), on(240, 60), off(240, 60), off(240, 60)]
    assert rows(midi([*balanced, on(240, 60), on(480, 60), off(480, 60)])) == [
        (0, 24, 60),
        (12, 36, 60),
        (48, 72, 60),
        (72, 96, 60),
    ]


@st.composite
def apart(draw: st.DrawFn) -> list[tuple[int, int, int]]:
    """Notes (start, end, pitch), no key struck while it sounds."""
    found: list[tuple[int, int, int]] = []
    for pitch in draw(st.lists(st.integers(21, 108), min_size=1, max_size=6, unique=True)):
        ticks = sorted(draw(st.lists(st.integers(0, 100), min_size=2, max_size=12, unique=True)))
        found += [(start, end, pitch) for start, end in zip(ticks[::2], ticks[1::2], strict=False)]
    return found


def file_of(notes: list[tuple[int, int, int]], missing: int | None = None) -> bytes:
    events = [(start, 1, on(0, pitch)[1]) for start, _, pitch in notes]
    events += [(end, 0, off(0, pitch)[1]) for number, (_, end, pitch) in enumerate(notes) if number != missing]
    track, now = [], 0
    for tick, _, message in sorted(events):
        track.append(((tick - now) * 20, message))
        now = tick
    return midi([*track, ((120 - now) * 20, b"\xff\x01\x00")])


@settings(max_examples=200, deadline=None)
@given(apart(), st.data())
def test_without_one_off_there_are_as_many_notes_and_no_other_is_changed(
    notes: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    whole = rows(file_of(notes))
    assert sorted(whole) == sorted(notes)
    missing = data.draw(st.integers(0, len(notes) - 1))
    found = rows(file_of(notes, missing))
    start, _, pitch = notes[missing]
    following = min([begin for begin, _, other in notes if other == pitch and begin > start], default=120)
    expected = [row for number, row in enumerate(notes) if number != missing] + [(start, following, pitch)]
    assert sorted(found) == sorted(expected)
    assert read(file_of(notes, missing)).unended == 1


@pytest.mark.parametrize(
    "name, count",
    [
        ("missing_off.mid", 80),
        ("off_before_on.mid", 80),
        ("last_chord_open.mid", 33),
        ("format2_one_track.mid", 32),
        ("more_tracks_than_said.mid", 64),
        ("header_10_bytes.mid", 32),
        ("last_byte_missing.mid", 32),
        ("no_end_of_track.mid", 32),
        ("trailing.mid", 32),
        ("running_after_sysex.mid", 32),
        ("info_first.rmi", 32),
        ("data_then_info.rmi", 32),
        ("extreme_pitches.mid", 32),
        ("unison_hands.mid", 64),
    ],
)
def test_case_files_give_every_note(midi_cases: Path, name: str, count: int) -> None:
    reading = read((midi_cases / name).read_bytes())
    assert (len(reading.notes), reading.note_ons) == (count, count)


@pytest.mark.parametrize(
    "name, seconds",
    [
        ("smpte_25_40.mid", 15.99),
        ("tempo_in_note_track.mid", 55.958333333333336),
        ("tempo_3_6.mid", 31.927689687500003),
        ("ramp.mid", 19.882),
    ],
)
def test_case_files_last_as_long_as_their_tempos_say(midi_cases: Path, name: str, seconds: float) -> None:
    assert read((midi_cases / name).read_bytes()).seconds == pytest.approx(seconds, abs=0.002)


def test_the_last_chord_that_is_never_released_sounds_to_the_end_of_its_track(midi_cases: Path) -> None:
    notes = read_midi((midi_cases / "last_chord_open.mid").read_bytes())
    last = notes.onset == 28 * 24
    assert (int(last.sum()), set(notes.end[last].tolist())) == (5, {32 * 24})


def test_programs_of_a_channel_hold_on_every_track(midi_cases: Path) -> None:
    reading = read((midi_cases / "programs_in_first_track.mid").read_bytes())
    assert (len(reading.notes), reading.piano_notes) == (64, 32)
    alone = read((midi_cases / "programs_in_first_track.mid").read_bytes(), piano_only=True)
    assert (len(alone.notes), alone.dropped) == (32, {"other_instruments": 32})


def test_coarse_tuning_moves_what_sounds(midi_cases: Path) -> None:
    def tuned(value: int) -> Notes:
        rpn = [control(0, 101, 0), control(0, 100, 2), control(0, 6, value)]
        return read_midi(midi([on(0, 60), off(480, 60), *rpn, on(0, 60), off(480, 60)]))

    assert tuned(64 + 12).pitch.tolist() == [60, 72]
    assert tuned(64 - 1).pitch.tolist() == [60, 59]
    assert read(
        midi([control(0, 101, 0), control(0, 100, 2), control(0, 6, 127), on(0, 120), off(9, 120)])
    ).dropped == {"pitch_out_of_range": 1}
    found = read_midi((midi_cases / "rpn_coarse_up_12.mid").read_bytes()).pitch
    written = read_midi((midi_cases / "pedal_none.mid").read_bytes()).pitch
    assert found.min() >= written.min()


def test_key_signatures_and_their_changes_are_read(midi_cases: Path) -> None:
    assert read_midi((midi_cases / "key_change.mid").read_bytes()).key_signatures == ((0, -2, 1), (8 * 96, 4, 0))


def test_a_default_key_beside_another_at_one_tick_gives_way() -> None:
    def stated(*keys: tuple[int, int]) -> tuple[tuple[int, int, int], ...]:
        head = [(0, b"\xff\x59\x02" + bytes([fifths & 0xFF, mode])) for fifths, mode in keys]
        return read_midi(midi(head[:1], [*head[1:], on(0, 60), off(480, 60)])).key_signatures

    assert stated((0, 0), (-3, 1)) == stated((-3, 1), (0, 0)) == ((0, -3, 1),)
    assert stated((0, 0), (0, 0)) == ((0, 0, 0),)


def test_a_file_that_ends_within_a_track_is_told_from_a_whole_one() -> None:
    whole = midi([on(0, 60), off(480, 60), on(0, 62), off(480, 62)])
    assert not read(whole).is_cut_short
    assert read(whole[:-9]).is_cut_short


@pytest.mark.parametrize("right, left", [("Right hand", "Left hand"), ("PianoRH", "PianoLH"), ("右手", "左手")])
@pytest.mark.parametrize("encoding", ["utf-8", "cp932"])
def test_hands_are_those_of_the_names_of_tracks(right: str, left: str, encoding: str) -> None:
    def track(name: str, pitch: int) -> list[Event]:
        return [meta(0, 0x03, name.encode(encoding)), on(0, pitch), off(480, pitch)]

    notes = read_midi(midi(track(right, 40), track(left, 80), track("", 60)))
    assert dict(zip(notes.pitch.tolist(), notes.hand.tolist(), strict=True)) == {40: 1, 80: 2, 60: 0}


def test_hands_are_those_of_the_tracks(midi_cases: Path) -> None:
    notes = read_midi((midi_cases / "type1_hands.mid").read_bytes())
    assert ((notes.hand == 1).sum(), (notes.hand == 2).sum()) == (32, 64)
