"""The loop that a MIDI file states, as game engines mark it.

In: the bytes of a file. Out: the first tick of the loop and the tick after its last, on the grid of 1/24 quarter note.
"""

import re

from catalog.midi.container import midi_bytes
from dataset.midi.conductor import to_grid
from dataset.midi.midi_writer import LOOP_CONTROLLER
from dataset.midi.smf_events import read_events

TEXTS = (0x01, 0x06, 0x07)  # meta events: text, marker, cue point
START = re.compile(rb"\s*loop[\s_-]*start\s*", re.IGNORECASE)
END = re.compile(rb"\s*loop[\s_-]*end\s*", re.IGNORECASE)


def loop_of(data: bytes) -> tuple[int, int] | None:
    """Return the loop that a MIDI file states, or None.

    It starts at the first marker loopStart or controller 111, and ends at the last marker loopEnd, else at the file's end.
    A loop without length is None. Raises MidiError, as `read_midi` does.
    """
    events = read_events(midi_bytes(data) or data)
    marked = [(tick, body) for tick, _, kind, body in events.meta if kind in TEXTS]
    controls = events.controls[events.data1[events.controls] == LOOP_CONTROLLER]
    starts = [tick for tick, body in marked if START.fullmatch(body)] or events.tick[controls].tolist()
    ends = [tick for tick, body in marked if END.fullmatch(body)] or events.track_end.tolist()
    if not starts or not ends:
        return None
    start, end = to_grid(int(min(starts)), events.division), to_grid(int(max(ends)), events.division)
    return (start, end) if start < end else None
