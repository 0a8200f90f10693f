"""What a training leaves out goes with how many passes through its pieces it will be."""

import numpy as np
import pytest

from training.note_lstm.passes import FEW, MANY, eased, expected_passes
from training.note_lstm.recipe import NoteLSTMRecipe

RECIPE = NoteLSTMRecipe()
CHANGED = ("dropout", "plan_dropout", "learning_rate")


def test_a_long_training_has_the_settings_of_its_recipe_and_a_short_one_those_that_were_measured() -> None:
    assert eased(RECIPE, MANY) == eased(RECIPE, 1000.0) == RECIPE
    short = eased(RECIPE, FEW)
    assert short == eased(RECIPE, 0.0)
    assert [getattr(short, name) for name in CHANGED] == pytest.approx([0.0, 0.2, 0.005])


@pytest.mark.parametrize("name", CHANGED)
def test_in_between_each_setting_changes_in_a_straight_line(name: str) -> None:
    values = [getattr(eased(RECIPE, passes), name) for passes in np.linspace(FEW, MANY, 8)]
    assert np.diff(values) == pytest.approx(np.full(7, (values[-1] - values[0]) / 7))
    assert values[0] < values[-1]


def test_only_a_long_training_has_slips() -> None:
    assert [eased(RECIPE, passes).slips for passes in (0.0, FEW + 0.1, MANY - 0.1, MANY)] == [
        0.0,
        0.0,
        0.0,
        RECIPE.slips,
    ]
    assert RECIPE.slips > 0


def test_passes_are_expected_from_the_share_of_the_budget_that_the_first_ones_took() -> None:
    assert expected_passes(0, 0.05, None) == 0  # minutes alone say nothing before the first epoch
    assert expected_passes(0, 0.0, 20) == 20
    assert expected_passes(1, 0.2, None) == pytest.approx(5)
    assert expected_passes(3, 0.2, 20) == pytest.approx(15)
    assert {expected_passes(done, done / 14, 14) for done in range(14)} == {14}
