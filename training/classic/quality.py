"""Quality of a classic run: held-out nats per token, the measure that the experiment of 2018 watched on its own training music.

In: a run of recipe classic and a split of its corpus. Out: the mean cross-entropy of the token after each window, in NumPy.
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

TOGETHER = 256  # windows that are read side by side


@dataclass(frozen=True, slots=True)
class TokenQuality:
    """Nats per token of one split: the mean of -ln of the probability of the token that came after each window."""

    split: Split
    nats_per_token: float
    tokens: int  # that were predicted
    unknown: int  # tokens of the split that training does not know; they are left out

    def lines(self) -> list[str]:
        """Return the figures as `evaluate` shows them."""
        unknown = f"; {self.unknown:,} that training does not know are left out" if self.unknown else ""
        return [f"{self.nats_per_token:.3f} nats per token over {self.tokens:,} tokens of {self.split}{unknown}"]


def token_quality(root: AnyPath, run: Run, split: Split, report: Report = lambda done, total: None) -> TokenQuality:
    """Return the quality of the kept epoch of a classic run on one split of its corpus, which lies below `root`.

    Training and validation tokens are those that the run keeps; test pieces are read by music21. `report` is told how many windows
    are read. Raises TrainingError where the split has too few tokens for a window, CorpusError where the corpus is gone.
    """
    recipe: ClassicRecipe = run.require(ClassicRecipe, "has bits per note, not nats per token")
    network, music = open_network(run)
    numbers, unknown = _tokens(root, run, music, split)
    if len(numbers) <= recipe.window:
        raise TrainingError(
            f"the {split} split of run {run.name} has {len(numbers):,} tokens that training knows, and a window takes "
            f"{recipe.window}; choose another --split, or train on a corpus with more pieces"
        )
    nats = mean_nats(network, numbers, recipe.window, report)
    return TokenQuality(split, nats, len(numbers) - recipe.window, unknown)


@np.errstate(over="ignore", invalid="ignore")  # what comes of it is checked
def mean_nats(
    network: ClassicNetwork, numbers: IntArray, window: int, report: Report = lambda done, total: None
) -> float:
    """Return the mean of -ln of the probability of each of `numbers` after the `window` ones before it, each read from nothing."""
    before = np.lib.stride_tricks.sliding_window_view(numbers, window)[:-1]
    after, total = numbers[window:], 0.0
    for first in range(0, len(after), TOGETHER):
        windows, right = before[first : first + TOGETHER], after[first : first + TOGETHER]
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
            "the network gives no probabilities: its weights are damaged or no use; train the run again"
        )
    return total / len(after)


def _tokens(root: AnyPath, run: Run, music: Music, split: Split) -> tuple[IntArray, int]:
    """Return the numbers of a split's tokens, and how many others it has."""
    if split == "train":
        return music.training, 0
    if split == "validation":
        return music.validation, music.validation_unknown
    return parse_tokens(run.corpus(root).pieces(split), music.tokens, Catalog(root))
