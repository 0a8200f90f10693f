"""A complete recipe as CONTRIBUTING.md describes: a Markov chain over pitches."""

import time
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from dataset.notes.model import Notes
from training.learner import Learner
from training.loop.checkpoints import best_weights, keep_epoch
from training.progress import BUDGET
from training.recipe import Recipe, Terms


@dataclass(frozen=True)
class Row:
    epoch: int
    seconds: float
    speed: float
    train: float
    held: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Markov(Recipe):
    row: ClassVar[type[Row]] = Row
    terms: ClassVar[Terms] = Terms(
        train="train", held="held", unit="nats per note", speed="speed", speed_unit="notes/s"
    )
    kind: Literal["markov"] = "markov"
    epochs: int = 2


@dataclass(frozen=True)
class Nats:
    nats_per_note: float

    def lines(self) -> list[str]:
        return [f"{self.nats_per_note:.3f} nats per note"]


def pairs(pieces: Any) -> tuple[Any, ...]:
    return tuple(np.concatenate([piece.notes.pitch[side] for piece in pieces]) for side in (slice(-1), slice(1, None)))


class MarkovLearner(Learner):
    recipe = Markov

    def vocabulary_text(self, root: Any, corpus: Any, report: Any) -> str:
        return "{}\n"

    def train(self, run: Any, corpus: Any, budget: Any, report: Any, watch: Any, hosts: Any) -> Any:
        seen, held = (pairs(corpus.pieces(split)) for split in ("train", "validation"))
        with run.writing():
            progress, began = run.progress(), time.monotonic()
            for epoch in range(progress.epoch + 1, budget.epochs + 1):
                np.add.at(chain := np.ones((128, 128), np.float32), seen, epoch)
                chain /= chain.sum(axis=1, keepdims=True)
                losses = (float(-np.log(chain[each]).mean()) for each in (seen, held))
                row = Row(epoch, seconds := time.monotonic() - began, len(seen[0]) / seconds, *losses)
                keep_epoch(run, progress, row, {"chain": chain})
                report(row)
            progress.ended = BUDGET
            run.save_progress(progress)
        return progress

    def compose(self, run: Any, config: Any, prime: Any, report: Any) -> list[Notes]:
        return [self.tune(best_weights(run)["chain"], [config.seed, number]) for number in range(config.count)]

    def tune(self, chain: Any, seed: list[int]) -> Notes:
        rng, at, pitches = np.random.default_rng(seed), np.arange(0, 384, 12), [60]
        while len(pitches) < len(at):
            pitches.append(int(rng.choice(128, p=chain[pitches[-1]])))
        return Notes.of(at, at * 0 + 12, pitches, at * 0 + 80, [(0, 120.0)])

    def evaluate(self, root: Any, run: Any, split: Any, report: Any) -> Nats:
        return Nats(float(-np.log(best_weights(run)["chain"][pairs(run.corpus(root).pieces(split))]).mean()))
