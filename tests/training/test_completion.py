"""Shell completion: commands, options and names."""

from pathlib import Path

import pytest

from tests import forked
from tests.wheel import alone


def complete(root: Path, *words: str) -> list[str]:
    """The completions that bash offers for the last of `words`."""
    name = words[0]
    asked = {
        f"_{name.upper()}_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(words),
        "COMP_CWORD": str(len(words) - 1),
    }
    return forked.command(name, env=alone(VGPIANO_ROOT=str(root), **asked)).stdout.split()


def test_the_shell_completes_commands_options_and_what_is_held(trained: Path) -> None:
    assert {"show", "games", "schema", "stats", "verify"} <= set(complete(trained, "catalog", ""))
    assert complete(trained, "train", "--ver") == ["--version"]
    assert complete(trained, "train", "--recipe", "") == ["classic", "note-lstm"]
    assert complete(trained, "train", "--corpus", "series-t") == ["series-temple"]
    assert "series-temple" in complete(trained, "dataset", "show", "")
    assert complete(trained, "dataset", "build", "--game", "wo") == ["wood"]
    assert complete(trained, "evaluate", "tin") == ["tiny"]
    assert complete(trained, "generate", "tiny", "--game", "") == ["water", "wood"]
    assert {"series-temple", "tiny"} <= set(complete(trained, "novelty", "tiny", "--against", ""))


def test_where_there_is_nothing_to_complete_the_shell_is_told_nothing(tmp_path: Path) -> None:
    for words in (("dataset", "show", ""), ("dataset", "build", "--game", ""), ("generate", "none", "--game", "")):
        assert complete(tmp_path, *words) == []
    (tmp_path / "catalog").write_text("a file where a folder is needed")
    assert complete(tmp_path, "dataset", "build", "--game", "") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_is_to_be_had_for_each_shell(shell: str) -> None:
    done = forked.command(
        "train", "--show-completion", shell, env=alone(_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    )
    assert done.returncode == 0
    assert "_TRAIN_COMPLETE" in done.stdout
