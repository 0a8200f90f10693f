"""Ablation of composing: are drafts told apart more easily with one part left out?

    python benchmarks/ablation_music.py ROOT CORPUS [--epochs 5] [--seeds 0] [--only NAME ...] [--out FILE]

ROOT is a data root with a built CORPUS. A part is left out while training and composing, or while composing alone. Each
network is trained for the same number of epochs and composes drafts, which `told_apart.py` compares with people's
pieces. --out writes a Markdown table with one row per part and seed, and keeps existing rows. Runs are kept in ROOT as
`ablation-…` and used again.
"""

import argparse
import json
import multiprocessing
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parent)]  # for `python -m benchmarks.ablation_music`

import told_apart as measure  # noqa: E402 - a module of this folder

from dataset.corpus.corpus import Corpus, CorpusPiece  # noqa: E402
from dataset.export.common import slug  # noqa: E402
from dataset.notes.model import Notes  # noqa: E402
from training.events import encoding  # noqa: E402
from training.events.fields import COARSE_EDGES  # noqa: E402
from training.events.past import Past  # noqa: E402
from training.generate import music  # noqa: E402
from training.recipes import DEFAULT  # noqa: E402
from training.run import Run  # noqa: E402
from training.run_training import train_run  # noqa: E402
from training.sampling import constraints, drawing  # noqa: E402
from training.sampling.config import SamplingConfig  # noqa: E402
from training.sampling.prompts import Prompt  # noqa: E402
from training.train_config import TrainConfig  # noqa: E402

HEAD = "| left out | seed | bits per note | told apart | trees · linear | what gives it away first |\n|---|---|---|---|---|---|\n"
SEED = 11  # of sampling
SHOWN = 3  # features named in a row

Patch = tuple[Any, str, Any]  # an object, the name of an attribute, and its value meanwhile


@dataclass(frozen=True)
class Part:
    """What is changed where a part is left out: `trained` while training and composing, `composed` while composing."""

    recipe: dict[str, Any] = field(default_factory=dict)
    trained: tuple[Patch, ...] = ()
    composed: tuple[Patch, ...] = ()
    config: dict[str, Any] = field(default_factory=dict)
    is_chosen: bool = False

    @property
    def has_own_network(self) -> bool:
        """Whether a network is trained for it."""
        return bool(self.recipe or self.trained)


def coarse(notes: Notes) -> Notes:
    """Return the piece with gaps between onsets, and durations, rounded to the edges of coarse classes."""
    gaps, lengths = (_nearest(ticks) for ticks in (np.diff(notes.onset, prepend=notes.onset[:1]), notes.duration))
    onset = int(notes.onset[0]) + gaps.cumsum() if len(notes) else notes.onset
    return Notes.of(onset, lengths.clip(1), notes.pitch, notes.velocity, notes.tempos, notes.time_signatures)


def _nearest(ticks: Any) -> Any:
    return COARSE_EDGES[np.abs(np.asarray(ticks)[:, None] - COARSE_EDGES).argmin(axis=1)].astype(np.int64)


