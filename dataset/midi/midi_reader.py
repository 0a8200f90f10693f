"""Reads MIDI bytes into `Reading`: the notes, and what only the file can say.

In: the bytes of a file. Out: every track but drums merged, on a grid of 1/24 of a quarter note, with what the file states of hands,
pedal, keys, tempos and time signatures. Every note-on is kept, or counted as dropped with a reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from catalog.base.errors import MidiError
from catalog.midi.container import midi_bytes
from dataset.midi.conductor import (
    key_signatures_of,
    seconds_between,
    tempo_changes,
    tempos_of,
    time_signatures_of,
    to_grid,
)
from dataset.midi.file_hands import Part, hands_of_parts
from dataset.midi.pairing import pair_notes
from dataset.midi.smf_events import FileEvents, read_events
from dataset.notes.model import Notes
from dataset.notes.pedal import LEAST_DOWN, SUSTAIN, PedalInterval, down_intervals
from dataset.notes.timing import MAX_TICK, TICKS_PER_QUARTER

LAST_PIANO = 7  # General MIDI programs 0-7 are pianos
DRUM_CHANNEL = 9
TEXT, COPYRIGHT, TRACK_NAME = 0x01, 0x02, 0x03  # types of meta events
DRUMS, OTHER_INSTRUMENTS, OUT_OF_RANGE = "drums", "other_instruments", "pitch_out_of_range"  # why a note-on is dropped

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file holds: its notes, and what only the file itself could say of them."""

    notes: Notes
    tracks: int  # tracks with notes, drums included; each channel and program of a track counts
    piano_notes: int  # played by a General MIDI piano, programs 0-7
    drum_notes: int  # on the drum channel; not among `notes`
    grid_error: float  # mean distance of onsets from the grid before rounding, in ticks, 0-0.5; 0 without notes
    seconds: float = 0.0  # from the first onset to the last release of a key, before rounding; 0 without notes
    on_grid: float = 0.0  # share of onsets that lie on the grid before rounding, exactly; 0 without notes
    note_ons: int = 0  # in the bytes of the file: those of `notes` and those that are dropped
    dropped: dict[str, int] = field(default_factory=dict)  # note-ons that are not among `notes`, by reason
    unended: int = 0  # notes whose note-off is missing
    is_cut_short: bool = False  # the file ends within a track
    texts: tuple[
        tuple[int, bytes], ...
    ] = ()  # (meta type, text) of texts, copyright notices and track names, undecoded


def read_midi(data: bytes) -> Notes:
    """Return the notes of a Standard MIDI File, rounded to the grid.

    All tracks are merged, drums are left out.

    A note whose off is missing ends at the key's next note-on or at the end of its track (see `dataset.midi.pairing`); a note of no
    length becomes one tick. Raises MidiError with a stable reason: not_midi, smpte_time, midi_format_2, broken_midi,
    time_out_of_range, only_drums, no_notes.
    """
    reading = read(data)
    if len(reading.notes) == 0:
        if reading.drum_notes:
            raise MidiError("only_drums", f"{reading.drum_notes} drum notes")
        raise MidiError("no_notes")
    return reading.notes


