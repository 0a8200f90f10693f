"""Notes per second in sampling, and seconds to files, beside the loop of 2018.

    python benchmarks/sampling.py RUN [--root data] [--rounds 5] [--out FILE]

RUN is a note-lstm run. One stream and 64 streams of 500 notes are sampled with and without copy guard.
The command `generate RUN --count 3` is timed from process start to the written MIDI files. The peer is the original's
work for each note: `predict` on a window of 100 tokens, with an untrained network of the same shape, whose speed is
the same. Results are medians with minimum and maximum.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np
from figures import Figure, Setting
from inputs import trained

from training.classic import train as classic
from training.classic.recipe import ClassicRecipe
from training.network.backend import load_keras
from training.note_lstm.trained import network, vocabulary
from training.novelty.training_index import TrainingIndex
from training.run import Run
from training.sampling.config import MAX_COPY, SamplingConfig
from training.sampling.sampler import compose

NOTES = 500
PEER_NOTES = 40
CHECK = """
import sys
from training.commands.generate import main
try:
    main()
finally:
    print("tensorflow" in sys.modules, file=sys.stderr)
"""


def measured(rounds: int, once: Callable[[], float]) -> dict[str, float]:
    values = [once() for _ in range(rounds)]
    return {
        "median": round(statistics.median(values), 3),
        "least": round(min(values), 3),
        "most": round(max(values), 3),
    }


class Streams:
    """Samples with a run, a given number of streams at a time, in notes per second."""

    def __init__(self, run: Run) -> None:
        self.network, self.vocabulary = network(run), vocabulary(run)
        self.learned = TrainingIndex.open(run.sources).index

    def rate(self, number: int, most: int = MAX_COPY) -> float:
        since = time.perf_counter()
        wish = SamplingConfig(count=number, notes=NOTES, seed=1, max_copy=most)
        made = compose(self.network, self.vocabulary, wish, learned=self.learned)
        return sum(len(notes) for notes in made) / (time.perf_counter() - since)


def original_loop() -> Callable[[], float]:
    """Return the original's sampling loop, ready to be timed."""
    keras, recipe = load_keras(), ClassicRecipe()
    original = classic.build(keras, recipe, 227)
    window = np.zeros((1, recipe.window, 1), np.float32)
    original.predict(window, verbose=0)

    def loop() -> float:
        since = time.perf_counter()
        for _ in range(PEER_NOTES):
            original.predict(window, verbose=0)
        return PEER_NOTES / (time.perf_counter() - since)

    return loop


def figures(setting: Setting) -> list[Figure]:
    """One stream and 64, with and without the guard, beside the original's loop."""
    streams, loop = Streams(Run.open(setting.root, trained(setting))), original_loop()
    ways = {"one": (1, MAX_COPY), "64": (64, MAX_COPY), "one-unguarded": (1, 0), "64-unguarded": (64, 0)}
    rates: dict[str, list[float]] = {way: [] for way in (*ways, "loop")}
    for _ in range(setting.times):
        rates["loop"].append(loop())
        for way, (number, most) in ways.items():
            rates[way].append(streams.rate(number, most))
    return [
        Figure(
            f"sampling/{way}",
            f"composing, {number} stream{'s' if number > 1 else ''} of {NOTES} notes, "
            + (f"copy guard of {most} notes" if most else "without copy guard"),
            "notes per second",
            tuple(rates[way]),
            "the original's predict loop",
            tuple(rates["loop"]),
            better="higher",
        )
        for way, (number, most) in ways.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--root", type=Path, default=Path("data"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    streams = Streams(Run.open(options.root, options.run)).rate
    seeds = count(1)

    def shell() -> float:
        with tempfile.TemporaryDirectory() as folder:
            since = time.perf_counter()
            words = [
                str(options.run),
                "--count",
                "3",
                "--out",
                folder,
                "--root",
                str(options.root),
                "--seed",
                str(next(seeds)),
                "--no-render",
            ]
            done = subprocess.run([sys.executable, "-c", CHECK, *words], capture_output=True, text=True, check=True)
            took = time.perf_counter() - since
            if "True" in done.stderr or len(list(Path(folder).iterdir())) != 3:
                raise SystemExit(done.stderr)
            return took

    found = {
        "one stream, notes/s": measured(options.rounds, lambda: streams(1)),
        "64 streams, notes/s": measured(options.rounds, lambda: streams(64)),
        "one stream without the guard, notes/s": measured(options.rounds, lambda: streams(1, 0)),
        "64 streams without the guard, notes/s": measured(options.rounds, lambda: streams(64, 0)),
        "generate --count 3, s": measured(options.rounds, shell),
    }
    loop = original_loop()
    found["the original's predict loop, notes/s"] = measured(options.rounds, loop)
    peer = found["the original's predict loop, notes/s"]["median"]
    print(json.dumps(found, indent=1))
    one, many = (found[f"{streams}, notes/s"]["median"] / peer for streams in ("one stream", "64 streams"))
    print(f"one stream {one:.0f} times, 64 streams {many:.0f} times the loop")
    if options.out:
        options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
