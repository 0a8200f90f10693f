"""One network of the comparison in `quality.py`: trained within so many minutes on one core, measured, and drawn from.

    python benchmarks/contestants.py ours|lstm|transformer|classic [--root data] [--corpus all] [--minutes 3] [--core 0]

ours         by `train_run`, the default recipe; or a run that is there (--run)
lstm         PyTorch, layers and outputs of our widths, the same notes and styles, nothing of the repeat model (`notewise.py`)
transformer  PyTorch, about as many weights, the same notes and styles (`transformer.py`)
classic      the original's network and tokens by the product's own functions; an epoch would take hours, so what is learned is as many
             windows as there is time for, and the loss is measured on some windows spread over the validation pieces

Out: one line of JSON with bits per note by field on the test pieces (of classic nats per token), weights and speed; and in --work --count
samples as MIDI files. Imports, encoding and what a network validates on count as training; measuring and music21 do not.
"""

import argparse
import json
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import training
from catalog.store import Catalog
from dataset.corpus.corpus import Corpus, CorpusPiece
from dataset.corpus.schema import Split
from dataset.notes.model import Notes
from training.classic.recipe import ClassicRecipe
from training.events.batches import encode_pieces
from training.events.vocabulary import Vocabulary
from training.generate import music
from training.network.quality import quality
from training.note_lstm.trained import network as network_of
from training.note_lstm.trained import vocabulary as vocabulary_of
from training.sampling import sample_files
from training.sampling.config import MAX_COPY, TOP_P, SamplingConfig
from training.train_config import TrainConfig

MINUTES, COUNT, NOTES, SEED = 3.0, 50, 500, 1
FEWER = 3  # so many times fewer samples of the original: it takes a hundred steps a token
TARGETS = 256  # tokens that the original's loss is measured on
GUARDED = "ours, guard"


class Part:
    """A corpus of which every k-th piece is seen, as the classic recipe's reader takes it."""

    def __init__(self, corpus: Corpus, share: float) -> None:
        self.corpus, self.name, self.every = corpus, corpus.name, max(1, round(1 / share))

    def pieces(self, split: Split) -> list[CorpusPiece]:
        return self.corpus.pieces(split)[:: self.every]