def read(data: bytes, *, piano_only: bool = False) -> Reading:
    """Return all that measures need of a file; one without notes is no error.

    With `piano_only`, other instruments and drums are dropped. Programs, pedal and coarse tuning (RPN 2) of a channel hold on
    whatever track they stand; a channel without a program is a piano, the default of General MIDI.
    """
    events = read_events(_contained(data))
    paired = pair_notes(events)
    of = paired.event
    onset, end, track = events.tick[of], paired.end, events.track[of].astype(np.int64)
    channel: NDArray[np.uint8] = events.status[of] & np.uint8(15)
    program = _program(events, of, channel)
    pitch = events.data1[of] + _transposition(events, of, channel)
    is_drum = channel == DRUM_CHANNEL
    is_piano = ~is_drum & (program <= LAST_PIANO)
    is_in_range = (pitch >= 0) & (pitch <= 127) | is_drum
    wanted = is_piano if piano_only else ~is_drum
    kept = wanted & is_in_range
    chosen = slice(None) if kept.all() else np.flatnonzero(kept)
    counted = {
        DRUMS: int(np.count_nonzero(is_drum)),
        OTHER_INSTRUMENTS: int(np.count_nonzero(~is_drum & ~wanted)),
        OUT_OF_RANGE: int(np.count_nonzero(wanted & ~is_in_range)),
    }
    part = (track << 4 | channel) << 7 | program
    texts = tuple((kind, body) for _, _, kind, body in events.meta if kind in (TEXT, COPYRIGHT, TRACK_NAME))
    names = {where: body for _, where, kind, body in reversed(events.meta) if kind == TRACK_NAME}
    parts = np.sort(part[is_piano] if piano_only else part)
    pitch, onset, end, channel = pitch[chosen], onset[chosen], end[chosen], channel[chosen]
    hand = _hands(track[chosen], channel, pitch, is_piano[chosen], names)
    grid_onset = to_grid(onset, events.division)
    duration = np.maximum(to_grid(end, events.division) - grid_onset, 1)
    if onset.size and (latest := int((grid_onset + duration).max())) > MAX_TICK:
        raise MidiError("time_out_of_range", f"a note ends {latest // TICKS_PER_QUARTER} quarter notes in")
    off_grid = np.abs(onset * (TICKS_PER_QUARTER * events.division[1]) - grid_onset * events.division[0])
    group, pedals = _pedals(events, channel, end, paired.off[chosen])
    tempos = tempo_changes(events)
    notes = Notes(
        grid_onset.astype(np.int32),
        duration.astype(np.int32),
        pitch.astype(np.uint8),
        events.data2[of[chosen]],
        tempos_of(events, tempos),
        time_signatures_of(events),
        key_signatures_of(events),
        hand,
        group,
        pedals,
    )
    return Reading(
        notes=notes,
        tracks=int(np.count_nonzero(parts[1:] != parts[:-1])) + min(parts.size, 1),
        piano_notes=int(np.count_nonzero(is_piano & kept)),
        drum_notes=0 if piano_only else counted[DRUMS],
        grid_error=float((off_grid / events.division[0]).mean()) if off_grid.size else 0.0,
        seconds=seconds_between(events, tempos, onset, end),
        on_grid=float(np.count_nonzero(off_grid == 0) / off_grid.size) if off_grid.size else 0.0,
        note_ons=len(of),
        dropped={reason: count for reason, count in counted.items() if count},
        unended=paired.unended,
        is_cut_short=events.is_cut_short,
        texts=texts,
    )


def _contained(data: bytes) -> bytes:
    """Return the Standard MIDI File in the bytes, bare or in a wrapper."""
    found = midi_bytes(data)
    if found is None:
        raise MidiError("not_midi", f"{len(data)} bytes without a MIDI header")
    return found


def _places(events: FileEvents) -> Ints:
    """Return int64[n] in the order in which a player takes the messages."""
    return events.tick * len(events.tick) + np.arange(len(events.tick))


def _last_before(places: Ints, values: NDArray[np.integer], wanted: Ints, default: int) -> Ints:
    """Return the value of the last change before each place, else `default`."""
    order = places.argsort()
    table = np.concatenate([[default], values[order]]).astype(np.int64)
    return table[np.searchsorted(places[order], wanted)]


def _program(events: FileEvents, of: Ints, channel: NDArray[np.uint8]) -> Ints:
    """Return the program of each note, chosen on whatever track."""
    program = np.zeros(len(of), np.int64)
    changes = np.flatnonzero(events.status >> 4 == 0xC)
    if not events.data1[changes].any():
        return program
    place = _places(events)
    changed = events.status[changes] & 15
    for number in set(changed.tolist()):
        mine, here = changes[changed == number], channel == number
        program[here] = _last_before(place[mine], events.data1[mine], place[of[here]], 0)
    return program


def _transposition(events: FileEvents, of: Ints, channel: NDArray[np.uint8]) -> Ints:
    """Return by how many semitones each note sounds higher than written.

    That is coarse tuning, registered parameter 2.
    """
    shift = np.zeros(len(of), np.int64)
    controller = events.data1[events.controls]
    if not (events.data2[events.controls[controller == 100]] == 2).any():
        return shift
    changes = events.controls[np.isin(controller, (6, 98, 99, 100, 101))]
    place = _places(events)
    changes = changes[place[changes].argsort()]
    chosen: dict[int, list[int]] = {}
    tuned: dict[int, list[tuple[int, int]]] = {}
    for index in changes.tolist():
        number, control, value = int(events.status[index]) & 15, int(events.data1[index]), int(events.data2[index])
        parameter = chosen.setdefault(number, [127, 127])
        if control in (98, 99):
            parameter[:] = [127, 127]
        elif control != 6:
            parameter[101 - control] = value
        elif parameter == [0, 2]:
            tuned.setdefault(number, []).append((int(place[index]), value - 64))
    for number, values in tuned.items():
        here = channel == number
        columns = np.array(values, np.int64)
        shift[here] = _last_before(columns[:, 0], columns[:, 1], place[of[here]], 0)
    return shift


