"""Which of several harmonies a new piece gets: the likest to people's plans, by measures of the plan."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from tests.training.songs import song
from tests.training.test_harmony import PLANS, chords, starts_of
from tests.training.test_sampler import VOCABULARY
from training.events import character
from training.events.plans import Plan
from training.events.vocabulary import Vocabulary
from training.planning import harmony
from training.planning.harmony import MOST_ALIKE, TRIED, harmony_scales, with_harmony, with_other_harmonies
from training.planning.plan_measures import measure_harmony
from training.sampling.config import OTHER
from training.sampling.prompts import with_harmony_scales
from training.two_sample import LEAST_PIECES, Scale, log_odds, normal_scores

LEAPS = "top moves by semitones"
SMALL_LEAPS = {LEAPS: Scale(tuple(np.linspace(0, 40, 41).tolist()), -1.0)}
DISTANT = [plan for plan in PLANS[5:] if harmony._bars_alike(PLANS[4], with_harmony(PLANS[4], plan)) <= MOST_ALIKE]


def transposed(plan: Plan, up: int) -> Plan:
    sets = {
        name: character.transposed_sets(getattr(plan, name), up) for name in ("chroma", "left_chroma", "right_chroma")
    }
    ends = {name: np.where(getattr(plan, name) > 0, getattr(plan, name) + up, 0) for name in ("top", "bottom")}
    return replace(plan, **sets, **ends, scale=np.where(plan.scale > 0, 1 + (plan.scale - 1 + up) % 12, 0))


@pytest.mark.parametrize("up", [1, 5, 11])
def test_no_measure_depends_on_the_key(up: int) -> None:
    for plan in PLANS:
        found = measure_harmony(plan)
        assert len(found) > 60
        assert measure_harmony(transposed(plan, up)) == pytest.approx(found)


def test_measures_are_those_of_chords_one_can_count() -> None:
    """Triads on C, F, G, C … with their roots as basses: each bar has a triad, its fifth and its third over the bass."""
    found = measure_harmony(Plan.of(chords(0, 5, 7, 0, 0, 5, 7, 0))[0])
    assert found["fifth over the bass"] == found["third over the bass"] == found["all: bars with a triad"] == 1
    assert found["all: classes"] == 3
    assert found["all: kinds of bars"] == 3 / 8
    assert found["all: interval class 6"] == 0
    assert [found[f"bass moves by {step}"] for step in (0, 2, 5)] == pytest.approx([1 / 7, 2 / 7, 4 / 7])
    assert found["bass moves by semitones"] == pytest.approx((5 + 2 + 7 + 0 + 5 + 2 + 7) / 7)
    assert measure_harmony(Plan.of(chords(0, 5, 7, 0, 0))[0]) == {}


def test_the_likest_come_first_and_only_a_limited_number_is_tried() -> None:
    assert len(DISTANT) > 4
    found = with_other_harmonies(PLANS[4], DISTANT, SMALL_LEAPS, 4)
    leaps = [measure_harmony(plan)[LEAPS] for plan in found]
    every = [measure_harmony(with_harmony(PLANS[4], plan))[LEAPS] for plan in DISTANT[:TRIED]]
    scores = [normal_scores(SMALL_LEAPS, [{LEAPS: value}])[0, 0] for value in leaps]
    assert scores == sorted(scores)
    assert scores[0] == min(normal_scores(SMALL_LEAPS, [{LEAPS: value}])[0, 0] for value in every)
    far = Plan.of(chords(*[0] * 8))[0]
    many = with_other_harmonies(PLANS[4], [DISTANT[0]] * TRIED + [far], SMALL_LEAPS, 2)
    assert [plan.to_text() for plan in many] == [with_harmony(PLANS[4], DISTANT[0]).to_text()] * 2


def test_scales_tell_plans_with_another_harmony_from_those_that_people_wrote() -> None:
    bars = [96] * len(PLANS)
    fitted, others = PLANS[::2], PLANS[1::2]
    scales = harmony_scales(fitted, bars[::2])
    assert harmony_scales(fitted, bars[::2]) == scales
    mixed = [with_harmony(plan, other) for plan, other in zip(others, [*others[5:], *others[:5]], strict=True)]
    peoples, made = (log_odds(scales, normal_scores(scales, map(measure_harmony, plans))) for plans in (others, mixed))
    assert peoples.mean() > made.mean()
    assert harmony_scales(PLANS[: LEAST_PIECES - 1], bars[: LEAST_PIECES - 1]) == {}
    assert harmony_scales(PLANS, list(range(len(PLANS)))) == {}  # no two with bars as long


def test_a_vocabulary_keeps_the_scales_and_new_pieces_use_them(monkeypatch: pytest.MonkeyPatch) -> None:
    openings = tuple(replace(VOCABULARY.openings[0], plan=plan.to_text()) for plan in PLANS)
    known = with_harmony_scales(replace(VOCABULARY, openings=openings))
    assert known.harmony == harmony_scales(PLANS, [96] * len(PLANS))
    assert Vocabulary.from_json(known.to_json(), "vocabulary.json") == known
    piece = SimpleNamespace(notes=song(1), series="temple", game="wood")
    assert with_harmony_scales(Vocabulary.of([piece], known)).harmony == known.harmony
    without = starts_of(OTHER, 3, 19)
    monkeypatch.setattr("tests.training.test_harmony.VOCABULARY", replace(VOCABULARY, harmony=SMALL_LEAPS))
    chosen = starts_of(OTHER, 3, 19)
    assert [plan.onsets.tolist() for plan in chosen] == [plan.onsets.tolist() for plan in without]
    assert sum(measure_harmony(plan)[LEAPS] for plan in chosen) < sum(measure_harmony(plan)[LEAPS] for plan in without)
