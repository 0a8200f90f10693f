"""Held-out nats per token of a classic run, computed in NumPy.

In: a run of the recipe `classic` and a split of its corpus. Out: the mean cross-entropy of the token after each
window. The 2018 experiment reported the same measure, but on its training music.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from catalog.base.console import Report
from catalog.base.errors import TrainingError
from catalog.storage.remote import AnyPath
from catalog.store import Catalog
from dataset.corpus.schema import Split
from training.classic.recipe import ClassicRecipe
from training.classic.sampler import ClassicNetwork, open_network
from training.classic.tokens import IntArray, Music, parse_tokens
from training.run import Run

BATCH = 256  # windows per forward pass


@dataclass(frozen=True, slots=True)
class TokenQuality:
    """Nats per token on one split.

    The mean of -ln p of the token that follows each window.
    """

    split: Split
    nats_per_token: float
    tokens: int  # number of predicted tokens
    unknown: int  # tokens of the split that are not in the vocabulary; they are skipped

    def lines(self) -> list[str]:
        """Return the figures as lines for the console."""
        unknown = f"; {self.unknown:,} that are not in the vocabulary are skipped" if self.unknown else ""
        return [f"{self.nats_per_token:.3f} nats per token over {self.tokens:,} tokens of {self.split}{unknown}"]


def token_quality(root: AnyPath, run: Run, split: Split, report: Report = lambda done, total: None) -> TokenQuality:
    """Return the quality of the kept epoch of a classic run on one split.

    The corpus is read below `root`. Training and validation tokens come from the run's vocabulary.json; test pieces
    are parsed by music21. `report` receives the number of windows read. Raises TrainingError if the split has too few
    tokens for one window, CorpusError if the corpus no longer exists.
    """
    recipe: ClassicRecipe = run.require(ClassicRecipe, "has bits per note, not nats per token")
    network, music = open_network(run)
    numbers, unknown = _tokens(root, run, music, split)
    if len(numbers) <= recipe.window:
        raise TrainingError(
            f"the {split} split of run {run.name} has {len(numbers):,} tokens of the vocabulary, and a window needs "
            f"{recipe.window}; choose another --split, or train on a corpus with more pieces"
        )
    nats = mean_nats(network, numbers, recipe.window, report)
    return TokenQuality(split, nats, len(numbers) - recipe.window, unknown)


@np.errstate(over="ignore", invalid="ignore")  # the result is checked below
def mean_nats(
    network: ClassicNetwork, numbers: IntArray, window: int, report: Report = lambda done, total: None
) -> float:
    """Return the mean of -ln p of each token after the `window` tokens before it.

    The network state starts at zero for each window. `report` receives the number of windows read. Raises
    TrainingError if the network gives no finite probabilities.
    """
    before = np.lib.stride_tricks.sliding_window_view(numbers, window)[:-1]
    after, total = numbers[window:], 0.0
    for first in range(0, len(after), BATCH):
        windows, right = before[first : first + BATCH], after[first : first + BATCH]
        h = np.zeros((network.layers, len(windows), network.width), np.float32)
        c = np.zeros_like(h)
        for column in windows.T:
            network.step((column / network.classes).astype(np.float32), h, c)
        logits: Any = network.logits(h[-1]).astype(np.float64)
        top = logits.max(axis=1)
        spread = top + np.log(np.exp(logits - top[:, None]).sum(axis=1))
        total += float((spread - logits[np.arange(len(right)), right]).sum())
        report(first + len(right), len(after))
    if not np.isfinite(total):
        raise TrainingError(
            "the network gives no probabilities: its weights are damaged or unusable; train the run again"
        )
    return total / len(after)


def _tokens(root: AnyPath, run: Run, music: Music, split: Split) -> tuple[IntArray, int]:
    """Return the token numbers of a split, and the count of unknown tokens."""
    if split == "train":
        return music.training, 0
    if split == "validation":
        return music.validation, music.validation_unknown
    return parse_tokens(run.corpus(root).pieces(split), music.tokens, Catalog(root))
