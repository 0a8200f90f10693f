"""Pieces as network input: per note a row of classes and predictions."""

from collections.abc import Sequence
from contextlib import suppress

import numpy as np
import numpy.typing as npt

from catalog.base.cores import cores
from catalog.base.errors import DatasetError
from dataset.notes.model import Notes
from dataset.parallel.workers import Failure, work
from training.events import character, ears, plan_columns, plans
from training.events.fields import (
    BAR,
    DURATION,
    KNOWN,
    PITCH,
    PLACE,
    TIME,
    VELOCITY,
    VELOCITY_STEP,
    counted,
    places,
    to_class,
)
from training.events.past import PITCH_CLASS_SHARES as TONE_COUNT
from training.events.repeat_models import GUESSES, Repeats

IntArray = npt.NDArray[np.int32]
Events = npt.NDArray[np.int16]

NEXT_PITCH, NEXT_DURATION = KNOWN, KNOWN + 1
"""Columns of the pitch and duration that the longest match predicts before the note is known; 0 if there is no match."""

GUESS: dict[str, slice] = {}
CONFIDENCE: dict[str, slice] = {}
"""Columns of each field's guesses (classes) and their confidences, from `repeat_models`."""

COLUMNS = NEXT_DURATION + 1
for _name, _count in GUESSES.items():
    GUESS[_name] = slice(COLUMNS, COLUMNS + _count)
    CONFIDENCE[_name] = slice(COLUMNS + _count, COLUMNS + 2 * _count)
    COLUMNS += 2 * _count

PITCH_CLASS_SHARES = slice(COLUMNS, COLUMNS + TONE_COUNT)
"""Columns of the share of each pitch class in the past, in thousandths: short memory, then long memory."""

COLUMNS += TONE_COUNT

PLANNED = slice(COLUMNS, COLUMNS + len(plan_columns.INPUTS))
"""Columns of what the plan says, see `plan_columns.INPUTS`."""

OWN_RANGE = tuple(COLUMNS + [*plan_columns.INPUTS].index(name) for name in ("owntop_range", "ownbottom_range"))
"""Columns of the planned highest and lowest pitch of the note's bar."""

OWN_HANDS = tuple(
    COLUMNS + [*plan_columns.INPUTS].index(name) for name in ("ownleft_top_range", "ownright_bottom_range")
)
"""Columns of the planned highest pitch of the left hand and lowest pitch of the right hand in the note's bar."""

BAR_TOP = COLUMNS + [*plan_columns.INPUTS].index("bartop_range")
"""Column of the planned highest pitch of the bar of the last onset."""

BAR_VOICES = COLUMNS + [*plan_columns.INPUTS].index("bar_voices")
"""Column of the most notes that sound at once in the bar of the last onset: 1 + their planned number; 0 unknown."""

LEVEL = {when: COLUMNS + [*plan_columns.INPUTS].index(f"{when}_level") for when in ("bar", "own")}
"""Columns of the planned likeness to an earlier bar, of the bar of the last onset and of the note's own bar."""

OWN_SCALE = COLUMNS + [*plan_columns.INPUTS].index("own_scale")
"""Column of the planned scale of the note's bar."""

CHROMA = tuple(COLUMNS + at for at in plan_columns.CHROMA)
OWN_CHROMA, HAND_CHROMA = CHROMA[:2], CHROMA[2:]
"""Columns of the planned set of pitch classes of the note's bar and of those that are still to come; and of those of the
left hand and of the right hand."""

REACHED = tuple(
    COLUMNS + [*plan_columns.INPUTS].index(name) for name in ("owntop_reached_reached", "ownbottom_reached_reached")
)
"""Columns that say whether the highest and the lowest pitch of the note's bar are struck already."""

COLUMNS += len(plan_columns.INPUTS)

VALUES = {
    "time": slice(COLUMNS, COLUMNS + character.VALUE_COLUMNS),
    "duration": slice(COLUMNS + character.VALUE_COLUMNS, COLUMNS + 3 * character.VALUE_COLUMNS),
}
"""Columns of the planned note values: of the bar of the last onset, and of the note's own bar for each hand."""

