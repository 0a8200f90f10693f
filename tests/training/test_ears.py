"""What sounds at a coming note: notes struck with it, notes held, and the chord before."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset.notes.model import Notes
from training.events import ears
from training.events.encoding import COLUMNS, HEARD, KNOWN, LINE, RELEASES, classes, encode, predict_repeats
from training.events.fields import PITCH
from training.events.plans import Plan
from training.events.repeat_models import Repeats

notes_of = st.lists(
    st.tuples(st.sampled_from([0, 0, 6, 24]), st.integers(48, 72), st.sampled_from([6, 24, 96])),
    min_size=1,
    max_size=40,
)


def piece(rows: list[tuple[int, int, int]]) -> Notes:
    """Notes (onset, pitch, duration) in 4/4."""
    onset, pitch, duration = np.array(rows).T
    return Notes.of(onset, duration, pitch, [80] * len(rows), (), ())


def heard(events: np.ndarray, note: int) -> dict[str, list[int]]:
    """Return the pitches of each group at a note."""
    row = events[note, HEARD]
    groups = {name: row[first : first + count] for name, first, count in ears.GROUPS}
    return {name: [int(pitch) - 1 for pitch in pitches if pitch] for name, pitches in groups.items()}


def test_struck_held_and_last_chord_are_told_apart() -> None:
    low = (0, 48, 96)  # sounds until 96
    [events] = encode([piece([low, (0, 64, 24), (0, 67, 24), (24, 65, 36), (24, 69, 24), (48, 72, 6), (48, 76, 6)])])
    nothing: dict[str, list[int]] = {name: [] for name in ears.COUNTS}
    assert heard(events, 0) == nothing
    assert heard(events, 1) == {**nothing, "struck": [48]}
    assert heard(events, 2) == {**nothing, "struck": [64, 48]}
    triad = {"chord": [67, 64, 48], "top": [67], "bass": [48]}
    assert heard(events, 3) == {**nothing, "held": [48], **triad}  # what ends at 24 is not held
    assert heard(events, 4) == {**nothing, "struck": [65], "held": [48], **triad}
    dyad = {"chord": [69, 65], "top": [69], "bass": [65]}
    assert heard(events, 5) == {**nothing, "held": [65, 48], **dyad}
    assert heard(events, 6) == {**nothing, "struck": [72], "held": [65, 48], **dyad}


def test_where_a_plan_parts_the_hands_each_has_its_last_chord_and_its_line() -> None:
    left, right = [(0, 36), (48, 43), (96, 41)], [(0, 72), (24, 74), (48, 72), (72, 77), (96, 76)]
    rows = [(at, pitch, 24) for at, pitch in (*left, *right)]
    rows += [(0, 48, 24), (48, 67, 24)]  # an octave in the left hand, a fourth in the right one
    [events] = encode([piece(sorted(rows))], planned=True)
    assert events[:, PITCH].tolist() == [36, 48, 72, 74, 43, 67, 72, 77, 41, 76]
    known = {name: [held[name] for held in (heard(events, at) for at in range(10))] for name in ("left", "right")}
    assert known["left"] == [[], [], [], [36], [36], [36], [36], [43], [43], [43]]
    assert known["right"] == [[], [], [], [72], [74], [74], [74], [72], [77], [77]]
    of = {name: events[:, LINE.start + at].tolist() for at, name in enumerate(ears.LINE)}
    assert of["ownleft_interval"] == [0] * 7 + [25 + 7] * 3
    assert of["ownright_interval"] == [0] * 4 + [25 + 2] * 3 + [25 - 2] + [25 + 5] * 2


def test_of_more_notes_than_there_are_columns_the_latest_and_highest_remain() -> None:
    chord = [(0, 40 + 2 * n, 96) for n in range(9)]
    [events] = encode([piece([*chord, (24, 60, 24)])])
    assert heard(events, 8)["struck"] == [54, 52, 50, 48, 46]
    last = heard(events, 9)
    assert last["held"] == [56, 54, 52, 50, 48, 46]
    assert last["chord"] == [56, 54, 52, 50, 48]
    assert (last["top"], last["bass"]) == ([56], [40])  # of the whole chord


def test_releases_are_those_of_the_highest_note_and_the_first_and_last_of_all() -> None:
    [events] = encode([piece([(0, 48, 96), (0, 67, 12), (24, 65, 48), (24, 69, 24), (120, 72, 6), (126, 72, 6)])])
    ticks = events[:, RELEASES].tolist()
    assert ticks[0] == [0, 0, 0]
    assert ticks[1] == [96, 96, 96]
    assert ticks[2] == [12, 12, 96]
    assert ticks[3] == [48, 48, 72]
    assert ticks[4] == [24, 24, 72]
    assert ticks[5] == [6, 6, 6]


def test_intervals_along_the_top_line_are_known_before_the_time_and_before_the_pitch() -> None:
    rows = [(0, 60, 24), (24, 48, 24), (24, 64, 24), (48, 62, 24), (72, 96, 24), (96, 40, 24), (120, 41, 24)]
    [events] = encode([piece(rows)])
    of = {name: events[:, LINE.start + at].tolist() for at, name in enumerate(ears.LINE)}
    # the top line is 60 64 62 96 40 41; before each note stands the last note, which may be within a chord
    assert of["owntop_interval"] == [0, 0, 0, 25 + 4, 25 - 2, 25 + 24, 25 - 24]  # wider ones count as two octaves
    assert of["lastabove_interval"] == [0, 0, 25 - 12, 25 + 4, 25 - 2, 25 + 24, 25 - 24]
    assert of["lasttop_interval"] == [0, 0, 0, 0, 25 + 4, 25 - 2, 25 + 24]


@given(st.lists(notes_of, min_size=2, max_size=4), st.booleans())
@settings(max_examples=40, deadline=None)
def test_streams_that_are_advanced_as_in_sampling_see_what_is_encoded(
    pieces: list[list[tuple[int, int, int]]], planned: bool
) -> None:
    together = [
        piece([*zip(np.cumsum(step), pitch, duration, strict=True)])  # type: ignore[misc]
        for step, pitch, duration in (np.array(rows).T for rows in pieces)
    ]
    encoded = encode(together, planned=planned)
    read = [classes(notes) for notes in together]
    longest = max(len(rows) for rows, _ in read)
    past = Repeats(len(read), longest, [Plan.of(notes) if planned else None for notes in together])
    live = np.arange(len(read))
    for at in range(longest):
        going = [at < len(read[number][0]) for number in live]
        live = live[going]
        past.keep(np.flatnonzero(going))
        rows = np.stack([read[number][0][at] for number in live])
        onsets = np.array([read[number][1][at] for number in live])
        if at:
            seen = np.zeros((len(live), COLUMNS), np.int16)
            predict_repeats(past, rows, onsets, seen)
            for stream, number in enumerate(live):
                assert (seen[stream, KNOWN:] == encoded[number][at, KNOWN:]).all()
        past.add(rows, onsets)