def _hands(
    track: Ints,
    channel: NDArray[np.uint8],
    pitch: Ints,
    is_piano: NDArray[np.bool_],
    names: dict[int, bytes],
) -> NDArray[np.uint8]:
    """Return the hand of each note as the file states it."""
    if not track.size:
        return np.zeros(0, np.uint8)
    is_next = np.concatenate([[True], track[1:] != track[:-1]])  # notes are in order of their tracks
    number_of = track[is_next].tolist()
    code = (np.cumsum(is_next) - 1) << 4 | channel
    count = np.bincount(code)
    numbers = np.flatnonzero(count)
    count = count[numbers]
    mean = np.bincount(code, pitch)[numbers] / count
    piano = np.bincount(code, is_piano)[numbers] == count
    parts = [
        Part(names.get(number_of[number >> 4], b""), middle, plays_piano)
        for number, middle, plays_piano in zip(numbers.tolist(), mean.tolist(), piano.tolist(), strict=True)
    ]
    hands = np.zeros(16 * len(number_of), np.uint8)
    hands[numbers] = hands_of_parts(parts, list(names.values()))
    found: NDArray[np.uint8] = hands[code]
    return found


def _pedals(
    events: FileEvents, channel: NDArray[np.uint8], end: Ints, off: Ints
) -> tuple[NDArray[np.uint8], tuple[PedalInterval, ...]]:
    """Return the pedal group of each note, and when each group's pedal is down.

    A group is a channel; times are ticks of the grid.

    channel, end, off   [n], of each note: its end in ticks of the file, and the event that ends it, or -1
    """
    changes = events.controls[events.data1[events.controls] == SUSTAIN]
    if not changes.size or not channel.size:
        return np.zeros(len(channel), np.uint8), ()
    place = _places(events)
    changes = changes[place[changes].argsort()]
    released = np.where(off >= 0, place[off], end * len(events.tick))  # in the order in which a player takes events
    last = int(max(events.track_end.max(), end.max()))
    pedals: list[PedalInterval] = []
    for number in np.flatnonzero(np.bincount(channel)).tolist():
        mine = changes[events.status[changes] & 15 == number]
        intervals = down_intervals(events.tick[mine].tolist(), events.data2[mine].tolist(), last)
        if intervals:
            here, downs = channel == number, mine[events.data2[mine] >= LEAST_DOWN]
            pressed = place[downs[np.searchsorted(events.tick[downs], [start for start, _ in intervals])]]
            found = _on_grid(intervals, pressed, end[here], released[here], events.division)
            pedals += [(number, *interval) for interval in found]
    return channel, tuple(pedals)


def _on_grid(
    intervals: Sequence[tuple[int, int]], pressed: Ints, end: Ints, released: Ints, division: tuple[int, int]
) -> list[tuple[int, int]]:
    """Return pedal intervals, in file ticks, on the grid.

    `end` are the ends of the notes that they may hold; `pressed` and `released` give the order of presses and releases.

    A press that the grid puts on the tick where keys are released goes one tick earlier if it came before most of these releases,
    so that these notes are still held.
    """
    start, stop = (np.array(side, np.int64) for side in zip(*intervals, strict=True))
    grid_start, grid_stop, grid_end = (np.minimum(to_grid(ticks, division), MAX_TICK) for ticks in (start, stop, end))
    before = np.searchsorted(pressed, released, side="left") - 1  # the last press before each release
    votes = np.zeros(len(start), np.int64)
    for press, vote in ((before, 1), (before + 1, -1)):
        there = (press >= 0) & (press < len(start))
        there[there] = grid_start[press[there]] == grid_end[there]
        np.add.at(votes, press[there], vote)
    earlier = (votes > 0) & (grid_start > np.concatenate([[0], grid_stop[:-1]]))
    grid_start -= earlier
    kept = grid_start < grid_stop
    return list(zip(grid_start[kept].tolist(), grid_stop[kept].tolist(), strict=True))
