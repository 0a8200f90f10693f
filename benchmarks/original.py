"""The network of 2018 beside one trained at every position, on the same tokens.

    python benchmarks/original.py ROOT [--corpus series-zelda] [--minutes 60] [--only original|ours] [--out FILE]

ROOT is a data root with a built corpus. Both networks are trained on the note and chord tokens of its training pieces,
as read by music21 and by the original code, and evaluated on the same tokens of its validation pieces: all tokens, or
--targets of them evenly spaced, with a full window of 100 before them. The original reads that window; ours reads
everything before the token. Evaluation time does not count, building a graph does. Each evaluation prints one line.
The last line reports when ours reached the original's best loss.
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
FIRST_MEASURE_S, LONGER = 2.0, 1.15  # time of the first evaluation, and factor to the next

TARGETS, PEER_MINUTES, MINUTES, SEEDS = 400, 1.5, 0.5, 3  # for the short comparison

Curve = list[dict[str, float]]


class Clock:
    """Training time without evaluation, and the time of the next evaluation."""

    def __init__(self, minutes: float, first: float) -> None:
        self.elapsed, self._budget, self._next, self._since = 0.0, minutes * 60, first, time.perf_counter()

    def due(self) -> bool:
        self.elapsed += time.perf_counter() - self._since
        self._since = time.perf_counter()
        return self.elapsed >= self._next or self.over

    def measured(self) -> None:
        self._next = max(self._next, self.elapsed) * LONGER
        self._since = time.perf_counter()

    @property
    def over(self) -> bool:
        return self.elapsed >= self._budget


def curve(name: str, steps: Iterator[int], measure: Callable[[], float], clock: Clock) -> Curve:
    """Train and evaluate at intervals; return seconds, tokens and nats per token."""
    points, learnt = [], 0
    for tokens in steps:
        learnt += tokens
        if clock.due():
            points.append({"seconds": round(clock.elapsed, 1), "tokens": learnt, "nats": round(measure(), 4)})
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
    """Return an LSTM that predicts the next token at every position.

    Its output biases start from the token frequencies.
    """
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
    """Return evenly spaced positions of held-out tokens after a full window."""
    possible = np.arange(ClassicRecipe().window, len(music.validation))
    return possible[:: max(1, math.ceil(len(possible) / most))]


def figures(setting: Setting) -> list[Figure]:
    """Held-out loss after 90 s (original) and 30 s (ours), and the time to match it.

    Repeated with SEEDS seeds.
    """
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
        f"{len(corpus.pieces('train'))} pieces of Zelda, {len(targets)} held-out tokens; each repeat with another seed."
    )
    nats = {name: tuple(point["nats"] for point in points) for name, points in best.items()}
    took = tuple(point["seconds"] for point in best["original"])
    name = f"held-out cross-entropy on the same tokens, {lengths}"
    return [
        Figure("original/nats", name, "nats per token", nats["ours"], peer, nats["original"], note=note),
        Figure("original/seconds", "training to the peer's best loss", "s", tuple(reached), peer, took, note=note),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("--corpus", default="series-zelda")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--targets", type=int, default=1000)
    parser.add_argument("--only", choices=("original", "ours"))
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    corpus = Corpus.open(options.root, options.corpus)
    music = Music.from_json(vocabulary_text(corpus, Catalog(options.root)), "the corpus")
    targets = spaced(music, options.targets)
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
        if options.only in (None, name):
            keras.utils.set_random_seed(0)
            found[name] = train(keras, music, targets, options.minutes, first)
            if options.out:
                options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if options.only is None:
        best = min(found["original"], key=lambda point: point["nats"])
        reached = next((point["seconds"] for point in found["ours"] if point["nats"] <= best["nats"]), None)
        print(f"the original's best, {best['nats']} after {best['seconds']} s: ours reached it after {reached} s")
        if reached:
            print(f"ratio 1/{best['seconds'] / reached:.0f}")


if __name__ == "__main__":
    main()
