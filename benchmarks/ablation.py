"""Ablation of the note-level network: bits per note with one part changed.

    python benchmarks/ablation.py ROOT CORPUS [--minutes 3] [--only NAME ...] [--out FILE]

ROOT is a data root with a built CORPUS. Each variant is trained on the training pieces for the same time (including
loading and building the graph, excluding encoding) and evaluated on the validation pieces. Test pieces are not used.
--out writes a Markdown table with one row per variant and keeps existing rows.
"""

import argparse
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from dataset.corpus.corpus import Corpus
from training.events import batches
from training.events.batches import Batch, EncodedPiece
from training.events.encoding import CONFIDENCE, NEXT_DURATION, NEXT_PITCH
from training.events.fields import FIELDS
from training.events.repeat_models import GUESSES
from training.events.vocabulary import Vocabulary
from training.loop.precision import precision
from training.loop.weight_average import WeightAverage
from training.network import inference
from training.network.backend import load_keras
from training.network.quality import quality
from training.note_lstm.recipe import NoteLSTMRecipe
from training.note_lstm.train import FINAL_RATE_SHARE, _step

HEAD = "| variant | bits per note | time | pitch | duration | velocity | notes/s | steps |\n|---|---|---|---|---|---|---|---|\n"
FIRST = (0,)
ALL = tuple(range(5))


@dataclass(frozen=True)
class Variant:
    """The settings of a variant that differ from the default."""

    recipe: dict[str, Any] = field(default_factory=dict)
    guesses: dict[str, Sequence[int]] = field(default_factory=dict)  # guesses kept for each field; by default all
    carried: bool = True
    averaged: bool = True


def without(**guesses: int) -> dict[str, Sequence[int]]:
    """Return the guesses that are kept where one of a field is left out."""
    return {name: [k for k in range(GUESSES[name]) if k != number] for name, number in guesses.items()}


VARIANTS = {
    "default": Variant(),
    "no guesses: a plain LSTM": Variant(guesses=dict.fromkeys(FIELDS, ())),
    "the longest match alone, no guess at velocity": Variant(
        guesses={**dict.fromkeys(FIELDS[:3], FIRST), "velocity": ()}
    ),
    "the longest match alone": Variant(guesses=dict.fromkeys(FIELDS, FIRST)),
    "no loop": Variant(guesses=without(time=2, pitch=2)),
    "no transposed match": Variant(guesses=without(pitch=3)),
    "no figures on new chords": Variant(guesses={"pitch": (0, 1, 2, 3, 4, 6, 9)}),
    "no second guess": Variant(guesses=without(time=1, pitch=1, duration=1)),
    "no plans": Variant({"plan_dropout": 1.0, "last_plan_dropout": 1.0}),
    "state not carried from window to window": Variant(carried=False),
    "last weights instead of their average": Variant(averaged=False),
    "no transposition": Variant({"transpose": 0}),
    "width 256": Variant({"width": 256}),
    "width 512": Variant({"width": 512}),
    "one layer": Variant({"layers": 1}),
    "batch 64, window 64": Variant({"batch": 64, "window": 64}),
    "batch 256, window 16": Variant({"batch": 256, "window": 16}),
    "batch 128, window 16": Variant({"batch": 128, "window": 16}),
    "batch 128, window 8": Variant({"batch": 128, "window": 8}),
    "batch 256, window 4": Variant({"batch": 256, "window": 4}),
    "no dropout": Variant({"dropout": 0.0}),
    "dropout 0.3": Variant({"dropout": 0.3}),
    "learning rate 0.002": Variant({"learning_rate": 2e-3}),
    "learning rate 0.005": Variant({"learning_rate": 5e-3}),
    "float32": Variant({"precision": "float32"}),
}


def kept(pieces: list[EncodedPiece], guesses: dict[str, Sequence[int]]) -> list[EncodedPiece]:
    """Return the pieces with only the given guesses."""
    changed = []
    for piece in pieces:
        events = piece.events.copy()
        for name, which in guesses.items():
            trust = events[:, CONFIDENCE[name]]
            trust[:, [k for k in range(trust.shape[1]) if k not in which]] = 0
            if name == "time" and 0 not in which:
                events[:, NEXT_PITCH : NEXT_DURATION + 1] = 0
        changed.append(replace(piece, events=events))
    return changed


def trained(
    pieces: list[EncodedPiece], vocabulary: Vocabulary, variant: Variant, minutes: float
) -> tuple[Any, float, int]:
    """Train for a given time; return weights, notes per second and number of steps."""
    from training.loop.muon import compile_network
    from training.network.network import NoteLSTM, arrays

    keras, recipe = load_keras(), NoteLSTMRecipe(**variant.recipe)
    keras.utils.set_random_seed(0)
    began, step, notes, average, epoch = time.perf_counter(), 0, 0, WeightAverage(), 0
    keras.config.set_dtype_policy(precision(recipe.precision))
    network = NoteLSTM(asdict(recipe), len(vocabulary.series), len(vocabulary.games), name="note_lstm")
    network.build(None)
    compile_network(network, recipe.learning_rate, recipe.weight_decay)
    used: Callable[[], float] = lambda: (time.perf_counter() - began) / (60 * minutes)  # noqa: E731
    while used() < 1:
        for batch in batches.epoch(pieces, recipe, 0, epoch, used()):
            if (share := used()) >= 1:
                break
            warm = min(1.0, (step + 1) / recipe.warmup)
            network.optimizer.learning_rate = (
                recipe.learning_rate
                * warm
                * ((1 - FINAL_RATE_SHARE) * 0.5 * (1 + math.cos(math.pi * share)) + FINAL_RATE_SHARE)
            )
            _step(network, batch if variant.carried else _alone(batch), recipe.dropout)
            step, notes = step + 1, notes + int(batch.mask.sum())
            if average.due(step):
                average.add(arrays(network), step)
        epoch += 1
    return average.named if variant.averaged else arrays(network), notes / (time.perf_counter() - began), step


def _alone(batch: Batch) -> Batch:
    return replace(batch, fresh=np.ones_like(batch.fresh))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("corpus")
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--only", nargs="+", choices=list(VARIANTS), metavar="NAME")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    corpus = Corpus.open(options.root, options.corpus)
    vocabulary = Vocabulary.of(corpus.pieces("train"))
    learned = batches.encode_pieces(corpus.pieces("train"), vocabulary, planned=True)
    held = batches.encode_pieces(corpus.pieces("validation"), vocabulary)
    for name in options.only or VARIANTS:
        variant = VARIANTS[name]
        weights, speed, steps = trained(kept(learned, variant.guesses), vocabulary, variant, options.minutes)
        found = quality(inference.NoteNetwork(weights), kept(held, variant.guesses))
        figures = [found.bits_per_note, *found.fields.values()]
        print(
            json.dumps(
                {
                    "variant": name,
                    "bits": [round(f, 4) for f in figures],
                    "notes_per_second": round(speed),
                    "steps": steps,
                }
            ),
            flush=True,
        )
        if options.out:
            row = f"| {name} | {' | '.join(f'{f:.3f}' for f in figures)} | {speed:,.0f} | {steps:,} |\n"
            before = options.out.read_text(encoding="utf-8") if options.out.is_file() else HEAD
            options.out.write_text(before + row, encoding="utf-8")


if __name__ == "__main__":
    main()
