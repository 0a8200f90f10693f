"""Plans that are left out in training: often at first, and less and less often."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataset.build import build_corpus
from dataset.plan import Plan
from tests.training.conftest import TINY, fill
from tests.training.test_batches import PLANNED_PIECES, WHOLE, given_plans
from training import session
from training.events import batches
from training.train_config import TrainConfig


@pytest.mark.parametrize("first, last", [(1.0, 0.0), (0.0, 1.0), (0.55, 0.0)])
def test_the_share_changes_in_a_straight_line_with_the_budget(first: float, last: float) -> None:
    recipe = replace(WHOLE, plan_dropout=first, last_plan_dropout=last, epoch_notes=20_000)
    for used in (0.0, 0.25, 0.5, 1.0):
        given = given_plans(batches.epoch(PLANNED_PIECES, recipe, 4, 0, used))
        assert abs(1 - np.mean(given) - (first + used * (last - first))) < 0.15


def test_each_epoch_of_a_training_knows_how_much_of_the_budget_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, pieces=4)
    build_corpus(tmp_path, Plan(query="series == 'temple'"), "few")
    recipe = tmp_path / "tiny.json"
    recipe.write_text(json.dumps({**TINY, "plan_dropout": 1.0, "last_plan_dropout": 0.0}), encoding="utf-8")
    asked: list[float] = []
    epoch = batches.epoch

    def watched(*given: Any) -> Any:
        asked.append(given[-1])
        return epoch(*given)

    monkeypatch.setattr(batches, "epoch", watched)
    config = TrainConfig(corpus="few", recipe=str(recipe), epochs=4, from_scratch=True)
    session.fit(*session.prepare(tmp_path, config, lambda done, total: None), lambda row: None, lambda step: None)
    assert asked == [0.0, 0.25, 0.5, 0.75]
