"""Texture and pitch classes compared with muspy, on random notes and real files.

The definitions are muspy's. It gets our notes, as long as they sound, without drums, at 24 time steps per quarter note:
its own reader keeps the file's resolution, so that its measures in time steps would differ by rounding.
"""

import math
import os
import random
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset.measures import texture
from dataset.measures.keys import pitch_class_entropy, scale_consistency
from dataset.midi.midi_reader import read_midi
from dataset.notes.model import Notes

SAMPLE = int(os.environ.get("VGPIANO_MUSPY", "40"))  # real files; 721 are all

spans_of = st.lists(
    st.tuples(st.integers(0, 200), st.integers(1, 100), st.integers(40, 60)),
    min_size=1,
    max_size=25,
)


def of_spans(spans: list[tuple[int, int, int]]) -> Notes:
    onset, duration, pitch = np.array(spans).T
    return Notes.of(onset, duration, pitch, [64] * len(spans))


def ours(notes: Notes, bar: int) -> dict[str, float | None]:
    segments = texture.segments(notes)
    return {
        "pitch_class_entropy": pitch_class_entropy(notes),
        "scale_consistency": scale_consistency(notes),
        "polyphony": texture.polyphony(segments),
        "polyphony_rate": texture.polyphony_rate(segments),
        "empty_beat_rate": texture.empty_beat_rate(notes),
        "groove_consistency": texture.groove_consistency(notes, bar),
    }


def theirs(notes: Notes, bar: int) -> dict[str, float | None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import muspy

    def music_of(lengths: np.ndarray) -> muspy.Music:
        columns = (column.tolist() for column in (notes.onset, notes.pitch, lengths, notes.velocity))
        track = muspy.Track(notes=[muspy.Note(*row) for row in zip(*columns, strict=True)])
        return muspy.Music(resolution=24, tracks=[track])

    music = music_of(notes.sounding)
    values = {name: float(getattr(muspy, name)(music)) for name in ours(notes, bar) if name != "groove_consistency"}
    groove = float(muspy.groove_consistency(music_of(notes.duration), bar))
    return {**values, "groove_consistency": None if math.isnan(groove) else groove}


@given(spans_of, st.sampled_from([1, 36, 72, 96, 500]))
@settings(max_examples=100, deadline=None)
def test_any_notes_measure_as_muspy_measures_them(spans: list[tuple[int, int, int]], bar: int) -> None:
    notes = of_spans(spans)
    assert ours(notes, bar) == pytest.approx(theirs(notes, bar), abs=1e-9)


@pytest.mark.real
def test_real_pieces_measure_as_muspy_measures_them(real_site: Path) -> None:
    paths = sorted(real_site.rglob("*.mid"))
    for path in random.Random(4).sample(paths, min(SAMPLE, len(paths))):
        notes = read_midi(path.read_bytes())
        _, over, under = notes.time_signatures[-1]
        bar = 96 * over // under
        assert ours(notes, bar) == pytest.approx(theirs(notes, bar), abs=1e-6), path.name


@given(spans_of)
@settings(max_examples=100, deadline=None)
def test_polyphony_is_the_mean_over_the_ticks_in_which_something_sounds(spans: list[tuple[int, int, int]]) -> None:
    keys = [{pitch for start, length, pitch in spans if start <= tick < start + length} for tick in range(300)]
    sounding = [len(pitches) for pitches in keys if pitches]
    assert texture.polyphony(texture.segments(of_spans(spans))) == pytest.approx(sum(sounding) / len(sounding))


def test_a_pitch_that_two_notes_hold_sounds_once() -> None:
    segments = texture.segments(Notes.of([0, 0, 24], [48, 48, 72], [60, 60, 60], [64, 64, 64]))
    assert texture.polyphony(segments) == 1.0


def test_what_the_pedal_holds_sounds_on() -> None:
    keys = [0, 24, 48, 72, 120], [6] * 5, [48, 60, 64, 67, 48], [90] * 5
    dry, wet = Notes.of(*keys), Notes.of(*keys, pedals=[(0, 2, 96)])
    assert texture.polyphony(texture.segments(dry)) == 1.0
    assert texture.polyphony(texture.segments(wet)) == (24 * (1 + 2 + 3 + 4) + 6) / 102
    assert texture.polyphony_rate(texture.segments(wet)) == 48 / 126
    late = Notes.of([0, 96], [6, 6], [60, 62], [90, 90], pedals=[(0, 2, 60)])
    assert texture.empty_beat_rate(Notes.of([0, 96], [6, 6], [60, 62], [90, 90])) == 3 / 5
    assert texture.empty_beat_rate(late) == 1 / 5


def test_three_pitches_are_many_and_two_are_not() -> None:
    segments = texture.segments(Notes.of([24, 24, 48], [48, 48, 24], [60, 64, 67], [64] * 3))
    assert texture.polyphony_rate(segments) == 1 / 3  # silent, two, three


def test_a_wall_of_notes_that_lasts_for_hours_needs_no_piano_roll() -> None:
    notes = Notes.of([0, 13_000_000], [1, 10], [60, 64], [64, 64])
    assert texture.polyphony(texture.segments(notes)) == 1.0
    assert texture.empty_beat_rate(notes) > 0.999
    assert texture.groove_consistency(notes, 96) == pytest.approx(1.0)
