"""Plans that are left out in training: often at first, and less and less often."""

from dataclasses import replace

import numpy as np
import pytest

from tests.training.test_batches import PLANNED_PIECES, WHOLE, given_plans
from training.events import batches


@pytest.mark.parametrize("first, last", [(1.0, 0.0), (0.0, 1.0), (0.55, 0.0)])
def test_the_share_changes_in_a_straight_line_with_the_budget(first: float, last: float) -> None:
    recipe = replace(WHOLE, plan_dropout=first, last_plan_dropout=last, epoch_notes=20_000)
    for used in (0.0, 0.25, 0.5, 1.0):
        given = given_plans(batches.epoch(PLANNED_PIECES, recipe, 4, 0, used))
        assert abs(1 - np.mean(given) - (first + used * (last - first))) < 0.15
