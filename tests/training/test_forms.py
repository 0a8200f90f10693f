"""Forms given as letters: the plan that they make, and pieces whose sections return as the letters say."""

from dataclasses import fields, replace

import numpy as np
import pytest

from catalog.base.errors import UsageError
from dataset.notes.model import Notes
from tests.dataset.test_form import A1, A2, B1, B2, piece
from tests.training.songs import song
from tests.training.test_sampler import GAIN, VOCABULARY, saying
from training.events.plan_columns import LEVELS, NEW, SOURCE_COLUMNS
from training.events.plans import Plan
from training.events.repeat_models import GUESSES, PLAN_GUESSES
from training.planning.forms import letters, with_form
from training.sampling.sampler import SamplingConfig, compose, compose_drafts

PLAN, _ = Plan.of(piece(A1, A2, A1, A2, B1, B2, A1, A2))


def test_a_repeated_letter_repeats_its_first_section_and_another_takes_other_bars() -> None:
    plan = with_form(PLAN, "AABA", 2)
    assert len(plan) == 8
    assert plan.lag.tolist() == [0, 0, 2, 2, 0, 0, 6, 6]
    assert set(plan.level[[2, 3, 6, 7]].tolist()) <= {4, 5}
    assert plan.level[[0, 1, 4, 5]].tolist() == [NEW] * 4
    assert plan.top.tolist() == PLAN.top[[0, 1, 0, 1, 4, 5, 0, 1]].tolist()  # B is the section that is not A
    for field in fields(Plan):
        assert getattr(plan, field.name).dtype == np.int16
        if field.name not in SOURCE_COLUMNS:
            assert getattr(plan, field.name).tolist() == getattr(PLAN, field.name)[[0, 1, 0, 1, 4, 5, 0, 1]].tolist()


@pytest.mark.parametrize("form", ["A", "ABAC", "ABCDEFGH", "AAAAAAAA"])
@pytest.mark.parametrize("section_bars", [1, 4, 8, 16])
@pytest.mark.parametrize("bars", [3, 16, 40])
def test_every_form_makes_a_plan_that_can_be_written_and_read_from_any_piece(
    form: str, section_bars: int, bars: int
) -> None:
    plan = with_form(Plan.of(song(1, bars=bars))[0], form, section_bars)
    assert len(plan) == len(form) * section_bars
    assert (plan.lag <= np.arange(len(plan))).all()
    assert ((plan.lag > 0) == (plan.level > NEW)).all()
    assert plan.level.max() < LEVELS
    assert Plan.from_text(plan.to_text()).to_text() == plan.to_text()


def test_sections_that_go_back_to_the_same_bars_have_the_same_letter() -> None:
    assert letters([-1, -1, 0, 1, -1, -1, 2, 3], 2) == "AABA"
    assert letters([-1, -1, 0, -1, 2], 2) == "AAA"  # half of the second section, and all of an incomplete third
    assert letters([-1, 0, -1, 2], 2) == "AB"
    assert letters([-1] * 3, 1) == "ABC"
    assert letters([], 8) == ""
    assert letters([-1] * 28, 1)[-3:] == "Z??"


def likeness(notes: Notes, one: int, other: int, bars: int) -> float:
    """The Jaccard likeness of two sections of 4/4, as sets of (place, pitch)."""
    ticks = 96 * bars
    inside = [(notes.onset // ticks) == section for section in (one, other)]
    first, second = (
        set(zip((notes.onset[held] % ticks).tolist(), notes.pitch[held].tolist(), strict=True)) for held in inside
    )
    return len(first & second) / len(first | second)


def test_the_bars_of_the_second_a_are_like_those_of_the_first_and_those_of_b_are_not() -> None:
    """The network believes what the plan says, and else draws at random."""
    first = {name: GAIN[name] + count - PLAN_GUESSES[name] for name, count in GUESSES.items()}
    scores = {name: {guess: 60.0} for name, guess in first.items()}
    network = saying(**{**scores, "time": {**scores["time"], 6: 30.0, 12: 30.0, 18: 30.0}})
    opening = replace(VOCABULARY.openings[0], plan=PLAN.to_text(), place=0)
    vocabulary = replace(VOCABULARY, openings=(opening,))
    for seed in range(3):
        [draft] = compose_drafts(network, vocabulary, SamplingConfig(form="ABA", section_bars=2, seed=seed))
        assert int((draft.notes.onset + draft.notes.duration).max()) <= 6 * 96
        assert likeness(draft.notes, 0, 2, 2) > 0.7
        assert likeness(draft.notes, 0, 1, 2) < 0.3
        of_plan = str(GUESSES["pitch"] - PLAN_GUESSES["pitch"])
        again = (draft.notes.onset[1:] >= 4 * 96).tolist()
        right = [guess for guess, is_again in zip(draft.guesses["pitch"], again, strict=True) if is_again]
        assert right.count(of_plan) > 0.7 * len(right)


def test_the_form_is_the_length_unless_another_is_given() -> None:
    assert SamplingConfig(form="AABA").bars == 32
    assert SamplingConfig(form="AABA", section_bars=4).bars == 16
    assert SamplingConfig(form="AABA", bars=32).bars == 32
    assert SamplingConfig(form="AABA", notes=100).bars is None
    assert SamplingConfig(form="AABA", seconds=9.0).bars is None


@pytest.mark.parametrize(
    "wrong, says",
    [
        ({"form": "AABA", "bars": 16}, "--form AABA: 4 sections of 8 bars are 32 bars, but --bars is 16"),
        ({"form": "AABA", "section_bars": 4, "bars": 32}, "16 bars, but --bars is 32"),
        ({"form": "AB" * 64, "section_bars": 16}, "2,048 bars, more than 1,024"),
        ({"form": "aaba"}, "--form must be letters from A to Z"),
    ],
)
def test_a_form_that_disagrees_is_a_usage_error(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        SamplingConfig(**wrong)  # type: ignore[arg-type]


def test_a_form_excludes_a_prime() -> None:
    with pytest.raises(UsageError, match="--form excludes --prime"):
        compose(saying(), VOCABULARY, SamplingConfig(form="AA"), song(0, bars=2))
