"""Loops marked in MIDI files: written for engines, read from others."""

import io

import mido
import pytest

from dataset.midi.loop_marks import loop_of
from dataset.midi.midi_reader import read_midi
from dataset.midi.midi_writer import write_midi
from dataset.notes.model import Notes

NOTES = Notes.of([0, 96, 192], [96, 96, 96], [60, 62, 64], [80] * 3)


def file(*messages: mido.Message | mido.MetaMessage) -> bytes:
    """A file of 96 ticks per quarter with these messages and one note until tick 960."""
    track = mido.MidiTrack(messages)
    notes = mido.MidiTrack([mido.Message("note_on", note=60), mido.Message("note_off", note=60, time=960)])
    out = io.BytesIO()
    mido.MidiFile(type=1, ticks_per_beat=96, tracks=[track, notes]).save(file=out)
    return out.getvalue()


def test_mido_reads_markers_and_controller_111_and_the_file_ends_at_the_loop() -> None:
    data = write_midi(NOTES, name="x", loop=(96, 288))
    read = mido.MidiFile(file=io.BytesIO(data))
    now, found = 0, []
    for message in read.tracks[0]:
        now += message.time
        if message.type == "marker":
            found.append((now, message.text))
        if message.type == "control_change":
            found.append((now, message.control))
    assert found == [(1920, "loopStart"), (1920, 111), (5760, "loopEnd")]
    assert max(sum(message.time for message in track) for track in read.tracks) == 5760
    assert loop_of(data) == (96, 288)
    assert read_midi(data).onset.tolist() == NOTES.onset.tolist()
    assert loop_of(write_midi(NOTES)) is None


@pytest.mark.parametrize(
    "messages, loop",
    [
        ([mido.Message("control_change", control=111, value=0, time=192)], (48, 240)),
        ([mido.MetaMessage("marker", text="LoopStart", time=96), mido.MetaMessage("marker", text="loop end", time=96)], (24, 48)),
        ([mido.MetaMessage("text", text="loopStart", time=96)], (24, 240)),
        ([mido.MetaMessage("marker", text="loopEnd", time=96)], None),
        ([mido.MetaMessage("marker", text="loopEnd"), mido.MetaMessage("marker", text="loopStart", time=9)], None),
        ([mido.MetaMessage("marker", text="verse")], None),
    ],
)  # fmt: skip
def test_marks_of_other_programs(messages: list[mido.Message], loop: tuple[int, int] | None) -> None:
    assert loop_of(file(*messages)) == loop
