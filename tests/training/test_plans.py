"""Plans: what they say of a piece, their text, and plans of other lengths."""

import itertools
from contextlib import nullcontext
from dataclasses import fields, replace

import numpy as np
import pytest

from catalog.base.errors import TrainingError
from dataset.notes.form import MAX_BARS
from dataset.notes.hand_form import NEAR
from dataset.notes.model import Notes
from tests.dataset.test_form import A1, A2, A2_VARIED, B1, B2, piece
from tests.training.songs import song
from tests.training.test_sampler import VOCABULARY, weights
from training.events.character import VALUES
from training.events.encoding import classes
from training.events.fields import EDGES, counted
from training.events.plan_columns import COLUMNS, HANDS, NEW, NO_SHIFT
from training.events.plan_columns import FORM as SOURCES
from training.events.plans import Plan
from training.events.vocabulary import Vocabulary
from training.network.inference import NoteNetwork
from training.sampling.config import SamplingConfig
from training.sampling.sampler import compose

FORM = piece(A1, A2, A1, A2, B1, B2, A1, A2_VARIED)
PLAN, LINES = Plan.of(FORM)


def columns(plan: Plan) -> dict[str, list[int]]:
    return {field.name: getattr(plan, field.name).tolist() for field in fields(plan)}


def test_a_plan_says_the_form_density_and_range_of_each_bar() -> None:
    assert LINES.tolist() == [*range(0, 9 * 96, 96)]
    said = columns(PLAN)
    assert said["lag"] == [0, 0, 2, 2, 0, 0, 4, 4]
    assert said["level"] == [1, 1, 5, 5, 1, 1, 5, 3]
    assert said["rhythm_lag"] == [0, 0, 2, 2, 2, 1, 2, 4]
    assert said["rhythm_level"] == [1, 1, 5, 5, 5, 2, 5, 5]
    assert said["onsets"] == [4, 4, 4, 4, 4, 2, 4, 4]
    assert said["density"] == [2] * 8
    assert said["top"] == [73, 72, 73, 72, 57, 45, 73, 75]
    assert said["bottom"] == [61, 63, 61, 63, 51, 44, 61, 63]


def test_a_bar_without_notes_has_no_range_and_chords_are_dense() -> None:
    said = columns(Plan.of(Notes.of([0, 0, 0, 48, 200], [12] * 5, [60, 64, 67, 62, 70], [80] * 5, (), ()))[0])
    assert said["onsets"] == [2, 0, 1]
    assert said["density"] == [4, 0, 2]
    assert said["top"] == [68, 0, 71]
    assert said["bottom"] == [61, 0, 71]


def test_a_note_that_is_doubled_at_its_pitch_is_planned_once_as_it_is_one_event() -> None:
    for number in range(4):
        notes = song(number)
        columns = (notes.onset, notes.duration, notes.pitch, notes.velocity, notes.hand, notes.pedal_group)
        onset, duration, pitch, velocity, hand, group = (np.repeat(column, 2) for column in columns)
        duration[1::2] -= 1
        doubled = replace(
            notes, onset=onset, duration=duration, pitch=pitch, velocity=velocity, hand=hand, pedal_group=group
        )
        plan, lines = Plan.of(doubled)
        wanted, wanted_lines = Plan.of(notes)
        assert plan.to_text() == wanted.to_text()
        assert lines.tolist() == wanted_lines.tolist()
        assert len(counted(doubled)) == len(classes(doubled)[0]) == len(notes)


def test_a_plan_comes_back_from_its_text() -> None:
    for plan in (PLAN, Plan.of(song(1, bars=40))[0]):
        back = Plan.from_text(plan.to_text())
        assert columns(back) == columns(plan)
        assert {getattr(back, field.name).dtype for field in fields(back)} == {np.dtype(np.int16)}


COLUMNS_OF_TEXT = len(PLAN.to_text().split(" ")[0].split(","))


