"""What each network has learned after the same minutes on one core: held-out bits a note, and how its samples compare with human music.

    python benchmarks/quality.py [--root data] [--corpus all] [--minutes 3] [--count 50] [--notes 500] [--run RUN] [--out FILE]
    python benchmarks/quality.py --only transformer [--minutes 3]     one network alone

In: a data root with a catalog and a corpus. Four are trained on its training pieces, each on one core and two at a time where there
are two: ours by `train_run`, a PyTorch LSTM of the same widths and a PyTorch transformer of about as many weights (both get the same
notes and styles, no guesses), and the original's recipe. Each is trained within a third of the minutes and, from nothing, within all
of them. Imports, reading, encoding and what a network validates on count; measuring and the original's music21 (minutes) do not.
--run takes a run that is there in place of ours.

Out: bits a note on the test pieces, every note but each piece's first counted once. The original has tokens, not notes: its figure is
the loss on tokens of validation pieces, in nats, and no network's bits can be compared with it. Then --count samples of --notes notes
each (of the original, whose sampler is slow, a third as many): how many are stuck, as in samples.py; what is copied, as in
novelty.py; and by overlap.py how near they are to the held-out pieces, beside training pieces, which are as near as music is.
All pieces are cut to --notes notes, shorter ones left out. Ours begins samples from openings of training pieces, and so do the PyTorch
networks, which draw at the same temperature and top_p, but have none of our sampler's rules against loops. Everything is done once.
"""

import argparse
import json
import os
import queue
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import overlap
from figures import Figure, Setting
from samples import first, longest_runs

import training
from catalog.store import Catalog
from dataset.corpus import Corpus, CorpusPiece, Split
from dataset.notes import Notes, read_midi
from training import playing
from training.batches import encode_pieces
from training.evaluate import quality
from training.events import FIELDS
from training.novelty import LEAST, medians, novelty
from training.recipe import ClassicRecipe
from training.sampler import MAX_COPY, TOP_P, Wish
from training.session import Order
from training.sources import Sources
from training.vocabulary import Vocabulary

MINUTES, COUNT, NOTES, SEED = 3.0, 50, 500, 1
BUDGETS = (1 / 3, 1.0)  # shares of the minutes that each is trained for
FEWER = 3  # so many times fewer samples of the original: it takes a hundred steps a token
TARGETS = 256  # tokens that the original's loss is measured on
STUCK = (4, 12)  # bars and pitches that may stand running
GUARDED = "ours, guard"
PEERS = {"lstm": "PyTorch LSTM", "transformer": "PyTorch transformer", "classic": "the original's recipe"}


class Part:
    """A corpus of which every k-th piece is seen, as the classic recipe's reader takes it."""

    def __init__(self, corpus: Corpus, share: float) -> None:
        self.corpus, self.name, self.every = corpus, corpus.name, max(1, round(1 / share))

    def pieces(self, split: Split) -> list[CorpusPiece]:
        return self.corpus.pieces(split)[:: self.every]


def kept(folder: Path, pieces: Sequence[Notes], name: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    playing.write_pieces(folder, pieces, name)


def read(folder: Path) -> list[Notes]:
    return [read_midi(file.read_bytes()) for file in playing.samples(folder)]


def ours(asked: argparse.Namespace, corpus: Corpus) -> dict[str, Any]:
    """Train by the public functions, or open the run that is asked for; measure and draw with and without the guard."""
    if asked.run:
        run = training.Run.open(asked.root, asked.run)
    else:
        name = f"quality-{asked.minutes:.4f}"
        shutil.rmtree(asked.work / "runs" / name, ignore_errors=True)
        order = Order(corpus=str(Path(str(corpus.path)).resolve()), minutes=asked.minutes, name=name)
        training.train_run(asked.work, order, render=False)
        run = training.Run.open(asked.work, name)
    network = playing.network(run)
    found = quality(network, encode_pieces(Part(corpus, asked.share).pieces("test"), playing.vocabulary(run)))
    with np.load(run.weights) as weights:
        parameters = sum(weights[part].size for part in weights.files if weights[part].dtype == np.float32)
    if asked.count:
        for name, most in (("ours", 0), (GUARDED, MAX_COPY)):
            wish = Wish(count=asked.count, notes=asked.notes, seed=SEED, max_copy=most)
            kept(asked.work / "samples" / name, playing.music(run, wish), name)
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
        *kinds[asked.only], pieces, vocabulary, lambda: (time.perf_counter() - began) / (60 * asked.minutes)
    )
    held = notewise.encoded(Part(corpus, asked.share).pieces("test"), vocabulary)
    fields = notewise.bits(network, held)
    if asked.count:
        made = notewise.sampled(network, vocabulary, asked.count, asked.notes, TOP_P, SEED)
        kept(asked.work / "samples" / asked.only, made, asked.only)
    parameters = sum(weight.numel() for weight in network.parameters())
    return {"fields": fields.tolist(), "parameters": parameters, "notes_per_second": speed}


