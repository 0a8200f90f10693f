"""`dataset build` killed at any moment leaves the old corpus or the new one.

It runs as a process of its own, and a rerun gives the same result.
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dataset.build import build_corpus
from dataset.corpus.corpus import Corpus
from dataset.corpus.folder_store import recover
from dataset.plan import Plan
from tests import forked
from tests.dataset.conftest import fill, tunes

pytestmark = pytest.mark.road

KILLS = int(os.environ.get("VGPIANO_KILLS", "4"))
QUERY = "source == 'vgmusic'"


def words(root: Path, seed: int) -> tuple[object, ...]:
    return ("build", "--query", QUERY, "--name", "all", "--workers", "1", "--seed", seed, "--root", root)


def test_a_build_killed_at_any_moment_leaves_the_old_corpus_or_the_new(root: Path) -> None:
    fill(root, tunes(60, first=20), game="b-game")
    whole = {seed: build_corpus(root, Plan(query=QUERY, seed=seed), f"reference-{seed}").hash for seed in (0, 1)}
    assert forked.command("dataset", *words(root, 1)).returncode == 0  # the first of all starts what is forked from
    before = time.monotonic()
    assert forked.command("dataset", *words(root, 0)).returncode == 0
    length = time.monotonic() - before
    moments = random.Random(2)
    for _ in range(KILLS):
        seed = 1 if Corpus.open(root, "all").manifest.seed == 0 else 0
        process = forked.start("dataset", *words(root, seed))
        time.sleep(length * moments.uniform(0.3, 1.1))
        process.send_signal(signal.SIGKILL)
        process.ended()
        corpus = Corpus.open(root, "all")
        assert corpus.hash == whole[corpus.manifest.seed]
    assert forked.command("dataset", *words(root, 0)).returncode == 0
    assert Corpus.open(root, "all").hash == whole[0]
    assert sorted(path.name for path in (root / "corpora").iterdir()) == [".lock", "all", "reference-0", "reference-1"]


SWAP = """
import os, signal, sys
from pathlib import Path
from dataset.corpus.folder_store import locked, replacing_folder
target, content, steps = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
def count(event, arguments):
    global steps
    if event in ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree", "open") and ".lock" not in str(arguments):
        steps -= 1
        if steps < 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(count)
with locked(target.parent), replacing_folder(target) as folder:
    for name in ("a", "b"):
        (folder / name).write_text(content)
"""


def test_a_folder_is_replaced_whole_whatever_step_on_the_disk_was_the_last(tmp_path: Path) -> None:
    target = tmp_path / "corpora" / "x"

    def swap(content: str, steps: int) -> int:
        line = [sys.executable, "-c", SWAP, str(target), content, str(steps)]
        return subprocess.run(line, check=False).returncode

    assert swap("0", 1000) == 0
    stands, killed, steps = "0", 0, 0
    while (code := swap(new := str(steps + 1), steps)) == -signal.SIGKILL:
        recover(target)
        found = {path.name: path.read_text() for path in target.iterdir()}
        assert found in ({"a": stands, "b": stands}, {"a": new, "b": new})
        stands, killed, steps = found["a"], killed + 1, steps + 1
    assert code == 0
    assert killed >= 10
    assert sorted(path.name for path in target.parent.iterdir()) == [".lock", "x"]


def test_two_builds_at_once_both_end_well(root: Path) -> None:
    lines = [[str(Path(sys.executable).with_name("dataset")), *map(str, words(root, seed))] for seed in (0, 1)]
    processes = [subprocess.Popen(line, stdout=subprocess.DEVNULL) for line in lines]
    assert [process.wait() for process in processes] == [0, 0]
    assert Corpus.open(root, "all").manifest.funnel.unique == 12
