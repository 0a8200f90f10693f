"""What `--resume` refuses, and what it leaves as it is then."""

import json
import shutil
from pathlib import Path

import pytest

from tests.training.conftest import command
from tests.training.test_resume import QUERY, contents, state


def test_what_differs_from_the_run_is_refused_with_both_values_and_the_same_command_goes_on(
    trained: Path, tiny_recipe: Path
) -> None:
    before = contents(trained / "runs" / "tiny")
    for given, says in (
        (("--seed", "4"), "--seed 4: run tiny was made with 3"),
        (("--recipe", "note-lstm"), "width 384"),
        (("--recipe", "classic"), "made with kind note-lstm"),
        (("--query", "game == 'wood'"), f"made with {QUERY}"),
        (("--corpus", "elsewhere"), "made with series-temple"),
        (("--init", "other"), "made with none"),
        (("--keep", "training"), "made with validation"),
        (("--max-copy", "0"), "made with 24"),
    ):
        done = command("train", "--name", "tiny", "--resume", "--no-render", *given, root=trained)
        assert done.returncode == 2, done.stderr
        [line] = done.stderr.strip().splitlines()
        assert says in line
        assert given[1] in line
        assert contents(trained / "runs" / "tiny") == before
    same = ("--query", QUERY, "--recipe", str(tiny_recipe), "--epochs", "5", "--name", "tiny", "--seed", "3")
    done = command("train", *same, "--resume", "--no-render", root=trained)
    assert done.returncode == 0, done.stderr
    assert "nothing was left to train" in done.stdout
    assert contents(trained / "runs" / "tiny") == before
    unnamed = command("train", "--query", QUERY, "--seed", "99", "--resume", root=trained)
    assert unnamed.returncode == 1
    assert "another --seed" in unnamed.stderr


@pytest.mark.parametrize(
    "harm, says",
    [
        ("no folder", "state.json: missing, although run"),
        ("no state", "state.json: missing, although run"),
        ("no name", "state.json: names no checkpoint"),
        ("no file", "epoch-0005.keras: missing"),
        ("cut", "epoch-0005.keras: damaged (truncated"),
        ("flipped", "epoch-0005.keras: damaged"),
        ("outside", "state.json: checkpoint"),
    ],
)
def test_training_never_starts_over_or_from_something_else_where_its_checkpoint_is_lost(
    trained: Path, tmp_path: Path, harm: str, says: str
) -> None:
    root = tmp_path / "root"
    shutil.copytree(trained, root)
    run = root / "runs" / "tiny"
    file, told = run / "checkpoints" / "epoch-0005.keras", state(run)
    data = file.read_bytes()
    if harm == "no folder":
        shutil.rmtree(run / "checkpoints")
    elif harm == "no state":
        (run / "checkpoints" / "state.json").unlink()
    elif harm == "no name":
        (run / "checkpoints" / "state.json").write_text(json.dumps(told | {"checkpoint": None}))
    elif harm == "outside":
        (run / "checkpoints" / "state.json").write_text(json.dumps(told | {"checkpoint": "../../x.keras"}))
    elif harm == "no file":
        file.unlink()
    else:
        half = len(data) // 2
        file.write_bytes(data[:half] if harm == "cut" else data[:half] + bytes([data[half] ^ 4]) + data[half + 1 :])
    before = contents(run)
    done = command("train", "--name", "tiny", "--resume", "--epochs", "6", "--no-render", root=root)
    assert done.returncode == 1
    lines = [line for line in done.stderr.strip().splitlines() if not line.startswith("warning: ")]
    assert len(lines) == 1, done.stderr
    assert says in lines[0]
    now = contents(run)
    assert now["weights.npz"] == before["weights.npz"]
    assert now["metrics.csv"] == before["metrics.csv"]