def classic(asked: argparse.Namespace, corpus: Corpus) -> dict[str, Any]:
    """Train the original's network window by window; an epoch of it would take hours, so `train`'s epochs are not waited for."""
    text = asked.work / "classic.json"
    if not text.is_file():
        text.write_text(tokens(asked.root, corpus, asked.share), encoding="utf-8")
    began = time.perf_counter()
    from training import classic as original
    from training import classic_sampler
    from training.backend import load_keras
    from training.classic_tokens import Music
    from training.network import arrays

    keras, recipe = load_keras(), ClassicRecipe()
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
        drawn = classic_sampler.continuations(classic_sampler.Network(arrays(network)), seen, asked.notes)
        made = [classic_sampler.to_notes([music.tokens[n] for n in one], recipe.sample_step) for one in drawn.tolist()]
        kept(asked.work / "samples" / "classic", made, "classic")
    return {"nats_per_token": loss, "parameters": network.count_params(), "tokens_per_second": speed, "tokens": learnt}


def tokens(root: Path, corpus: Corpus, share: float) -> str:
    """What music21 reads of the pieces, by the product's own reader."""
    part: Any = Part(corpus, share)
    from training.classic import vocabulary_text

    return vocabulary_text(part, Catalog(root), tell=lambda line: None)


KINDS = {"ours": ours, "lstm": pytorch, "transformer": pytorch, "classic": classic}


def alone(asked: argparse.Namespace) -> dict[str, Any]:
    """Train and measure one network in this process."""
    return KINDS[asked.only](asked, Corpus.open(asked.root, asked.corpus))