def with_plan(text: str) -> str:
    """Return the text of a vocabulary.json whose openings have this plan."""
    openings = tuple(replace(opening, plan=text) for opening in VOCABULARY.openings)
    return replace(VOCABULARY, openings=openings).to_json()


@pytest.mark.parametrize("column", range(COLUMNS_OF_TEXT))
@pytest.mark.parametrize("far", [2**15, 10**30])
def test_a_plan_with_a_number_out_of_range_is_one_error_that_names_the_file(column: int, far: int) -> None:
    bars = [bar.split(",") for bar in PLAN.to_text().split(" ")]
    bars[1][column] = str(far)
    vocabulary = Vocabulary.from_json(with_plan(" ".join(map(",".join, bars))), "vocabulary.json")
    network = NoteNetwork(weights())
    with pytest.raises(
        TrainingError, match=r"^vocabulary\.json: the plan of .* (out of range|too large.*); .* train it again$"
    ):
        compose(network, vocabulary, SamplingConfig(notes=5))


def test_the_largest_number_of_each_column_is_read_and_the_next_one_is_not() -> None:
    largest = {name: size - 1 for name, (_, size) in COLUMNS.items()}
    numbers = ("onsets", "notes", "left_notes", "right_notes", "times", "durations")
    largest |= dict.fromkeys(numbers, 2**15 - 1) | dict.fromkeys(("lag", "rhythm_lag", "left_lag", "right_lag"), 1)
    largest |= {"rhythm_level": 5, "left_shift": 48, "right_shift": 48}
    names = [f.name for f in fields(Plan) if f.name not in ("times", "durations")]
    for column, name in enumerate([*names, *["times"] * 8, *["durations"] * 16]):
        for more in (0, 1):
            bars = [bar.split(",") for bar in PLAN.to_text().split(" ")]
            bars[1][column] = str(largest[name] + more)
            with nullcontext() if not more else pytest.raises(ValueError, match=f"^{name} out of range$"):
                Plan.from_text(" ".join(map(",".join, bars)))


@pytest.mark.parametrize("text", ["", "1", "0,1,4,2,73,61,0", "x" * 9, " " + PLAN.to_text(), "-" + PLAN.to_text()])
def test_a_text_that_is_no_plan_is_one_error_that_names_the_file(text: str) -> None:
    with pytest.raises(TrainingError, match=r"^run/vocabulary\.json: .*; not the vocabulary of a run; train it again$"):
        Vocabulary.from_json(with_plan(text), "run/vocabulary.json")


def test_a_longer_plan_repeats_the_piece_and_ends_as_it_does() -> None:
    longer = columns(PLAN.of_length(16))
    for name, said in columns(PLAN).items():
        assert longer[name][:8] == said
    assert longer["lag"][8:] == longer["rhythm_lag"][8:] == [8] * 8
    assert longer["level"][8:] == [4] * 8
    assert longer["rhythm_level"][8:] == [5] * 8
    assert longer["top"][8:] == PLAN.top.tolist()


def test_a_shorter_plan_keeps_the_ending_and_the_sources_of_sources_that_are_cut_away() -> None:
    assert columns(PLAN.of_length(8)) == columns(PLAN)
    shorter = columns(PLAN.of_length(6))  # A1 A2, and the last three bars are B2 A1 A2 varied
    assert shorter["top"] == PLAN.top[[0, 1, 2, 5, 6, 7]].tolist()
    assert shorter["lag"] == [0, 0, 2, 0, 2, 4]  # the last bar's source, the second A2, is cut away: the first A2
    assert shorter["level"] == [1, 1, 5, 1, 5, 3]
    assert len(PLAN.of_length(1)) == 1


