"""The network of 2018 and one trained at every position, on the same note and chord tokens: quality over time.

    python benchmarks/original.py ROOT [--corpus series-zelda] [--minutes 60] [--only original|ours] [--out FILE]

ROOT is a data root whose corpus `dataset build` made. Both learn the tokens of its training pieces, as music21 gives them and as the
original read them, and both are asked for the same tokens of its validation pieces: every one, or --targets of them spread evenly,
that has a full window of 100 before it. The original sees that window, as it must; ours everything before. Time spent in measuring
does not count, that for building a graph does. A line is printed for each measurement; the end says when ours reached the
original's best.
"""

import argparse
import json
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from figures import Figure, Setting
from inputs import command

from catalog.store import Catalog
from dataset.corpus.corpus import Corpus
from training.classic import train as classic
from training.classic.recipe import ClassicRecipe
from training.classic.tokens import IntArray, Music, vocabulary_text
from training.network.backend import load_keras

BATCH, WINDOW, WIDTH, EMBEDDING, DROPOUT, RATE = 16, 32, 256, 64, 0.2, 4e-3
FIRST_MEASURE_S, LONGER = 2.0, 1.15  # each measurement comes so much later than the one before

TARGETS, PEER_MINUTES, MINUTES, SEEDS = 400, 1.5, 0.5, 3  # of the short comparison

Curve = list[dict[str, float]]


class Clock:
    """Seconds of training, measuring left out, and when to measure next."""

    def __init__(self, minutes: float, first: float) -> None:
        self.gone, self._budget, self._next, self._since = 0.0, minutes * 60, first, time.perf_counter()

    def due(self) -> bool:
        self.gone += time.perf_counter() - self._since
        self._since = time.perf_counter()
        return self.gone >= self._next or self.over

    def measured(self) -> None:
        self._next = max(self._next, self.gone) * LONGER
        self._since = time.perf_counter()

    @property
    def over(self) -> bool:
        return self.gone >= self._budget


def curve(name: str, steps: Iterator[int], measure: Callable[[], float], clock: Clock) -> Curve:
    """Train step by step and measure now and then; return seconds, tokens learnt and held-out nats per token."""
    points, learnt = [], 0
    for tokens in steps:
        learnt += tokens
        if clock.due():
            points.append({"seconds": round(clock.gone, 1), "tokens": learnt, "nats": round(measure(), 4)})
            print(f"{name:9}{json.dumps(points[-1])}", flush=True)
            clock.measured()
        if clock.over:
            break
    return points


def original(keras: Any, music: Music, targets: IntArray, minutes: float, first: float, seed: int = 0) -> Curve:
    recipe = ClassicRecipe()
    network = classic.build(keras, recipe, len(music.tokens))
    before, after = classic.windows(music.training, recipe.window, len(music.tokens))
    held, wanted = classic.windows(music.validation, recipe.window, len(music.tokens))
    held, wanted = held[targets - recipe.window], wanted[targets - recipe.window]
    rng = np.random.default_rng(seed)

    def steps() -> Iterator[int]:
        while True:
            order = rng.permutation(len(after))
            for start in range(0, len(order), recipe.batch):
                rows = order[start : start + recipe.batch]
                network.reset_metrics()
                network.train_on_batch(before[rows], after[rows])
                yield len(rows)

    return curve(
        "original",
        steps(),
        lambda: float(network.evaluate(held, wanted, batch_size=64, verbose=0)),
        Clock(minutes, first),
    )


def sequence_network(keras: Any, music: Music) -> Any:
    """An LSTM that is asked for the next token at every position, and knows at the start how common each is."""
    layers, classes = keras.layers, len(music.tokens)
    logits = np.log(np.bincount(music.training, minlength=classes) + 1.0)
    network = keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            layers.Embedding(classes, EMBEDDING),
            layers.Dropout(DROPOUT),
            layers.LSTM(WIDTH, return_sequences=True),
            layers.Dropout(DROPOUT),
            layers.Dense(classes, bias_initializer=keras.initializers.Constant(logits - logits.mean())),
        ]
    )
    network.compile(
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        optimizer=keras.optimizers.AdamW(RATE, weight_decay=0.01, global_clipnorm=1.0),
        jit_compile=False,
    )
    return network


