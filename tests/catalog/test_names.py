"""The rule for names of runs, corpora and experiments."""

from pathlib import Path

import pytest

from catalog.base.errors import UsageError
from catalog.base.names import validate_name
from dataset.build import build_corpus
from dataset.plan import Plan
from training.train_config import TrainConfig

WRONG = (
    "-rf",
    "--",
    "CON",
    "con",
    "aux",
    "AUX.txt",
    "nul",
    "com1",
    "LPT9.mid",
    ".",
    "..",
    ".git",
    "a/b",
    "a\\b",
    "a b",
    "",
    "x.",
)
WRONG += ("a" * 101, "é", "x\n", "$(id)", "a:b", "*")
RIGHT = ("a", "zelda-all", "console", "auxiliary", "com", "2018", "v1.2_x")


@pytest.mark.parametrize("name", WRONG)
def test_a_name_that_a_system_or_a_command_line_takes_for_something_else_is_refused_everywhere(
    name: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="is not a valid name for a run"):
        TrainConfig(query="series == 'temple'", name=name)
    if name:  # an empty name is not tested
        with pytest.raises(UsageError, match="is not a valid name for a corpus"):
            build_corpus(tmp_path, Plan(query="series == 'temple'"), name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", RIGHT)
def test_other_names_are_taken_as_they_are(name: str) -> None:
    assert validate_name(name, "run") == name


def test_a_corpus_of_a_game_that_is_called_like_a_device_has_a_name_that_is_allowed() -> None:
    for slug in ("con", "aux", "-x"):
        name = Plan(query=f"game == '{slug}'").name
        assert validate_name(name, "corpus", max_length=80, lower=True) == name
