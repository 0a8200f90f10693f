"""Fixtures of the recipe `classic`: a corpus of tunes, its tokens, a small run."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from catalog.store import Catalog
from dataset import build as corpora
from dataset.corpus.corpus import Corpus
from tests.dataset.conftest import fill, tunes
from tests.once import Once
from training.classic import train as classic
from training.classic.recipe import ClassicRecipe
from training.classic.tokens import vocabulary_text
from training.progress import Budget, Progress
from training.run import Run
from training.run_record import TrainingRequest

TINY = ClassicRecipe(width=16, layers=1, dense=8, window=10, batch=32, epochs=4)
FOREVER = Budget(None, None)


@pytest.fixture(name="root", scope="module")
def folder(once: Once, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with a corpus of fourteen tunes and the run of `trained`.

    It is made once for all test files, and copied for each.
    """

    def train(path: Path) -> None:
        fill(path, tunes(14))
        corpora.ensure_corpus(path, "game == 'a-game'", "tunes")
        corpus = Corpus.open(path, "tunes")
        run = new_run(path, corpus, vocabulary_text(corpus, Catalog(path)), "trained")
        classic.train(run, corpus, FOREVER, lambda row: None)

    return Path(shutil.copytree(once("classic", train), tmp_path_factory.mktemp("classic") / "root"))


@pytest.fixture(name="corpus", scope="module")
def learned(root: Path) -> Corpus:
    """The corpus."""
    return Corpus.open(root, "tunes")


@pytest.fixture(name="text", scope="module")
def vocabulary(root: Path) -> str:
    """Its music as tokens."""
    return Run.open(root, "trained").vocabulary_text


@pytest.fixture(name="trained", scope="module")
def after_four_epochs(root: Path) -> Run:
    """A run on it, trained for the epochs of TINY."""
    return Run.open(root, "trained")


def new_run(root: Path, corpus: Corpus, text: str, name: str, recipe: Any = TINY, **asked: Any) -> Run:
    wish = TrainingRequest(
        corpus=corpus.name, corpus_hash=corpus.hash, query="", seed=7, minutes=None, epochs=None, init=asked.get("init")
    )
    return Run.create(root, name, recipe, text, wish)


def losses(progress: Progress) -> list[tuple[float, float]]:
    return [(row["train_loss"], row["validation_loss"]) for row in progress.history]
