"""Event classes never change; notes are restored as exactly as the classes allow."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset.notes.model import Notes
from tests.training.songs import song
from training.events import encoding
from training.events import fields as events
from training.events.encoding import classes

notes_of = st.lists(
    st.tuples(st.integers(0, 48), st.integers(0, 127), st.integers(1, 48), st.integers(1, 127)), min_size=1, max_size=60
)


def test_time_and_duration_have_the_117_classes_that_are_fixed_for_ever() -> None:
    fine = [54, 56, 60, 64, 66, 72, 78, 80, 84, 88, 90, 96, 102, 104, 108, 112, 114, 120, 126, 128, 132, 136, 138, 144]
    finer = [150, 152, 156, 160, 162, 168, 174, 176, 180, 184, 186, 192]
    long = [204, 216, 228, 240, 252, 264, 276, 288, 300, 312, 324, 336, 348, 360, 372, 384]
    longest = [408, 432, 456, 480, 504, 528, 552, 576, 600, 624, 648, 672, 696, 720, 744, 768]
    assert events.EDGES.tolist() == [*range(49), *fine, *finer, *long, *longest]
    assert events.SIZES == {"time": 117, "pitch": 128, "duration": 117, "velocity": 16}


def test_sixteenths_and_triplets_up_to_two_bars_and_quarters_up_to_eight_are_exact() -> None:
    exact = sorted({*range(0, 193, 6), *range(0, 193, 8), *range(0, 769, 24)})
    assert events.EDGES[events.to_class(exact)].tolist() == exact


def test_the_coarse_classes_are_the_65_of_earlier_versions_and_each_class_lies_within_one() -> None:
    long = [57, 68, 81, 96, 114, 136, 161, 192, 228, 272, 323, 384, 457, 543, 646, 768]
    edges = np.array([*range(49), *long])
    assert events.COARSE_EDGES.tolist() == edges.tolist()
    ticks = np.arange(769)
    coarse = np.searchsorted((edges[:-1] + edges[1:]) / 2, ticks, side="left")  # the nearest, the lower of two
    assert (events.COARSE[events.to_class(ticks)] == coarse).all()
    assert set(events.COARSE.tolist()) == set(range(65))


def test_a_class_is_the_nearest_edge_of_the_same_coarse_class_and_long_times_are_clipped() -> None:
    ticks = [0, 1, 48, 52, 53, 57, 75, 76, 766, 768, 769, 100_000]
    assert events.EDGES[events.to_class(ticks)].tolist() == [0, 1, 48, 48, 54, 56, 78, 78, 768, 768, 768, 768]
    for tick in range(769):
        of_coarse = events.EDGES[events.COARSE[events.to_class(tick)] == events.COARSE]
        assert abs(events.EDGES[events.to_class(tick)] - tick) == np.abs(of_coarse - tick).min()
    assert events.EDGES[events.to_class([0.5, 0.51, 29.5, 47.6])].tolist() == [0, 1, 29, 48]  # halves down


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
    place, bar = events.places(onsets, signatures)
    assert place.tolist() == [0, 71, 0, 71, 0, 71, 0, 0, 119, 0]
    assert bar.tolist() == [72, 72, 72, 72, 72, 72, 72, 120, 120, 120]


def test_places_and_lengths_of_very_long_bars_share_the_last_class() -> None:
    place, bar = events.places([0, 143, 144, 191, 192], ((0, 8, 4),))
    assert place.tolist() == [0, 143, 143, 143, 0]
    assert bar.tolist() == [144] * 5


@pytest.mark.parametrize(
    "planned, name, value",
    [
        (True, "_TIMEOUT_S", encoding._TIMEOUT_S),
        (False, "_TIMEOUT_S", encoding._TIMEOUT_S),
        (True, "_TIMEOUT_S", 1e-3),
        (False, "_TASK", "training.nowhere:encode"),
    ],
)
def test_pieces_are_the_same_events_alone_together_and_in_worker_processes(
    monkeypatch: pytest.MonkeyPatch, planned: bool, name: str, value: object
) -> None:
    """At 1 ms, no worker ends in time, and nowhere none starts: then all is done here.

    Doubled notes are no events, so some pieces are shorter than they look.
    """
    pieces = [song(number, bars=2 + 3 * number) for number in (2, 0, 4, 1, 3)]
    twice = [
        np.repeat(column, 2) for column in (pieces[1].onset, pieces[1].duration, pieces[1].pitch, pieces[1].velocity)
    ]
    pieces += [Notes.of(*twice), Notes.of([], [], [], [])]
    alone = [encoding.encode([piece], planned=planned)[0] for piece in pieces]
    monkeypatch.setattr(encoding, name, value)
    notes = sum(map(len, pieces))
    for shared, part in ((notes + 1, notes), (1, notes), (1, notes // 6)):
        monkeypatch.setattr(encoding, "SHARED", shared)
        monkeypatch.setattr(encoding, "PART", part)
        monkeypatch.setattr(encoding, "cores", lambda: 3)
        together = encoding.encode(pieces, planned=planned, plans_of=pieces)
        for one, other in zip(alone, together, strict=True):
            assert one.dtype == other.dtype
            assert (one == other).all()