COLUMNS += 3 * character.VALUE_COLUMNS

HEARD = slice(COLUMNS, COLUMNS + ears.SLOTS)
"""Columns of what sounds at the note, see `ears.COUNTS`."""

SOUNDING = slice(COLUMNS, COLUMNS + ears.SOUNDING)
"""Columns of HEARD with what is struck or held at the note."""

COLUMNS += ears.SLOTS

LINE = slice(COLUMNS, COLUMNS + len(ears.LINE))
"""Columns of intervals along the top line, see `ears.LINE`."""

COLUMNS += len(ears.LINE)

RELEASES = slice(COLUMNS, COLUMNS + ears.RELEASES)
"""Columns of the ticks from the last onset to releases, see `ears.RELEASES`."""

COLUMNS += ears.RELEASES

BATCH = 64  # pieces that are encoded together
SHARED = 40_000  # notes from which all cores encode: a worker needs half a second to start
PART = 250_000  # notes that a worker encodes at a time, on average: what it sends back takes memory twice
_TASK = "training.events.encoding:encode_alone"
_TIMEOUT_S = 3600.0  # 300,000 notes take half a minute


def classes(notes: Notes) -> tuple[IntArray, IntArray]:
    """Return the classes of a piece [n, KNOWN], and its onsets [n].

    The classes are time, pitch, duration, velocity and place; the length of the bar follows. Onsets are in ticks.
    Notes are sorted by onset, then pitch; a second note of the same pitch at the same onset is dropped. The first
    note's time is class 0.
    """
    keep = counted(notes)
    onset = notes.onset[keep]
    rows = np.zeros((len(onset), KNOWN), dtype=np.int32)
    rows[:, TIME] = to_class(np.diff(onset, prepend=onset[:1]))
    rows[:, PITCH] = notes.pitch[keep]
    rows[:, DURATION] = to_class(notes.duration[keep])
    rows[:, VELOCITY] = notes.velocity[keep] // VELOCITY_STEP
    rows[:, PLACE], rows[:, BAR] = places(onset, notes.time_signatures)
    return rows, onset