def side_by_side(asked: argparse.Namespace) -> dict[str, list[dict[str, Any]]]:
    """Train all, each in a process and on a core of its own, the longest first; what each came to, by network, shortest budget first."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))
    free: queue.Queue[int] = queue.Queue()
    for core in cores[:2]:
        free.put(core)
    jobs = [("classic", BUDGETS[-1])]
    jobs += [(kind, share) for share in BUDGETS[::-1] for kind in ("ours", "transformer", "lstm")]
    if asked.run:
        jobs = [job for job in jobs if job[0] != "ours" or job[1] == BUDGETS[-1]]

    def do(job: tuple[str, float]) -> dict[str, Any]:
        kind, share = job
        core = free.get()
        given: dict[str, Any] = {"only": kind, "minutes": asked.minutes * share, "core": core}
        given |= {name: getattr(asked, name) for name in ("root", "corpus", "work", "notes", "share", "run")}
        given["count"] = asked.count if share == BUDGETS[-1] else 0
        told = [part for name, value in given.items() if value is not None for part in (f"--{name}", str(value))]
        one = {**os.environ, **{f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}}
        done = subprocess.run([sys.executable, __file__, *told], env=one, stdout=subprocess.PIPE, text=True, check=True)
        free.put(core)
        found = {"minutes": given["minutes"], **json.loads(done.stdout.splitlines()[-1])}
        print(json.dumps({kind: found}), file=sys.stderr, flush=True)
        return found

    with ThreadPoolExecutor(len(cores[:2])) as pool:
        results = list(pool.map(do, jobs))
    found: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
    for (kind, _), result in reversed(list(zip(jobs, results, strict=True))):
        found[kind].append(result)
    return found


def compared(asked: argparse.Namespace, corpus: Corpus) -> dict[str, dict[str, Any]]:
    """Return by set of pieces how many are stuck, what is copied and how near they are to the held-out ones."""
    learned = corpus.pieces("train")
    sources = Sources.of(learned)

    def human(pieces: Sequence[CorpusPiece], every: int) -> list[Notes]:
        return [first(p.notes, asked.notes) for p in pieces if len(p.notes) >= asked.notes][::every]

    held = human([*corpus.pieces("validation"), *corpus.pieces("test")], 1)
    long = sum(len(piece.notes) >= asked.notes for piece in learned)
    sets = {"human, held out": held, "human, training": human(learned, max(1, long // asked.count))[: asked.count]}
    for name in ("ours", GUARDED, *PEERS):
        sets[name] = [first(notes, asked.notes) for notes in read(asked.work / "samples" / name)]
    found = {}
    for name, pieces in sets.items():
        runs = [longest_runs(notes) for notes in pieces]
        one: dict[str, Any] = {
            "pieces": len(pieces),
            "stuck": float(np.mean([bars > STUCK[0] or pitches > STUCK[1] for bars, pitches in runs])),
            "a bar running, at most": max(bars for bars, _ in runs),
            "a pitch running, at most": max(pitches for _, pitches in runs),
        }
        if name != "human, training":  # of which all is copied
            one |= medians([novelty(sources, notes) for notes in pieces])
        if name != "human, held out":
            near = overlap.overlap(pieces, held)
            one["area"], one["divergence"] = overlap.mean(near)
            one["features"] = {feature: asdict(value) for feature, value in near.items()}
        found[name] = one
    return found


def measured(asked: argparse.Namespace) -> dict[str, Any]:
    """Train, draw and compare; everything that the table and the figures say."""
    corpus = Corpus.open(asked.root, asked.corpus)
    shutil.rmtree(asked.work / "samples", ignore_errors=True)
    asked.work.mkdir(parents=True, exist_ok=True)
    since = time.perf_counter()
    (asked.work / "classic.json").write_text(tokens(asked.root, corpus, asked.share), encoding="utf-8")
    found: dict[str, Any] = {"music21, s": time.perf_counter() - since, "trained": side_by_side(asked)}
    return {**found, "sets": compared(asked, corpus), "seconds": time.perf_counter() - since}


def table(found: dict[str, Any]) -> str:
    """Return what was measured as tables in Markdown."""
    minutes = [result["minutes"] for result in found["trained"]["lstm"]]
    lines = [
        f"| network | weights | notes/s | {' | '.join(f'bits, {m:.3g} min' for m in minutes)} | {' | '.join(FIELDS)} |"
    ]
    lines.append("|" + "---|" * (3 + len(minutes) + len(FIELDS)))
    for name, results in found["trained"].items():
        last = results[-1]
        if name == "classic":
            lines.append(
                f"| classic | {last['parameters']:,} | {last['tokens_per_second']:.0f} tokens/s | "
                f"{last['nats_per_token']:.3f} nats a token after {last['minutes']:.3g} min |"
            )
            continue
        bits = [f"{sum(result['fields']):.3f}" for result in results]
        bits = ["—"] * (len(minutes) - len(bits)) + bits
        speed = last["notes_per_second"]
        cells = [name, f"{last['parameters']:,}", "—" if speed is None else f"{speed:,.0f}", *bits]
        lines.append("| " + " | ".join([*cells, *(f"{value:.3f}" for value in last["fields"])]) + " |")
    heads = [
        "pieces",
        "stuck",
        "bars / pitches running",
        *(f"copied, {least}" for least in LEAST),
        "area",
        "divergence",
    ]
    lines += ["", f"| set | {' | '.join([*heads, *overlap.FEATURES])} |"]
    lines.append("|" + "---|" * (1 + len(heads) + len(overlap.FEATURES)))
    for name, one in found["sets"].items():
        running = f"{one['a bar running, at most']} / {one['a pitch running, at most']}"
        copied = [one.get(f"share of all notes, {least} notes") for least in LEAST]
        near = [one.get("area"), one.get("divergence")]
        near += [one["features"][f]["area"] if "features" in one else None for f in overlap.FEATURES]
        cells = [name, str(one["pieces"]), f"{one['stuck']:.0%}", running]
        cells += ["—" if value is None else f"{value:.1%}" for value in copied]
        cells += ["—" if value is None else f"{value:.3f}" for value in near]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", f"{found['seconds']:.0f} s in all, {found['music21, s']:.0f} s of it music21"])


def figures(setting: Setting) -> list[Figure]:
    """Return the quality's figures; at a share below 1 everything is that much shorter, and the figures say nothing."""
    asked = argparse.Namespace(
        root=setting.root.resolve(),
        corpus=setting.corpus,
        work=(setting.work / "quality").resolve(),
        minutes=MINUTES * setting.share,
        count=max(6, round(COUNT * setting.share)),
        notes=max(60, round(NOTES * setting.share)),
        share=setting.share,
        run=None,
    )
    found = measured(asked)
    (asked.work / "quality.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    (asked.work / "quality.md").write_text(table(found) + "\n", encoding="utf-8")
    return as_figures(found, asked.minutes)


def as_figures(found: dict[str, Any], minutes: float) -> list[Figure]:
    command = f"python benchmarks/quality.py --minutes {minutes:.4g}"
    once = "measured once, one core each"
    lines: list[Figure] = []

    def line(
        id_: str, name: str, unit: str, mine: float, better: Any, peer: str = "", theirs: Any = (), note: str = once
    ) -> None:
        theirs = theirs if theirs == () else (theirs,)
        lines.append(Figure(f"quality/{id_}", name, unit, (mine,), peer, theirs, better, command, note))

    trained, sets = found["trained"], found["sets"]
    torch = version("torch")
    for peer in ("lstm", "transformer"):
        who = f"{PEERS[peer]} (torch {torch})"
        for mine, theirs in zip(trained["ours"], trained[peer], strict=True):
            name = f"held-out bits a note after {mine['minutes']:.3g} minutes of training"
            pair = sum(mine["fields"]), sum(theirs["fields"])
            line(f"bits-{mine['minutes']:.3g}min/{peer}", name, "bits", pair[0], "lower", who, pair[1])
        mine, theirs = trained["ours"][-1], trained[peer][-1]
        for key, unit, better in (("notes_per_second", "notes/s", "higher"), ("parameters", "weights", "lower")):
            name = "training on one core" if better == "higher" else "size of the network"
            line(f"{key.replace('_', '-')}/{peer}", name, unit, mine[key], better, who, theirs[key])
    last = trained["classic"][-1]
    name = f"the original's recipe: loss on held-out tokens after {last['minutes']:.3g} minutes"
    note = f"music21's tokens, {last['tokens']:,} learnt; no bits a note; {once}"
    line("loss/classic", name, "nats a token", last["nats_per_token"], "lower", note=note)
    of = {"human, held out": "held-out human pieces", "human, training": "human training pieces", **PEERS}
    of |= {"ours": "ours", GUARDED: f"ours, guard of {MAX_COPY} notes"}
    for key, one in sets.items():
        note = f"{one['pieces']} pieces of the same length; {once}"
        slug = key.replace(", ", "-").replace(" ", "-")
        if key != "human, training":
            line(f"stuck/{slug}", f"stuck, {of[key]}", "share of pieces", one["stuck"], "lower", note=note)
            for least in LEAST:
                name = f"notes inside copied passages of {least} and more, {of[key]}"
                line(
                    f"copied-{least}/{slug}",
                    name,
                    "share of notes",
                    one[f"share of all notes, {least} notes"],
                    "lower",
                    note=note,
                )
        if key not in ("human, held out", "ours"):
            name = f"with held-out human pieces, mean of {len(overlap.FEATURES)} features"
            by_feature = "; ".join(
                f"{f} {ours_['area']:.2f} / {one['features'][f]['area']:.2f}"
                for f, ours_ in sets["ours"]["features"].items()
            )
            line(
                f"area/{slug}",
                f"overlapped area {name}",
                "",
                sets["ours"]["area"],
                "higher",
                of[key],
                one["area"],
                f"{by_feature}; {note}",
            )
            line(
                f"divergence/{slug}",
                f"divergence {name}",
                "nats",
                sets["ours"]["divergence"],
                "lower",
                of[key],
                one["divergence"],
                note,
            )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path("data"))
    parser.add_argument("--corpus", default="all")
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--notes", type=int, default=NOTES)
    parser.add_argument("--run", help="a trained run to compare in place of ours")
    parser.add_argument("--only", choices=list(KINDS), help="train this one in this process and print what it came to")
    parser.add_argument("--work", type=Path, default=Path("data/bench/quality"))
    parser.add_argument("--share", type=float, default=1.0, help="of the test pieces, and of what music21 reads")
    parser.add_argument("--core", type=int, help="keep to this core")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    asked.root, asked.work = asked.root.resolve(), asked.work.resolve()
    if asked.core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {asked.core})
    if asked.only:
        asked.work.mkdir(parents=True, exist_ok=True)
        print(json.dumps(alone(asked)))
        return
    found = measured(asked)
    print(table(found))
    if asked.out:
        asked.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