def test_every_length_has_sources_before_each_bar() -> None:
    plan = Plan.of(song(1, bars=40))[0]
    for bars in range(1, 100):
        new = plan.of_length(bars)
        assert len(new) == bars
        for lag, level, *_ in SOURCES:
            assert (getattr(new, lag) <= np.arange(bars)).all()
            assert ((getattr(new, lag) == 0) == (getattr(new, level) == 1)).all()
        for hand in HANDS:
            lag, move, shift = (getattr(new, f"{hand}_{name}") for name in ("lag", "move", "shift"))
            assert ((lag == 0) == (move == 0)).all()
            assert (shift[move < NEAR] == NO_SHIFT).all()


def occurring(sets: list[int]) -> set[int]:
    """Return the ticks of the first of two sets of note values."""
    values = {15 * column + bit for column, bits in enumerate(sets[:4]) for bit in range(15) if bits >> bit & 1}
    return set(EDGES[np.isin(VALUES, [*values])].tolist())


def test_the_character_of_a_bar() -> None:
    held = [(0, 48, 96), (0, 72, 12), (24, 72, 24), (48, 74, 24), (72, 79, 24)]  # a bass note under a line
    rows = [(bar * 96 + onset, pitch, ticks) for bar in range(3) for onset, pitch, ticks in held]
    onset, pitch, duration = (list(column) for column in zip(*rows, strict=True))
    said = columns(Plan.of(Notes.of(onset, duration, pitch, [80] * 15, (), ()))[0])
    assert said["voices"] == [1 + 2] * 3
    assert said["chroma"] == [1 << 0 | 1 << 2 | 1 << 7] * 3
    assert said["right_sustain"] == [4] * 3  # most notes last until the next
    assert said["left_sustain"] == [4, 4, 0]  # the last one has none after it
    assert said["right_length"] == [7] * 3  # a mean of 21 ticks
    assert said["left_length"] == [9] * 3
    assert said["loudness"] == [1 + 80 // 8] * 3
    assert said["accents"] == [1] * 3  # all alike
    assert [occurring(row) for row in said["times"]] == [{24}] * 3
    assert [occurring(row[:8]) for row in said["durations"]] == [{12, 24}] * 3
    assert [occurring(row[8:]) for row in said["durations"]] == [{96}] * 3
    assert said["repeats"] == [5] * 3  # three of eleven moves
    assert said["steps"] == [3] * 3  # three of eleven
    assert Plan.of(Notes.of([0, 2, 4], [2] * 3, [60, 61, 62], [80] * 3, (), ()))[0].repeats.tolist() == [0]


def test_voices_are_counted_at_every_onset() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        onset = np.sort(rng.integers(0, 400, 60))
        duration, pitch = rng.integers(1, 150, 60), rng.integers(30, 90, 60)
        plan, lines = Plan.of(Notes.of(onset, duration, pitch, [80] * 60, (), ()))
        for bar, (begin, end) in enumerate(itertools.pairwise(lines.tolist())):
            ticks = [tick for tick in onset.tolist() if begin <= tick < end]
            most = max((int(((onset <= t) & (onset + duration > t)).sum()) for t in ticks), default=-1)
            assert plan.voices[bar] == min(most + 1, 13)


def test_a_piece_of_very_many_bars_has_a_plan_of_its_first_ones() -> None:
    far = Notes.of([0, 24, 13_000_000], [12] * 3, [60, 64, 67], [80] * 3, (), ((0, 1, 32),))
    plan, lines = Plan.of(far)
    assert len(plan) == len(lines) - 1 == MAX_BARS


def test_a_song_keeps_its_form_from_any_bar_on() -> None:
    """Of the bars that go back to the same bar, all but the first are repeated."""
    plan = Plan.of(song(1, bars=24))[0]
    root = np.arange(len(plan))
    for bar in np.flatnonzero(plan.lag).tolist():
        root[bar] = root[bar - plan.lag[bar]]
    assert len(set(root.tolist())) < len(plan) / 2
    for begin in range(1, len(plan)):
        first = np.unique(root[begin:], return_index=True)[1]
        assert np.flatnonzero(plan.from_bar(begin).level == NEW).tolist() == sorted(first.tolist())
