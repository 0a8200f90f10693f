"""Hostile names in the output of commands: no terminal control, in any encoding."""

import os
import shutil
from pathlib import Path

import pytest

from catalog.schema import Piece
from catalog.store import Catalog
from tests import forked

ATTACK = "Pokémon\x1b]0;owned\x07\x1b[2J\u202egnp\x9b31m\r\u2028\nerror: no such thing"
COMMANDS = (
    *("catalog show", "catalog games", "catalog stats", "catalog verify", "catalog show --format csv"),
    *("dataset list", "dataset show series-temple", "dataset show attack", "dataset show attack --format json"),
    *("dataset duplicates", "scrape status", "scrape journal", "render tiny --roll --format svg", "novelty tiny"),
    *("novelty tiny --json", "evaluate tiny", "generate tiny --notes 4 --no-render", "dataset report series-temple"),
    "dataset export series-temple --format midi",
)


@pytest.fixture(scope="module")
def hostile(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with a run in a folder with a hostile name; all texts are hostile."""
    root = Path(shutil.copytree(trained, tmp_path_factory.mktemp("hostile") / f"root {ATTACK.replace('/', '')}"))
    with Catalog(root).writer() as writer:
        row = Catalog(root).pieces().to_pylist()[0]
        fields = {name: row[name] for name in ("source", "section", "md5", "bytes", "sha256", "state")}
        texts = dict.fromkeys(("url", "game_title", "game", "series", "title", "sequencer"), ATTACK)
        writer.add([Piece(**fields, **texts)])
    samples = root / "runs" / "tiny" / "samples"
    shutil.copy(next(samples.glob("*.mid")), samples / f"{ATTACK}.mid")
    query = f"series == 'temple' and title != {ATTACK!r}"
    done = forked.command("dataset", "build", "--query", query, "--name", "attack", "--root", root)
    assert done.returncode == 0, done.stderr
    return root


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"][: 2 if os.environ.get("VGPIANO_STREAMS") else 1])
@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_prints_what_a_terminal_obeys(command: str, encoding: str, hostile: Path) -> None:
    name, *words = command.split()
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    done = forked.command(name, *words, "--root", hostile, env=environment)
    assert done.returncode in (0, 1), done.stderr
    printed = done.stdout + done.stderr
    assert "Traceback" not in printed
    assert printed.replace("\n", "").isprintable()
    assert printed.isascii() or encoding != "ascii"
    assert not [line for line in printed.splitlines() if line.startswith("error: no such thing")]
