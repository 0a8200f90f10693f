"""Event classes never change; notes are restored as exactly as the classes allow."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset.notes.model import Notes
from training.events import classes as events
from training.events.encoding import classes

notes_of = st.lists(
    st.tuples(st.integers(0, 48), st.integers(0, 127), st.integers(1, 48), st.integers(1, 127)), min_size=1, max_size=60
)


def test_time_and_duration_have_the_65_classes_that_are_fixed_for_ever() -> None:
    long = [57, 68, 81, 96, 114, 136, 161, 192, 228, 272, 323, 384, 457, 543, 646, 768]
    assert events.EDGES.tolist() == [*range(49), *long]
    assert events.SIZES == {"time": 65, "pitch": 128, "duration": 65, "velocity": 16}


def test_a_class_is_the_nearest_edge_and_long_times_are_clipped() -> None:
    assert events.to_class([0, 1, 48, 52, 53, 57, 768, 769, 100_000]).tolist() == [0, 1, 48, 48, 49, 49, 64, 64, 64]


@given(notes_of)
@settings(max_examples=80, deadline=None)
def test_notes_within_the_exact_classes_come_back_as_they_were_but_for_velocity(rows: list[tuple[int, ...]]) -> None:
    step, pitch, duration, velocity = np.array(rows).T
    notes = Notes(np.cumsum(step), duration, pitch, velocity, ((0, 120.0),), ((0, 4, 4),))
    kept = {}
    for onset, pitch_, duration_ in zip(notes.onset, notes.pitch, notes.duration, strict=True):
        kept.setdefault((int(onset), int(pitch_)), int(duration_))
    back = events.decode(classes(notes)[0], notes.tempos, notes.time_signatures, int(notes.onset[0]))
    found = zip(back.onset.tolist(), back.pitch.tolist(), back.duration.tolist(), strict=True)
    assert [((o, p), d) for o, p, d in found] == list(kept.items())


def test_place_in_the_bar_follows_every_time_signature() -> None:
    signatures = ((0, 3, 4), (144, 6, 8), (288, 5, 4))
    onsets = [0, 71, 72, 143, 144, 215, 216, 288, 288 + 119, 288 + 120]
    assert events.places(onsets, signatures).tolist() == [0, 71, 0, 71, 0, 71, 0, 0, 119, 0]