def kept(folder: Path, pieces: Sequence[Notes], name: str) -> None:
    """Write the pieces as MIDI files into a folder with nothing else in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    sample_files.write_pieces(folder, pieces, name)


def ours(asked: argparse.Namespace, corpus: Corpus) -> dict[str, Any]:
    """Train by the public functions, or open the run that is asked for; measure and draw with and without the guard."""
    if asked.run:
        run = training.Run.open(asked.root, asked.run)
    else:
        name = f"quality-{asked.minutes:.4f}"
        shutil.rmtree(asked.work / "runs" / name, ignore_errors=True)
        order = TrainConfig(corpus=str(Path(str(corpus.path)).resolve()), minutes=asked.minutes, name=name)
        training.train_run(asked.work, order, render=False)
        run = training.Run.open(asked.work, name)
    network = network_of(run)
    found = quality(network, encode_pieces(Part(corpus, asked.share).pieces("test"), vocabulary_of(run)))
    with np.load(run.weights) as weights:
        parameters = sum(weights[part].size for part in weights.files if weights[part].dtype == np.float32)
    if asked.count:
        for name, most in (("ours", 0), (GUARDED, MAX_COPY)):
            wish = SamplingConfig(count=asked.count, notes=asked.notes, seed=SEED, max_copy=most)
            kept(asked.work / "samples" / name, music(run, wish), name)
    history = run.progress().history
    speed = np.mean([row["notes_per_second"] for row in history]) if history else None
    return {"fields": list(found.fields.values()), "parameters": parameters, "notes_per_second": speed}


def pytorch(asked: argparse.Namespace, corpus: Corpus) -> dict[str, Any]:
    """Train a PyTorch network until its minutes are over; its last weights count."""
    began = time.perf_counter()
    import notewise
    import torch
    from transformer import Transformer

    torch.set_num_threads(1)
    kinds = {
        "lstm": (notewise.LSTM, notewise.Settings(64, 32, 3e-3, carried=True, dropout=0.2)),
        "transformer": (Transformer, notewise.Settings(8, 256, 2e-3, carried=False)),
    }
    pieces = corpus.pieces("train")
    vocabulary = Vocabulary.of(pieces)
    network, speed = notewise.trained(
        *kinds[asked.kind], pieces, vocabulary, lambda: (time.perf_counter() - began) / (60 * asked.minutes)
    )
    held = notewise.encoded(Part(corpus, asked.share).pieces("test"), vocabulary)
    fields = notewise.bits(network, held)
    if asked.count:
        made = notewise.sampled(network, vocabulary, asked.count, asked.notes, TOP_P, SEED)
        kept(asked.work / "samples" / asked.kind, made, asked.kind)
    parameters = sum(weight.numel() for weight in network.parameters())
    return {"fields": fields.tolist(), "parameters": parameters, "notes_per_second": speed}


def classic(asked: argparse.Namespace, corpus: Corpus) -> dict[str, Any]:
    """Train the original's network window by window; an epoch of it would take hours, so `train`'s epochs are not waited for."""
    text = asked.work / "classic.json"
    if not text.is_file():
        text.write_text(tokens(asked.root, corpus, asked.share), encoding="utf-8")
    began = time.perf_counter()
    from training.classic import sampler as classic_sampler
    from training.classic import train as original
    from training.classic.tokens import Music
    from training.network.backend import load_keras

    keras, recipe = load_keras(), ClassicRecipe()
    from training.network.network import arrays

    music = Music.from_json(text.read_text(encoding="utf-8"), str(text))
    keras.utils.set_random_seed(0)
    network = original.build(keras, recipe, len(music.tokens))
    before, after = original.windows(music.training, recipe.window, len(music.tokens))
    rng, learnt, since = np.random.default_rng(0), 0, 0.0
    order = rng.permutation(len(after))
    while time.perf_counter() - began < 60 * asked.minutes:
        rows = np.take(order, range(learnt, learnt + recipe.batch), mode="wrap")
        network.train_on_batch(before[rows], after[rows])
        since = since or time.perf_counter()  # the first step builds the graph
        learnt += recipe.batch
    speed = (learnt - recipe.batch) / (time.perf_counter() - since)
    held, wanted = original.windows(music.validation, recipe.window, len(music.tokens))
    some = slice(None, None, max(1, round(len(wanted) / max(32, TARGETS * asked.share))))
    loss = float(network.evaluate(held[some], wanted[some], batch_size=64, verbose=0))
    if asked.count:
        count = -(-asked.count // FEWER)
        starts = np.random.default_rng(SEED).integers(len(music.training) - recipe.window, size=count)
        seen = np.stack([music.training[start : start + recipe.window] for start in starts])
        drawn = classic_sampler.continuations(classic_sampler.ClassicNetwork(arrays(network)), seen, asked.notes)
        made = [classic_sampler.to_notes([music.tokens[n] for n in one], recipe.sample_step) for one in drawn.tolist()]
        kept(asked.work / "samples" / "classic", made, "classic")
    return {"nats_per_token": loss, "parameters": network.count_params(), "tokens_per_second": speed, "tokens": learnt}


def tokens(root: Path, corpus: Corpus, share: float) -> str:
    """What music21 reads of the pieces, by the product's own reader."""
    part: Any = Part(corpus, share)
    from training.classic.tokens import vocabulary_text

    return vocabulary_text(part, Catalog(root), tell=lambda line: None)


KINDS = {"ours": ours, "lstm": pytorch, "transformer": pytorch, "classic": classic}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `quality.py` asks for too."""
    parser.add_argument("--root", type=Path, default=Path("data"))
    parser.add_argument("--corpus", default="all")
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--notes", type=int, default=NOTES)
    parser.add_argument("--run", help="a trained run in place of ours")
    parser.add_argument("--work", type=Path, default=Path("data/quality"), help="where what is made goes")
    parser.add_argument("--share", type=float, default=1.0, help="of the test pieces, and of what music21 reads")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=list(KINDS))
    arguments(parser)
    parser.add_argument("--core", type=int, help="keep to this core")
    asked = parser.parse_args()
    asked.root, asked.work = asked.root.resolve(), asked.work.resolve()
    if asked.core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {asked.core})
    asked.work.mkdir(parents=True, exist_ok=True)
    print(json.dumps(KINDS[asked.kind](asked, Corpus.open(asked.root, asked.corpus))))


if __name__ == "__main__":
    main()
