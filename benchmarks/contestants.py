"""Train, evaluate and sample one network of the comparison in `quality.py`.

    python benchmarks/contestants.py ours|lstm|transformer|classic [--root data] [--corpus all] [--minutes 3] [--core 0]

ours         `train_run` with the default recipe, or an existing run (--run)
lstm         PyTorch, with our layers, widths and outputs and the same notes and styles, without the repeat model (`notewise.py`)
transformer  PyTorch, with about as many weights and the same notes and styles (`transformer.py`)
classic      the network and tokens of 2018, by the product's own functions; an epoch takes hours, so it is trained on as many
             windows as fit into the time, and the loss is measured on windows spread over the validation pieces

Out: one line of JSON with bits per note by field on the test pieces (nats per token for classic), weights and speed;
and --count samples as MIDI files in --work. Imports, encoding and validation during training count as training time.
Evaluation and music21 do not.
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
from training.sampling.config import MAX_COPY, SamplingConfig
from training.train_config import TrainConfig

MINUTES, COUNT, NOTES, SEED = 3.0, 50, 500, 1
FEWER = 3  # divisor of the sample count for the original, which takes a hundred steps for each token
TARGETS = 256  # tokens used for the original's loss
GUARDED = "ours, guard"


class Part:
    """A corpus view with every k-th piece, for the reader of the classic recipe."""

    def __init__(self, corpus: Corpus, share: float) -> None:
        self.corpus, self.name, self.every = corpus, corpus.name, max(1, round(1 / share))

    def pieces(self, split: Split) -> list[CorpusPiece]:
        return self.corpus.pieces(split)[:: self.every]


def kept(folder: Path, pieces: Sequence[Notes], name: str) -> None:
    """Write the pieces as MIDI files into an otherwise empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    sample_files.write_pieces(folder, pieces, name)


def ours(options: argparse.Namespace, corpus: Corpus) -> dict[str, Any]:
    """Train with the public functions, or open the given run; evaluate and sample.

    Samples are drawn with and without the guard.
    """
    if options.run:
        run = training.Run.open(options.root, options.run)
    else:
        name = f"quality-{options.minutes:.4f}"
        shutil.rmtree(options.work / "runs" / name, ignore_errors=True)
        order = TrainConfig(corpus=str(Path(str(corpus.path)).resolve()), minutes=options.minutes, name=name)
        training.train_run(options.work, order, render=False)
        run = training.Run.open(options.work, name)
    network = network_of(run)
    found = quality(network, encode_pieces(Part(corpus, options.share).pieces("test"), vocabulary_of(run)))
    with np.load(run.weights) as weights:
        parameters = sum(weights[part].size for part in weights.files if weights[part].dtype == np.float32)
    if options.count:
        for name, most in (("ours", 0), (GUARDED, MAX_COPY)):
            wish = SamplingConfig(count=options.count, notes=options.notes, seed=SEED, max_copy=most)
            kept(options.work / "samples" / name, music(run, wish), name)
    speeds = [row["notes_per_second"] for row in run.progress().history if row["notes_per_second"] is not None]
    speed = float(np.mean(speeds)) if speeds else None
    return {"fields": list(found.fields.values()), "parameters": parameters, "notes_per_second": speed}


def pytorch(options: argparse.Namespace, corpus: Corpus) -> dict[str, Any]:
    """Train a PyTorch network until the time is over, and use its last weights."""
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
        *kinds[options.kind], pieces, vocabulary, lambda: (time.perf_counter() - began) / (60 * options.minutes)
    )
    held = notewise.encoded(Part(corpus, options.share).pieces("test"), vocabulary)
    fields = notewise.bits(network, held)
    if options.count:
        made = notewise.sampled(network, vocabulary, options.count, options.notes, SEED)
        kept(options.work / "samples" / options.kind, made, options.kind)
    parameters = sum(weight.numel() for weight in network.parameters())
    return {"fields": fields.tolist(), "parameters": parameters, "notes_per_second": speed}


def classic(options: argparse.Namespace, corpus: Corpus) -> dict[str, Any]:
    """Train the original network window by window.

    One of its epochs takes hours, so the training loop of `train` is not used.
    """
    text = options.work / "classic.json"
    if not text.is_file():
        text.write_text(tokens(options.root, corpus, options.share), encoding="utf-8")
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
    while time.perf_counter() - began < 60 * options.minutes:
        rows = np.take(order, range(learnt, learnt + recipe.batch), mode="wrap")
        network.train_on_batch(before[rows], after[rows])
        since = since or time.perf_counter()  # the first step builds the graph
        learnt += recipe.batch
    speed = (learnt - recipe.batch) / (time.perf_counter() - since)
    held, wanted = original.windows(music.validation, recipe.window, len(music.tokens))
    some = slice(None, None, max(1, round(len(wanted) / max(32, TARGETS * options.share))))
    loss = float(network.evaluate(held[some], wanted[some], batch_size=64, verbose=0))
    if options.count:
        count = -(-options.count // FEWER)
        starts = np.random.default_rng(SEED).integers(len(music.training) - recipe.window, size=count)
        seen = np.stack([music.training[start : start + recipe.window] for start in starts])
        drawn = classic_sampler.continuations(classic_sampler.ClassicNetwork(arrays(network)), seen, options.notes)
        made = [classic_sampler.to_notes([music.tokens[n] for n in one], recipe.sample_step) for one in drawn.tolist()]
        kept(options.work / "samples" / "classic", made, "classic")
    return {"nats_per_token": loss, "parameters": network.count_params(), "tokens_per_second": speed, "tokens": learnt}


def tokens(root: Path, corpus: Corpus, share: float) -> str:
    """Return the tokens of the pieces, by the product's own music21 reader."""
    part: Any = Part(corpus, share)
    from training.classic.tokens import vocabulary_text

    return vocabulary_text(part, Catalog(root), warn=lambda line: None)


KINDS = {"ours": ours, "lstm": pytorch, "transformer": pytorch, "classic": classic}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that `quality.py` also has."""
    parser.add_argument("--root", type=Path, default=Path("data"))
    parser.add_argument("--corpus", default="all")
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--notes", type=int, default=NOTES)
    parser.add_argument("--run", help="an existing run instead of training ours")
    parser.add_argument("--work", type=Path, default=Path("data/quality"), help="work folder")
    parser.add_argument(
        "--share", type=float, default=1.0, help="of the test pieces, and of the pieces read by music21"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=list(KINDS))
    arguments(parser)
    parser.add_argument("--core", type=int, help="run on this core only")
    options = parser.parse_args()
    options.root, options.work = options.root.resolve(), options.work.resolve()
    if options.core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {options.core})
    options.work.mkdir(parents=True, exist_ok=True)
    print(json.dumps(KINDS[options.kind](options, Corpus.open(options.root, options.corpus))))


if __name__ == "__main__":
    main()