def ours(keras: Any, music: Music, targets: IntArray, minutes: float, first: float, seed: int = 0) -> Curve:
    network = sequence_network(keras, music)
    rng = np.random.default_rng(seed)
    held = music.validation

    def steps() -> Iterator[int]:
        while True:
            at = rng.integers(0, len(music.training) - WINDOW - 1, BATCH)
            rows = music.training[at[:, None] + np.arange(WINDOW + 1)]
            network.reset_metrics()
            network.train_on_batch(rows[:, :-1], rows[:, 1:])
            yield BATCH * WINDOW

    def measure() -> float:
        logits = np.asarray(network.predict_on_batch(held[None, :-1]))[0].astype(np.float64)
        top = logits.max(axis=1)
        nats = np.log(np.exp(logits - top[:, None]).sum(axis=1)) + top - logits[np.arange(len(logits)), held[1:]]
        return float(nats[targets - 1].mean())

    return curve("ours", steps(), measure, Clock(minutes, first))


def spaced(music: Music, most: int) -> IntArray:
    """Places of at most so many held-out tokens, evenly spaced, with a full window before each."""
    possible = np.arange(ClassicRecipe().window, len(music.validation))
    return possible[:: max(1, math.ceil(len(possible) / most))]


def figures(setting: Setting) -> list[Figure]:
    """Held-out nats per token after 90 s of the original and 30 s of ours, and when ours was as good; from as many seeds as SEEDS."""
    command("dataset.cli", "build", "--query", "series == 'zelda'", "--name", "series-zelda", "--root", setting.root)
    corpus = Corpus.open(setting.root, "series-zelda")
    music = Music.from_json(vocabulary_text(corpus, Catalog(setting.root)), "the corpus")
    targets, keras = spaced(music, TARGETS), load_keras()
    best: dict[str, list[dict[str, float]]] = {"original": [], "ours": []}
    reached = []
    for seed in range(min(SEEDS, setting.times)):
        curves = {}
        for name, train, minutes, first in (
            ("original", original, PEER_MINUTES, 30.0),
            ("ours", ours, MINUTES, FIRST_MEASURE_S),
        ):
            keras.utils.set_random_seed(seed)
            curves[name] = train(keras, music, targets, minutes * setting.share, first * setting.share, seed)
            best[name].append(min(curves[name], key=lambda point: point["nats"]))
        soon = [point["seconds"] for point in curves["ours"] if point["nats"] <= best["original"][-1]["nats"]]
        if not soon:
            raise RuntimeError(f"ours never came to the original's {best['original'][-1]}: {best['ours'][-1]}")
        reached.append(soon[0])
    lengths = f"ours trained {60 * MINUTES * setting.share:.0f} s, the peer {60 * PEER_MINUTES * setting.share:.0f} s"
    peer = "the network of 2018"
    note = (
        f"{len(corpus.pieces('train'))} pieces of Zelda, {len(targets)} held-out tokens; each time from another seed."
    )
    nats = {name: tuple(point["nats"] for point in points) for name, points in best.items()}
    took = tuple(point["seconds"] for point in best["original"])
    name = f"held-out cross-entropy on the same tokens, {lengths}"
    return [
        Figure("original/nats", name, "nats per token", nats["ours"], peer, nats["original"], note=note),
        Figure("original/seconds", "training until the peer's best", "s", tuple(reached), peer, took, note=note),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("--corpus", default="series-zelda")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--targets", type=int, default=1000)
    parser.add_argument("--only", choices=("original", "ours"))
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    corpus = Corpus.open(asked.root, asked.corpus)
    music = Music.from_json(vocabulary_text(corpus, Catalog(asked.root)), "the corpus")
    targets = spaced(music, asked.targets)
    counts = np.bincount(music.training, minlength=len(music.tokens)) + 1.0
    guess = float(-np.log(counts / counts.sum())[music.validation[targets]].mean())
    found: dict[str, Any] = {
        "pieces": len(corpus.pieces("train")),
        "tokens": len(music.training),
        "classes": len(music.tokens),
        "targets": len(targets),
        "by_frequency": round(guess, 4),
    }
    print(json.dumps(found), flush=True)
    keras = load_keras()
    for name, train, first in (("original", original, 60.0), ("ours", ours, FIRST_MEASURE_S)):
        if asked.only in (None, name):
            keras.utils.set_random_seed(0)
            found[name] = train(keras, music, targets, asked.minutes, first)
            if asked.out:
                asked.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if asked.only is None:
        best = min(found["original"], key=lambda point: point["nats"])
        reached = next((point["seconds"] for point in found["ours"] if point["nats"] <= best["nats"]), None)
        print(f"the original's best, {best['nats']} after {best['seconds']} s: ours reached it after {reached} s")
        if reached:
            print(f"ratio 1/{best['seconds'] / reached:.0f}")


if __name__ == "__main__":
    main()