def _silent(found: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method that returns zeros of the shape that `found` returns."""
    return lambda *given: np.zeros_like(found(*given))


def _coarse_pieces(found: Callable[..., Any]) -> Callable[..., Any]:
    def pieces(*given: Any) -> list[CorpusPiece]:
        return [replace(piece, notes=coarse(piece.notes)) for piece in found(*given)]

    return pieces


def _no_plan(prompt: Prompt, config: SamplingConfig) -> None:
    return None


def _no_rule(logits: Any, rows: Any, classes: Any) -> None:
    return None


def _full_trust(temperature: float, rounds: Any) -> Any:
    return np.ones(len(rounds))


NO_EARS = (
    *((Past, name, _silent(getattr(Past, name))) for name in ("heard", "line", "line_before", "releases")),
    (encoding, "SHARED", sys.maxsize),  # worker processes would have the methods as they are
)
NO_RULES = (
    (constraints, "rule_out", _no_rule),
    (constraints, "HAND_SPAN", 127),
    (constraints, "HAND_NOTES", 128),
    (drawing, "trust", _full_trust),
)
PARTS = {
    "nothing": Part(),
    "exact times": Part(trained=((Corpus, "pieces", _coarse_pieces(Corpus.pieces)),)),
    "what sounds": Part(trained=NO_EARS),
    "plans": Part({"plan_dropout": 1.0, "last_plan_dropout": 1.0}, composed=((Prompt, "planned", _no_plan),)),
    "slips": Part({"slips": 0.0}),  # fewer than 14 passes have none anyway
    "the sampler's rules": Part(composed=NO_RULES),
    "the limit of copies": Part(config={"max_copy": 0}),
    "drafts: each passage is chosen of four tries": Part(is_chosen=True),
}


def row(root: Path, corpus: str, name: str, seed: int, epochs: int, count: int) -> str:
    """Train, if there is no such run yet, compose and compare; return a row of the table."""
    part = PARTS[name]
    with patched(part.trained):
        run = _trained(root, corpus, name if part.has_own_network else "nothing", seed, epochs)
        with patched(part.composed):
            settings = {"max_copy": run.request.max_copy, **part.config}
            config = SamplingConfig(count=count, notes=measure.NOTES, seed=SEED, **settings)
            made = measure.choose(run, config) if part.is_chosen else music(run, config)
    real = measure.people(Corpus.open(root, corpus))
    found = measure.compared(real, made, measure.DRAWS, count, measure.FIRST)
    low, high = found["better_interval"]
    first = "; ".join(
        f"{each['feature']} {each['composed']:.2f} ({each['people']:.2f})" for each in found["features"][:SHOWN]
    )
    done = run.progress()
    [bits] = [each["validation_bits"] for each in done.history if each["epoch"] == done.best_epoch]
    return (
        f"| {name} | {seed} | {bits:.3f} | {found['better']:.3f} ({low:.3f}–{high:.3f}) | "
        f"{found['trees']:.3f} · {found['linear']:.3f} | {first} |\n"
    )


def _trained(root: Path, corpus: str, name: str, seed: int, epochs: int) -> Run:
    run = f"ablation-{slug(name)}-{epochs}-{seed}"
    if not (root / "runs" / run).exists():
        recipe = root / f"{run}.json"
        recipe.write_text(json.dumps({"kind": DEFAULT, **PARTS[name].recipe}), encoding="utf-8")
        given = TrainConfig(corpus=corpus, recipe=str(recipe), epochs=epochs, name=run, seed=seed, from_scratch=True)
        train_run(root, given, render=False)
    opened = Run.open(root, run)
    if opened.progress().ended is None:
        raise SystemExit(f"{opened.path}: its training was interrupted; remove the folder")
    return opened


@contextmanager
def patched(patches: Sequence[Patch]) -> Iterator[None]:
    """Give attributes other values for as long as the context lasts."""
    with ExitStack() as stack:
        for patch in patches:
            stack.enter_context(mock.patch.object(*patch))
        yield


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("corpus")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--only", nargs="+", choices=list(PARTS), metavar="NAME")
    parser.add_argument("--count", type=int, default=measure.COUNT, help="pieces a side")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.out and not options.out.is_file():
        options.out.write_text(HEAD, encoding="utf-8")
    for seed in options.seeds:
        for name in options.only or PARTS:
            given = options.root, options.corpus, name, seed, options.epochs, options.count
            # TensorFlow is imported anew for each; unlike a worker of a Pool, this process may have children
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as fresh:
                line = fresh.submit(row, *given).result()
            print(line, end="", flush=True)
            if options.out:
                with options.out.open("a", encoding="utf-8") as out:
                    out.write(line)


if __name__ == "__main__":
    main()
