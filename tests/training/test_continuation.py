"""Plans of continuations: the beginning stays, and a training piece like it goes on, in the beginning's key."""

from dataclasses import fields, replace

import numpy as np
import pytest

from dataset.notes.model import Notes
from tests.dataset.test_form import A1, A2, B1, B2, piece
from tests.training.songs import song
from tests.training.test_forms import likeness
from tests.training.test_sampler import GAIN, VOCABULARY, saying
from training.events.plan_columns import NEW
from training.events.plans import Plan
from training.events.repeat_models import GUESSES, PLAN_GUESSES
from training.planning import continuation
from training.planning.continuation import Beginning, nearest
from training.sampling.prompts import make_prompts
from training.sampling.sampler import SamplingConfig, compose

FORM = (A1, A2, B1, B2, A1, A2)


def moved(notes: Notes, semitones: int) -> Notes:
    return replace(notes, pitch=(notes.pitch.astype(int) + semitones).astype(notes.pitch.dtype))


def first_bars(notes: Notes, ticks: int) -> Notes:
    kept = notes.onset < ticks
    onset, duration, pitch, velocity = (
        column[kept] for column in (notes.onset, notes.duration, notes.pitch, notes.velocity)
    )
    return Notes.of(onset, duration, pitch, velocity, notes.tempos, notes.time_signatures)


def table(plan: Plan) -> dict[str, list[int]]:
    return {field.name: getattr(plan, field.name).tolist() for field in fields(Plan)}


def test_a_piece_goes_on_after_its_own_beginning_as_it_does() -> None:
    whole, _ = Plan.of(piece(*FORM))
    beginning = Beginning.of(piece(A1, A2))
    given = len(beginning.plan)
    assert beginning.open_bars == 0
    found = beginning.followed_by(whole)
    assert len(found) == given + continuation.BARS_AFTER
    assert table(found.from_bar(0))["lag"][: len(whole)] == whole.lag.tolist()
    for name in ("lag", "level", "onsets", "top", "bottom", "scale", "chroma", "voices"):
        assert getattr(found, name)[:given].tolist() == getattr(beginning.plan, name).tolist(), name
        assert getattr(found, name)[given : len(whole)].tolist() == getattr(whole, name)[given:].tolist(), name


def test_where_the_piece_repeats_a_first_bar_the_beginning_is_repeated() -> None:
    whole, _ = Plan.of(piece(*FORM))
    other = song(3, bars=2)  # in another rhythm, and with other pitches
    found = Beginning.of(other).followed_by(whole)
    given, _ = Plan.of(other)
    returning = [bar for bar in range(2, len(whole)) if whole.lag[bar] and bar - whole.lag[bar] < 2]
    assert len(returning) == 2
    for bar in returning:
        source = bar - int(found.lag[bar])
        for name in ("onsets", "notes", "top", "bottom", "chroma", "voices"):
            assert getattr(found, name)[bar] == getattr(given, name)[source], name
        assert found.durations[bar].tolist() == given.durations[source].tolist()
        assert found.level[bar] == whole.level[bar]


@pytest.mark.parametrize("semitones", range(-18, 19))
def test_what_follows_is_in_the_key_and_the_range_of_the_beginning(semitones: int) -> None:
    whole, heard = piece(*FORM), moved(piece(A1, A2), semitones)
    found = table(Beginning.of(heard).followed_by(Plan.of(whole)[0]))
    wanted = table(Plan.of(moved(whole, semitones))[0])
    for name in ("top", "bottom", "scale", "chroma"):
        assert found[name][: len(wanted[name])] == wanted[name], name


def test_a_louder_beginning_is_followed_as_loudly() -> None:
    whole, _ = Plan.of(piece(*FORM))
    loud = replace(piece(A1, A2), velocity=np.full(len(piece(A1, A2)), 120, np.uint8))
    found = Beginning.of(loud).followed_by(whole)
    assert set(found.loudness.tolist()) == set(Plan.of(loud)[0].loudness.tolist())


def test_a_last_bar_that_is_not_complete_goes_on_as_the_piece_does() -> None:
    notes = song(1, bars=12)  # in 4/4
    whole, _ = Plan.of(notes)
    for ticks, is_open, onsets in ((4 * 96, 0, 8), (4 * 96 - 24, 0, 6), (3 * 96 + 24, 1, 8)):
        beginning = Beginning.of(first_bars(notes, ticks))
        assert beginning.open_bars == is_open
        assert beginning.followed_by(whole).onsets[3] == onsets


