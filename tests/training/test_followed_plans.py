"""Plans: what streams that follow them know, and new pieces that do."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from dataset.notes.model import Notes
from tests.training.test_plans import FORM, PLAN
from tests.training.test_sampler import GAIN, VOCABULARY, saying
from training.events.ears import HAND_COLUMNS
from training.events.encoding import CONFIDENCE, GUESS, HEARD, LINE, PLANNED, encode
from training.events.encoding import VALUES as VALUE_COLUMNS
from training.events.fields import DURATION, FIELDS, PITCH, TIME, VELOCITY
from training.events.plan_columns import INPUTS, NEW
from training.events.plans import Plan
from training.events.repeat_models import GUESSES, PLAN_GUESSES
from training.events.vocabulary import Start, Vocabulary
from training.sampling.config import SamplingConfig
from training.sampling.prompts import make_prompts
from training.sampling.sampler import compose


def inputs(events: np.ndarray, name: str) -> list[int]:
    return list(map(int, events[:, PLANNED][:, [*INPUTS].index(name)]))


def test_a_note_knows_the_bars_of_the_last_onset_the_one_after_it_and_its_own() -> None:
    [events] = encode([FORM], planned=True)
    bar = np.repeat(np.arange(8), [4, 4, 4, 4, 4, 2, 4, 4])
    last, following = bar[:-1], np.minimum(bar[:-1] + 1, 7)
    assert inputs(events[1:], "own_level") == PLAN.level[bar[1:]].tolist()
    assert inputs(events[1:], "owntop_range") == PLAN.top[bar[1:]].tolist()
    assert inputs(events[1:], "bar_level") == PLAN.level[last].tolist()
    assert inputs(events[1:-4], "comingbottom_range") == PLAN.bottom[following][:-4].tolist()
    assert inputs(events[1:-4], "coming_level") == PLAN.level[following][:-4].tolist()
    assert inputs(events[-3:], "coming_level") == [0] * 3  # after the last bar
    assert inputs(events[1:9], "bar_onsets") == [4, 3, 2, 1, 4, 3, 2, 1]  # 1 + those to come
    assert not events[0, PLANNED].any()


def test_without_a_plan_nothing_is_known_and_all_else_is_the_same() -> None:
    [with_plan], [without] = encode([FORM], planned=True), encode([FORM])
    assert with_plan[1:, PLANNED].any(axis=1).all()
    hands = [slice(part.stop - HAND_COLUMNS, part.stop) for part in (HEARD, LINE)]
    for columns in (PLANNED, *VALUE_COLUMNS.values(), *hands):
        assert with_plan[:, columns].any()
        with_plan[:, columns] = 0
    for name, count in PLAN_GUESSES.items():
        for part in (GUESS[name], CONFIDENCE[name]):
            planned = slice(part.stop - count, part.stop)
            assert with_plan[:, planned].any()
            with_plan[:, planned] = 0
    assert (with_plan == without).all()


def test_the_guesses_of_a_plan_are_what_stands_in_the_bar_that_is_repeated() -> None:
    [events] = encode([FORM], planned=True)
    again = events[8:16]  # the second A
    columns = {"time": TIME, "pitch": PITCH, "duration": DURATION, "velocity": VELOCITY}
    where = {name: (column, -PLAN_GUESSES[name]) for name, column in columns.items()}
    for name in FIELDS:
        column, of_plan = where[name]
        assert (again[:, CONFIDENCE[name]][:, of_plan] > 0).all(), name
        assert (again[:, GUESS[name]][:, of_plan] == again[:, column]).all(), name
    rhythm = events[16:20]  # B, which has the rhythm of A alone
    assert (rhythm[:, GUESS["time"]][:, 1 - PLAN_GUESSES["time"]] == rhythm[:, TIME]).all()
    assert not rhythm[:, CONFIDENCE["pitch"]][:, -PLAN_GUESSES["pitch"]].any()


@pytest.mark.parametrize(
    "first, meters, meter, place",
    [
        (60, ((0, 3, 4),), (3, 4), 60),
        (60, ((0, 1, 4), (24, 4, 4)), (4, 4), 36),  # after an upbeat
        (60, ((0, 3, 4), (72, 2, 4)), (2, 4), 47),  # its place is beyond that bar
        (60, ((0, 4, 4), (384, 3, 4), (480, 4, 4), (672, 3, 4)), (4, 4), 60),  # no stretch of 3/4 is as long
    ],
)
def test_a_new_piece_has_the_meter_of_most_of_its_training_piece(
    first: int, meters: tuple[tuple[int, int, int], ...], meter: tuple[int, int], place: int
) -> None:
    onset = np.arange(first, 860, 12)
    notes = Notes.of(onset, np.full(len(onset), 12), np.full(len(onset), 60), np.full(len(onset), 80), (), meters)
    [opening] = Vocabulary.of([SimpleNamespace(notes=notes, series="temple", game="wood")]).openings
    assert ((opening.numerator, opening.denominator), opening.place) == (meter, place)


def test_a_new_piece_may_start_at_later_bars_of_its_training_piece() -> None:
    onset = np.concatenate([np.arange(0, 768, 24), np.arange(1548, 2304, 24)])  # bars 8–15 are empty
    notes = Notes.of(
        onset,
        np.full(len(onset), 12),
        np.arange(len(onset)) % 40 + 40,
        np.full(len(onset), 80),
        (),
        ((0, 4, 4), (2208, 3, 4)),
    )
    [opening] = Vocabulary.of([SimpleNamespace(notes=notes, series="temple", game="wood")]).openings
    [start] = opening.later  # bar 8 has no note, bar 24 does not exist
    assert (start.bar, start.place, start.pitch, start.notes) == (16, 12, 72, len(onset) - 32)
    plan = Plan.from_text(opening.plan)
    rest = plan.from_bar(16)
    assert len(rest) == len(plan) - 16
    assert rest.top.tolist() == plan.top[16:].tolist()
    assert (rest.lag <= np.arange(len(rest))).all()
    assert rest.level[0] == NEW


def test_each_piece_begins_one_stream_before_any_begins_two_and_then_at_another_bar() -> None:
    long = PLAN.of_length(32)
    later = tuple(Start(bar, 0, 50 + bar, 12, 8, 400) for bar in (8, 16, 24))
    openings = tuple(
        replace(VOCABULARY.openings[0], pitch=40 + n, plan=long.to_text(), notes=400, later=later) for n in range(5)
    )
    short = replace(openings[0], pitch=99, notes=100)  # less than 0.6 of what is asked

    def firsts(count: int, seed: int) -> list[int]:
        tries = {number: [np.random.default_rng([seed, number])] for number in range(count)}
        made = make_prompts(VOCABULARY, (*openings, short), None, tries, 400, seed)
        return [int(prompt.rows[0, PITCH]) for prompt in made]

    twelve = firsts(12, 3)
    assert sorted(twelve[:5]) == [40, 41, 42, 43, 44]
    assert set(twelve[5:]) <= {58, 66, 74}
    assert len(set(twelve[5:])) > 1
    assert firsts(7, 3) == twelve[:7]
    assert firsts(5, 4) != twelve[:5]


def test_a_new_piece_repeats_bars_where_the_plan_of_its_training_piece_does() -> None:
    """The network believes what the plan says, and else draws at random."""
    first = {name: GAIN[name] + count - PLAN_GUESSES[name] for name, count in GUESSES.items()}
    scores = {name: {guess: 60.0} for name, guess in first.items()}
    network = saying(**{**scores, "time": {**scores["time"], 6: 30.0, 12: 30.0, 18: 30.0}})
    opening = replace(VOCABULARY.openings[0], plan=PLAN.of_length(4).to_text(), place=0)
    [notes] = compose(network, replace(VOCABULARY, openings=(opening,)), SamplingConfig(bars=4, seed=3))
    bars: list[list[tuple[int, int, int]]] = [[] for _ in range(4)]
    for onset, pitch, velocity in zip(notes.onset.tolist(), notes.pitch.tolist(), notes.velocity.tolist(), strict=True):
        bars[onset // 96].append((onset % 96, pitch, velocity))
    assert bars[2] == bars[0] != bars[1]
    assert len(bars[1]) == 4  # as planned: the bar after it, which repeats one, then begins
    assert bars[3][:4] == bars[1]
