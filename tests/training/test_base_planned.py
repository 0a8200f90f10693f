"""Where there is no base yet: which trainings get one, its part of the minutes, and what it may not replace."""

import shutil
from pathlib import Path

import pytest

from dataset import build
from dataset.corpus.corpus import Corpus
from dataset.plan import Plan
from tests.training.conftest import FEW_BARS, command, fill
from tests.training.test_base import PIECES, WATER, planned, unfinished
from training import base
from training.run import Run, list_runs


def test_a_base_gets_most_of_the_minutes(quick_recipe: Path, tmp_path: Path) -> None:
    fill(tmp_path, PIECES, bars=FEW_BARS)
    found = planned(tmp_path, quick_recipe)
    assert found is not None
    assert found.training is not None
    assert (found.training.minutes, found.config.minutes) == pytest.approx((7.6, 0.4))
    assert found.config.init == found.name == found.training.name
    assert (found.training.corpus, found.training.recipe) == (base.CORPUS, str(quick_recipe))


def test_what_needs_no_base_plans_none(quick_recipe: Path, tmp_path: Path) -> None:
    fill(tmp_path, PIECES, bars=FEW_BARS)
    assert planned(tmp_path, quick_recipe, from_scratch=True) is None
    assert planned(tmp_path, quick_recipe, init="first") is None
    assert planned(tmp_path, quick_recipe, query=None, resume=True, name="first") is None
    assert planned(tmp_path, quick_recipe, query=None, corpus="water") is None
    assert planned(tmp_path, quick_recipe, recipe="classic") is None
    assert planned(tmp_path, quick_recipe, minutes=None, epochs=3) is None


def test_a_corpus_of_the_users_own_is_not_replaced_by_that_of_a_base(quick_recipe: Path, tmp_path: Path) -> None:
    fill(tmp_path, PIECES, bars=FEW_BARS)
    own = build.build_corpus(tmp_path, Plan(query="game == 'wood'"), base.CORPUS, workers=1)
    words = ("--query", WATER, "--recipe", str(quick_recipe), "--minutes", "0.01")
    done = command("train", *words, root=tmp_path)
    assert done.returncode == 1
    assert done.stderr == (
        "error: corpus whole-catalog is of the query game == 'wood', and a base would replace it: build it again under "
        "another name and remove it, or train with --from-scratch\n"
    )
    assert not list_runs(tmp_path)
    assert Corpus.open(tmp_path, base.CORPUS).hash == own.hash


def test_a_name_that_is_taken_is_refused_before_a_base_is_trained(
    trained: Path, tiny_recipe: Path, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(trained, tmp_path / "root"))
    unfinished(Run.open(root, "tiny"))
    words = ("--query", WATER, "--recipe", str(tiny_recipe), "--minutes", "0.01", "--name", "tiny")
    done = command("train", *words, root=root)
    assert done.returncode == 1
    assert "--resume" in done.stderr
    assert not [name for name in list_runs(root) if name.startswith("base-")]
