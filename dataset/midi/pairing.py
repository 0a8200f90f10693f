"""Pairs the note-ons and note-offs of a file, also where an off is missing.

For each track, channel and key:
- From silence to silence, where ons and offs balance, the first on ends with the first off.
- An on whose off is missing ends at the next on of the key, at an off of the same channel and key that is left over in
  another track, or at the end of the track, whichever comes first.
- All sound off and all notes off (controllers 120 and 123) end what sounds on their channel.

Every note-on gives one note; nothing is dropped here.
"""

from collections import deque
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dataset.midi.smf_events import FileEvents
from dataset.notes.order import order_of

ALL_SOUND_OFF, ALL_NOTES_OFF = 120, 123

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class PairedNotes:
    """One row for each note-on of a file.

    event   int64[n], index of the note-on among the channel messages of `FileEvents`, ascending
    end     int64[n], tick of the file at which the key is released, >= the onset
    off     int64[n], index of the note-off that releases it, -1 where it ends for another reason
    unended     note-ons without an off of their own
    """

    event: Ints
    end: Ints
    off: Ints
    unended: int


def pair_notes(events: FileEvents) -> PairedNotes:
    """Return the notes of all tracks and channels of a file."""
    kind: Bytes = events.status >> np.uint8(4)
    is_on = (kind == 9) & (events.data2 > 0)
    ons = np.flatnonzero(is_on)
    index = np.flatnonzero(kind <= 9)
    group = (events.track[index].astype(np.int64) << 4 | events.status[index] & 15) << 7 | events.data1[index]
    order = order_of(group)
    index, group = index[order], group[order]
    on = is_on[index]
    off = np.full(len(events.tick), -1, np.int64)
    unended: list[tuple[int, int]] = []  # (event, tick of the key's next on in its track, or -1)
    odd = _is_unbalanced(on, group)
    off[index[on & ~odd]] = index[~on & ~odd]
    if odd.any():
        orphans: list[tuple[int, int]] = []  # (channel and key, tick) of offs that end no note
        places = np.flatnonzero(odd)
        bounds = [*np.flatnonzero(np.diff(group[places], prepend=-1)).tolist(), len(places)]
        odd_index, odd_on = index[places].tolist(), on[places].tolist()
        for start, stop in pairwise(bounds):
            number = int(group[places[start]])
            _pair_group(odd_index[start:stop], odd_on[start:stop], events.tick, off, orphans, unended, number)
        end = np.where(off >= 0, events.tick[off], -1)
        if unended:
            _end_unended(unended, orphans, events, end)
        end = end[ons]
    else:
        end = events.tick[off[ons]]
    onset = events.tick[ons]
    _cut_at_resets(ons, onset, events, end)
    return PairedNotes(ons, np.maximum(end, onset), off[ons], len(unended))


def _is_unbalanced(on: Bools, group: Ints) -> Bools:
    """Return the events of the groups in which an on lacks its off, or an off its on.

    In all others the first on ends with the first off, the second with the second.
    """
    is_plain = len(on) % 2 == 0 and (group[::2] == group[1::2]).all() and on[::2].all() and not on[1::2].any()
    if is_plain:  # on, off, on, off, ...
        return np.zeros(len(on), np.bool_)
    starts = np.flatnonzero(np.concatenate([[True], group[1:] != group[:-1]]))
    step = np.where(on, 1, -1)
    sounding = np.cumsum(step)  # notes after each event
    before = sounding[starts] - step[starts]
    after = np.concatenate([before[1:], sounding[-1:]])
    is_wrong = (np.minimum.reduceat(sounding, starts) < before) | (after != before)
    return np.repeat(is_wrong, np.diff(starts, append=len(on)))


def _pair_group(
    index: list[int],
    on: list[bool],
    tick: Ints,
    off: Ints,
    orphans: list[tuple[int, int]],
    unended: list[tuple[int, int]],
    group: int,
) -> None:
    """Pair the events of one track, channel and key.

    Fills `off`; appends offs and ons that have no other half.
    """
    open_: list[int] = []  # positions of ons, the last one first to end: what stays here has no off of its own
    surplus: set[int] = set()
    for position, is_on in enumerate(on):
        if is_on:
            open_.append(position)
        elif open_:
            open_.pop()
        else:
            surplus.add(position)
    missing = set(open_)
    waiting: deque[int] = deque()
    ons = deque(position for position, is_on in enumerate(on) if is_on)
    for position, is_on in enumerate(on):
        if is_on:
            ons.popleft()
        if position in surplus:
            orphans.append((group & 0x7FF, int(tick[index[position]])))
        elif position in missing:
            unended.append((index[position], int(tick[index[ons[0]]]) if ons else -1))
        elif is_on:
            waiting.append(index[position])
        else:
            off[waiting.popleft()] = index[position]


def _end_unended(unended: list[tuple[int, int]], orphans: list[tuple[int, int]], events: FileEvents, end: Ints) -> None:
    """End each note that has no off of its own, the earliest first.

    Each off that is left over ends one note.
    """
    last = int(events.track_end.max())
    left_over: dict[int, list[int]] = {}
    for key, tick in sorted(orphans):
        left_over.setdefault(key, []).append(tick)
    for event, following in sorted(unended, key=lambda row: int(events.tick[row[0]])):
        onset = int(events.tick[event])
        bound = int(events.track_end[events.track[event]])
        if bound <= onset:
            bound = last
        if following >= 0:
            bound = following
        key = (int(events.status[event]) & 15) << 7 | int(events.data1[event])
        found = next((tick for tick in left_over.get(key, ()) if onset < tick <= bound), None)
        if found is not None:
            left_over[key].remove(found)
            bound = found
        end[event] = bound


def _cut_at_resets(ons: Ints, onset: Ints, events: FileEvents, end: Ints) -> None:
    """End notes at the first controller 120 or 123 of their channel."""
    control = events.data1[events.controls]
    resets = events.controls[(control == ALL_SOUND_OFF) | (control == ALL_NOTES_OFF)]
    if not resets.size:
        return
    channel = events.status[ons] & 15
    reset_channel = events.status[resets] & 15
    for number in sorted(set(reset_channel.tolist())):
        ticks = np.sort(events.tick[resets[reset_channel == number]])
        mine = np.flatnonzero(channel == number)
        place = np.searchsorted(ticks, onset[mine], side="right")
        limit = np.append(ticks, np.iinfo(np.int64).max)[place]
        end[mine] = np.minimum(end[mine], limit)
