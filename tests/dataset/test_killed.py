"""The command `dataset build` as a real process, killed at any moment: the old corpus or the new, and the rerun ends the same."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from dataset.build import Plan, build
from dataset.corpus import Corpus
from tests.dataset.conftest import fill, tunes

QUERY = "source == 'vgmusic'"


def command(root: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "dataset.cli", *arguments, "--root", str(root)]


def start(root: Path, seed: int) -> subprocess.Popen[bytes]:
    line = command(root, "build", "--query", QUERY, "--name", "all", "--workers", "1", "--seed", str(seed))
    return subprocess.Popen(line, stdout=subprocess.DEVNULL)


def test_a_build_killed_at_ten_moments_leaves_the_old_corpus_or_the_new(root: Path) -> None:
    fill(root, tunes(60, first=20), game="b-game")
    whole = {seed: build(root, Plan(query=QUERY, seed=seed), f"reference-{seed}").hash for seed in (0, 1)}
    before = time.monotonic()
    assert start(root, 0).wait() == 0
    length = time.monotonic() - before
    moments = random.Random(2)
    for _ in range(10):
        seed = 1 if Corpus.open(root, "all").manifest.seed == 0 else 0
        process = start(root, seed)
        time.sleep(length * moments.uniform(0.3, 1.1))
        process.send_signal(signal.SIGKILL)
        process.wait()
        corpus = Corpus.open(root, "all")
        assert corpus.hash == whole[corpus.manifest.seed]
    assert start(root, 0).wait() == 0
    assert Corpus.open(root, "all").hash == whole[0]
    assert sorted(path.name for path in (root / "corpora").iterdir()) == [".lock", "all", "reference-0", "reference-1"]


def test_two_builds_at_once_both_end_well(root: Path) -> None:
    processes = [start(root, seed) for seed in (0, 1)]
    assert [process.wait() for process in processes] == [0, 0]
    assert Corpus.open(root, "all").manifest.funnel.unique == 12