def encode(pieces: Sequence[Notes], *, planned: bool = False, plans_of: Sequence[Notes] | None = None) -> list[Events]:
    """Return each piece as events [n, COLUMNS].

    The columns hold the classes of `classes`, the prediction of the longest match, guesses and confidences by field,
    what the plan says and what sounds. Without `planned`, nothing is known of the plan. `plans_of` are the pieces whose
    plans are given, by default the pieces themselves. Many pieces are shared among worker processes.
    """
    planned_by = pieces if plans_of is None else plans_of
    order = sorted(range(len(pieces)), key=lambda i: -len(counted(pieces[i])))
    notes, workers = sum(map(len, pieces)), cores()
    shares = workers * -(-notes // (workers * PART)) if notes >= SHARED and workers > 1 else 1
    parts = [order[share::shares] for share in range(shares)]
    items = [([pieces[i] for i in part], [planned_by[i] for i in part], planned) for part in parts]
    encoded: list[Events] = [np.zeros((0, COLUMNS), np.int16)] * len(pieces)
    made: dict[int, list[Events]] = {}
    if shares > 1:
        with suppress(DatasetError):  # workers do not start
            for number, result in work(_TASK, items, timeout_s=_TIMEOUT_S):
                if not isinstance(result, Failure):
                    made[number] = result
    for number, part in enumerate(parts):  # what no worker did, for lack of memory for example, is done here
        held = made.pop(number) if number in made else encode_alone(items[number])
        for i, rows in zip(part, held, strict=True):
            encoded[i] = rows
    return encoded


def encode_alone(item: tuple[list[Notes], list[Notes], bool]) -> list[Events]:
    """Return pieces as events, as `encode` does, in this process.

    `item` are the pieces, the longest first, those whose plans are given, and `planned`.
    """
    pieces, planned_by, planned = item
    encoded: list[Events] = []
    for start in range(0, len(pieces), BATCH):
        which = range(start, min(start + BATCH, len(pieces)))
        known = [plans.Plan.of(planned_by[i]) if planned and len(pieces[i]) else None for i in which]
        encoded += _encode_together([classes(pieces[i]) for i in which], known)
    return encoded


def predict_repeats(
    past: Repeats, rows: npt.NDArray[np.integer], onsets: npt.NDArray[np.integer], events: npt.NDArray[np.integer]
) -> None:
    """Write what is predicted of the notes `rows` [streams, KNOWN] into `events` [streams, COLUMNS].

    The predictions come from `past`, field by field.
    """
    predict_time(past, events)
    predict_pitch(past, rows[:, TIME], onsets, rows[:, PLACE], events)
    predict_duration(past, rows[:, PITCH], events)
    predict_velocity(past, rows[:, DURATION], events)


def predict_time(past: Repeats, events: npt.NDArray[np.integer]) -> None:
    """Write what needs nothing of the coming notes into `events` [streams, COLUMNS]."""
    events[:, GUESS["time"]], events[:, CONFIDENCE["time"]], events[:, NEXT_PITCH : NEXT_DURATION + 1] = past.times()
    events[:, PITCH_CLASS_SHARES] = past.pitch_class_shares()
    events[:, PLANNED][:, : plan_columns.BEFORE] = past.plans.before()
    events[:, VALUES["time"]] = past.plans.times()
    events[:, RELEASES] = past.releases()
    events[:, LINE][:, : ears.LINE_BEFORE] = past.line_before()


def predict_pitch(
    past: Repeats,
    time: npt.NDArray[np.integer],
    onset: npt.NDArray[np.integer],
    place: npt.NDArray[np.integer],
    events: npt.NDArray[np.integer],
) -> None:
    """Write what needs the notes' times, onsets and places [streams] into `events` [streams, COLUMNS]."""
    events[:, GUESS["pitch"]], events[:, CONFIDENCE["pitch"]] = past.pitches(time, onset, place)
    events[:, PLANNED][:, plan_columns.BEFORE :] = past.plans.own(onset)
    events[:, VALUES["duration"]] = past.plans.durations(onset)
    ends = past.ends(onset)
    events[:, HEARD] = past.heard(onset, ends)
    events[:, LINE][:, ears.LINE_BEFORE :] = past.line(onset, ends)


def predict_duration(past: Repeats, pitch: npt.NDArray[np.integer], events: npt.NDArray[np.integer]) -> None:
    """Write the guesses at the duration, which need the pitch [streams], into `events` [streams, COLUMNS]."""
    events[:, GUESS["duration"]], events[:, CONFIDENCE["duration"]] = past.durations(pitch)


def predict_velocity(past: Repeats, duration: npt.NDArray[np.integer], events: npt.NDArray[np.integer]) -> None:
    """Write the guesses at the velocity, which need the duration [streams], into `events` [streams, COLUMNS]."""
    events[:, GUESS["velocity"]], events[:, CONFIDENCE["velocity"]] = past.velocities(duration)


def _encode_together(
    read: list[tuple[IntArray, IntArray]], known: list[tuple[plans.Plan, IntArray] | None]
) -> list[Events]:
    """Encode pieces together, the longest first."""
    lengths = np.array([len(onsets) for _, onsets in read])
    longest = int(lengths.max(initial=0))
    rows, onsets = np.zeros((longest, len(read), KNOWN), np.int32), np.zeros((longest, len(read)), np.int32)
    for i, (held, when) in enumerate(read):
        rows[: len(when), i], onsets[: len(when), i] = held, when
    events = np.zeros((longest, len(read), COLUMNS), np.int16)
    events[:, :, :KNOWN] = rows
    past = Repeats(len(read), longest, known)
    live = len(read)
    for at in range(longest):
        if (still := int((lengths > at).sum())) < live:
            live = still
            past.keep(np.arange(live))
        if at:
            predict_repeats(past, rows[at, :live], onsets[at, :live], events[at, :live])
        past.add(rows[at, :live], onsets[at, :live])
    return [events[:length, i].copy() for i, length in enumerate(lengths)]
