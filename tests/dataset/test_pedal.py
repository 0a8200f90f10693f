"""The sustain pedal: what it holds, until when, and its round trip through MIDI."""

from pathlib import Path

import numpy as np

from dataset.midi.midi_reader import read_midi
from dataset.midi.midi_writer import write_midi
from dataset.notes.model import Notes
from tests.dataset.conftest import Event, midi, off, on


def pedal(time: int, value: int, channel: int = 0) -> Event:
    return time, bytes([0xB0 | channel, 64, value])


def sounding(*events: Event, more: tuple[Event, ...] = ()) -> list[int]:
    return read_midi(midi(events, more) if more else midi(events)).sounding.tolist()


def test_a_note_sounds_until_the_pedal_is_lifted() -> None:
    assert sounding(pedal(0, 127), on(0, 60), off(240, 60), pedal(720, 0)) == [48]
    assert sounding(pedal(0, 64), on(0, 60), off(240, 60), pedal(720, 63)) == [48]
    assert sounding(pedal(0, 63), on(0, 60), off(240, 60), pedal(720, 0)) == [12]


def test_a_note_sounds_until_its_key_is_struck_again() -> None:
    assert sounding(pedal(0, 127), on(0, 60), off(240, 60), on(240, 60), off(240, 60), pedal(720, 0)) == [24, 48]


def test_a_pedal_on_another_track_of_the_channel_holds_and_one_of_another_channel_does_not() -> None:
    played = (on(0, 60), off(240, 60))
    assert sounding(*played, more=(pedal(0, 127), pedal(960, 0))) == [48]
    assert sounding(*played, more=(pedal(0, 127, channel=1), pedal(960, 0, channel=1))) == [12]


def test_a_key_released_as_the_pedal_goes_down_is_held_only_if_it_is_released_after() -> None:
    assert sounding(on(0, 60), off(480, 60), pedal(0, 127), pedal(480, 0)) == [24]
    assert sounding(on(0, 60), pedal(480, 127), off(0, 60), pedal(480, 0)) == [48]


def test_a_pedal_that_is_never_lifted_holds_to_the_end_of_the_file() -> None:
    assert sounding(pedal(0, 127), on(0, 60), off(240, 60), on(720, 64), off(480, 64)) == [72, 24]


def test_changing_the_pedal_damps_what_it_held() -> None:
    assert sounding(pedal(0, 127), on(0, 60), off(240, 60), pedal(240, 0), pedal(0, 127), pedal(960, 0)) == [24]


def test_pedals_of_two_channels_survive_the_way_through_midi() -> None:
    notes = Notes.of(
        [0, 0, 24],
        [6, 6, 6],
        [48, 72, 74],
        [64] * 3,
        hand=[2, 1, 1],
        pedal_group=[5, 9, 9],
        pedals=[(9, 0, 48), (5, 3, 24)],
    )
    assert notes.pedals == ((0, 0, 48), (1, 3, 24))
    assert notes.sounding.tolist() == [24, 48, 24]
    assert read_midi(write_midi(notes)) == notes


def test_the_case_file_sounds_as_long_as_it_says(midi_cases: Path) -> None:
    notes = read_midi((midi_cases / "pedal.mid").read_bytes())
    dry = read_midi((midi_cases / "pedal_none.mid").read_bytes())
    place = notes.onset % 96 // 24
    assert np.abs(notes.sounding - (4 - place) * 24).max() <= 1
    assert (notes.duration == dry.duration).all()
    assert (dry.sounding == dry.duration).all()