def test_the_nearest_piece_is_the_one_that_begins_so_in_any_key() -> None:
    pieces = [song(number, bars=16) for number in range(12)]
    plans = [Plan.of(notes)[0] for notes in pieces]
    for number in range(1, 12, 2):
        beginning, _ = Plan.of(moved(first_bars(pieces[number], 4 * 96), 5))
        near = nearest(beginning, plans, 3)
        assert number in near
        assert len(near) == 3


@pytest.mark.parametrize("form", ["plain", "changing meter", "a short one"])
def test_streams_follow_several_pieces_after_the_bars_of_the_prime(form: str) -> None:
    notes = first_bars(song(1, bars=6), {"a short one": 30}.get(form, 6 * 96))
    if form == "changing meter":
        notes = replace(notes, time_signatures=((0, 2, 4), (96, 4, 4)))
    openings = VOCABULARY.openings
    generators = [np.random.default_rng(n) for n in range(4)]
    prompts = make_prompts(VOCABULARY, openings, notes, {n: [rng] for n, rng in enumerate(generators)}, 50, 7)
    for prompt in prompts:
        planned = prompt.planned(SamplingConfig(bars=9))
        assert planned is not None
        plan, lines = planned
        given = Plan.of(notes)[1]
        assert lines[: len(given)].tolist() == given.tolist()
        assert set(np.diff(lines[len(given) - 1 :]).tolist()) == {96}
        assert len(plan) == len(lines) - 1 == len(given) - 1 + 9
        assert (plan.lag <= np.arange(len(plan))).all()
        assert ((plan.lag > 0) == (plan.level > NEW)).all()
    again = make_prompts(VOCABULARY, openings, notes, {n: [rng] for n, rng in enumerate(generators[:2])}, 50, 7)
    assert [table(a.plan) for a in again if a.plan] == [table(p.plan) for p in prompts[:2] if p.plan]


def test_a_prime_in_a_meter_that_no_piece_has_is_followed_by_one_with_bars_nearly_as_long() -> None:
    notes = replace(song(1, bars=4), time_signatures=((0, 5, 4),))
    in_4_4, in_3_4 = VOCABULARY.openings
    plans = [Plan.of(piece(*bars))[0].to_text() for bars in ((A1, A2, B1, B2) * 3, (A1, B1) * 6)]
    openings = [replace(opening, plan=plan) for opening, plan in zip((in_4_4, in_3_4), plans, strict=True)]
    [prompt] = make_prompts(VOCABULARY, openings, notes, {0: [np.random.default_rng(0)]}, 50, 7)
    planned = prompt.planned(SamplingConfig(bars=4))
    assert planned is not None
    plan, lines = planned
    assert set(np.diff(lines).tolist()) == {120}
    assert plan.lag[4:].tolist() == [4] * 4


def test_a_prime_of_more_bars_than_plans_have_is_continued_without_one() -> None:
    notes = Notes.of(np.arange(1100) * 96, [96] * 1100, [60] * 1100, [80] * 1100)
    [prompt] = make_prompts(VOCABULARY, VOCABULARY.openings, notes, {0: [np.random.default_rng(0)]}, 50, 7)
    assert prompt.plan is None
    [made] = compose(saying(time={12: 40}), VOCABULARY, SamplingConfig(bars=2), notes)
    assert len(made) > len(notes)


def test_bars_of_the_prime_come_again_where_the_piece_that_is_followed_repeats_its_first_bars() -> None:
    """The network believes what the plan says, and else draws at random."""
    scores = {name: {GAIN[name] + count - PLAN_GUESSES[name]: 60.0} for name, count in GUESSES.items()}
    network = saying(**{**scores, "time": {**scores["time"], 6: 30.0, 12: 30.0, 18: 30.0}})
    plan, _ = Plan.of(piece(A1, A2, B1, B2, A1, A2, B1, B2))
    vocabulary = replace(VOCABULARY, openings=(replace(VOCABULARY.openings[0], plan=plan.to_text(), place=0),))
    prime = moved(piece(A2, A1), 3)
    for seed in range(3):
        [made] = compose(network, vocabulary, SamplingConfig(bars=6, seed=seed), prime)
        assert likeness(made, 0, 2, 2) > 0.7
        assert likeness(made, 0, 1, 2) < 0.3
