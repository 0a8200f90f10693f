"""Quality of networks after equal training time: bits per note and samples.

    python benchmarks/quality.py [--root data] [--corpus all] [--minutes 3] [--count 50] [--notes 500] [--run RUN] [--out FILE]

In: a data root with a catalog and a corpus. `contestants.py` trains four networks on its training pieces, each on one
core, two at a time if there are two: ours, a PyTorch LSTM, a PyTorch transformer, and the recipe of 2018. Each is
trained for a third of the minutes and, from scratch, for all of them. --run uses an existing run instead of ours.

Out: bits per note on the test pieces, over all notes but the first of each piece. The recipe of 2018 has tokens
instead of notes: its result is in nats per token and cannot be compared with bits per note. From --count samples of
--notes notes each (a third as many for the slow recipe of 2018): how many are stuck, as in `samples.py`; what is
copied, as in `novelty.py`; how similar they are to held-out pieces, as in `overlap.py`, with training pieces as the
upper bound; and how well classifiers tell them from people's, as in `told_apart.py`, on as many of people's pieces.
All pieces are cut to the same number of notes (fewer if half of the held-out pieces are shorter), and shorter ones are
left out. The PyTorch networks start from openings of training pieces and sample at our temperature and top_p, but
without our sampler's rules against loops. Nothing is repeated.
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

import contestants
import numpy as np
import overlap
import told_apart
from contestants import COUNT, GUARDED, KINDS, MINUTES, NOTES
from figures import Figure, Setting
from samples import MOST_BARS, first, longest_runs
from told_apart_table import STUCK

from dataset.corpus.corpus import Corpus, CorpusPiece
from dataset.midi.midi_reader import read_midi
from dataset.notes.model import Notes
from training.events.fields import FIELDS
from training.novelty.figures import PASSAGE_LENGTHS, find_copies, medians
from training.novelty.training_index import TrainingIndex
from training.sampling import sample_files
from training.sampling.config import MAX_COPY

APART_DRAWS = 10  # of people's pieces that samples are told from
BUDGETS = (1 / 3, 1.0)  # shares of the training minutes
MIN_PIECES = 3  # minimum number of pieces in a set
PEERS = {"lstm": "PyTorch LSTM", "transformer": "PyTorch transformer", "classic": "the original's recipe"}
NAMES = {
    "human, held out": "held-out human pieces",
    "human, training": "human training pieces",
    "ours": "ours",
    GUARDED: f"ours, guard of {MAX_COPY} notes",
    **PEERS,
}


def side_by_side(options: argparse.Namespace) -> dict[str, list[dict[str, Any]]]:
    """Train all networks, each in its own process and on its own core, longest first.

    Returns the results by network, shortest budget first.
    """
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))
    free: queue.Queue[int] = queue.Queue()
    for core in cores[:2]:
        free.put(core)
    jobs = [("classic", BUDGETS[-1])]
    jobs += [(kind, share) for share in BUDGETS[::-1] for kind in ("ours", "transformer", "lstm")]
    if options.run:
        jobs = [job for job in jobs if job[0] != "ours" or job[1] == BUDGETS[-1]]

    def do(job: tuple[str, float]) -> dict[str, Any]:
        kind, share = job
        core = free.get()
        given: dict[str, Any] = {"minutes": options.minutes * share, "core": core}
        given |= {name: getattr(options, name) for name in ("root", "corpus", "work", "notes", "share", "run")}
        given["count"] = options.count if share == BUDGETS[-1] else 0
        arguments = [part for name, value in given.items() if value is not None for part in (f"--{name}", str(value))]
        one = {**os.environ, **{f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}}
        line = [sys.executable, contestants.__file__, kind, *arguments]
        try:
            done = subprocess.run(line, env=one, stdout=subprocess.PIPE, text=True, check=True)
        finally:
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


def compared(options: argparse.Namespace, corpus: Corpus) -> dict[str, dict[str, Any]]:
    """Return for each set of pieces: stuck samples, copied notes and overlap."""
    learned = corpus.pieces("train")
    sources = TrainingIndex.of(learned)

    def human(pieces: Sequence[CorpusPiece], every: int) -> list[Notes]:
        return [first(p.notes, options.notes) for p in pieces if len(p.notes) >= options.notes][::every]

    held = human([*corpus.pieces("validation"), *corpus.pieces("test")], 1)
    long = sum(len(piece.notes) >= options.notes for piece in learned)
    sets = {"human, held out": held, "human, training": human(learned, max(1, long // options.count))[: options.count]}
    sets |= composed(options)
    found = {}
    for name, pieces in sets.items():
        runs = [longest_runs(notes) for notes in pieces]
        one: dict[str, Any] = {
            "pieces": len(pieces),
            "stuck": float(np.mean([bars > MOST_BARS or chords > STUCK for bars, chords in runs])),
            "a bar running, at most": max(bars for bars, _ in runs),
            "a chord running, at most": max(chords for _, chords in runs),
        }
        if name != "human, training":  # of which all is copied
            one |= medians([find_copies(sources, notes) for notes in pieces])
        if name != "human, held out":
            near = overlap.overlap(pieces, held)
            one["area"], one["divergence"] = overlap.mean(near)
            one["features"] = {feature: asdict(value) for feature, value in near.items()}
        found[name] = one
    return found


def measured(options: argparse.Namespace) -> dict[str, Any]:
    """Train, sample and compare; return the data of the table and the figures."""
    corpus = Corpus.open(options.root, options.corpus)
    lengths = sorted(len(p.notes) for split in ("validation", "test") for p in corpus.pieces(split))
    if len(lengths) < 2 * MIN_PIECES:
        raise SystemExit(f"corpus {corpus.name} holds out {len(lengths)} pieces; at least {2 * MIN_PIECES} are needed")
    options.notes = min(options.notes, lengths[len(lengths) // 2])
    shutil.rmtree(options.work / "samples", ignore_errors=True)
    options.work.mkdir(parents=True, exist_ok=True)
    since = time.perf_counter()
    (options.work / "classic.json").write_text(
        contestants.tokens(options.root, corpus, options.share), encoding="utf-8"
    )
    found: dict[str, Any] = {"music21, s": time.perf_counter() - since, "trained": side_by_side(options)}
    found["sets"] = compared(options, corpus)
    found["told apart"] = apart(options, corpus)
    return {**found, "seconds": time.perf_counter() - since}


def composed(options: argparse.Namespace) -> dict[str, list[Notes]]:
    """Return the samples of each network, cut to the same number of notes."""
    files = {name: sample_files.samples(options.work / "samples" / name) for name in ("ours", GUARDED, *PEERS)}
    return {
        name: [first(read_midi(file.read_bytes()), options.notes) for file in paths] for name, paths in files.items()
    }


def apart(options: argparse.Namespace, corpus: Corpus) -> dict[str, dict[str, Any]]:
    """Return how well the samples of each network are told from people's pieces."""
    length = min(told_apart.FIRST, options.notes)
    draws = max(1, round(APART_DRAWS * options.share))
    return told_apart.beside(told_apart.people(corpus, length), composed(options), draws, length)


def table(found: dict[str, Any]) -> str:
    """Return the measurements as tables in Markdown."""
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
                f"{last['nats_per_token']:.3f} nats per token after {last['minutes']:.3g} min |"
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
        "bars / chords running",
        *(f"copied, {least}" for least in PASSAGE_LENGTHS),
        "area",
        "divergence",
    ]
    lines += ["", f"| set | {' | '.join([*heads, *overlap.FEATURES])} |"]
    lines.append("|" + "---|" * (1 + len(heads) + len(overlap.FEATURES)))
    for name, one in found["sets"].items():
        running = f"{one['a bar running, at most']} / {one['a chord running, at most']}"
        copied = [one.get(f"share of all notes, {least} notes") for least in PASSAGE_LENGTHS]
        near = [one.get("area"), one.get("divergence")]
        near += [one["features"][f]["area"] if "features" in one else None for f in overlap.FEATURES]
        cells = [name, str(one["pieces"]), f"{one['stuck']:.0%}", running]
        cells += ["—" if value is None else f"{value:.1%}" for value in copied]
        cells += ["—" if value is None else f"{value:.3f}" for value in near]
        lines.append("| " + " | ".join(cells) + " |")
    lines += [
        "",
        "| told apart, area under the ROC curve | composed | people alone | pieces a side | by |",
        "|---|---|---|---|---|",
    ]
    for name, one in found["told apart"].items():
        low, high = one["better_interval"]
        people = f"{one['people']:.3f} ({one['people_interval'][0]:.3f}–{one['people_interval'][1]:.3f})"
        cells = [name, f"{one['better']:.3f} ({low:.3f}–{high:.3f})", people, str(one["count"]), one["classifier"]]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", f"{found['seconds']:.0f} s in all, {found['music21, s']:.0f} s of it music21"])


def figures(setting: Setting) -> list[Figure]:
    """Return the figures; a share below 1 is only a smoke test."""
    options = argparse.Namespace(
        root=setting.root.resolve(),
        corpus=setting.corpus,
        work=(setting.work / "quality").resolve(),
        minutes=MINUTES * setting.share,
        count=max(6, round(COUNT * setting.share)),
        notes=max(60, round(NOTES * setting.share)),
        share=setting.share,
        run=None,
    )
    found = measured(options)
    (options.work / "quality.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    (options.work / "quality.md").write_text(table(found) + "\n", encoding="utf-8")
    return as_figures(found, options.minutes)


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
            name = f"held-out bits per note after {mine['minutes']:.3g} minutes of training"
            pair = sum(mine["fields"]), sum(theirs["fields"])
            line(f"bits-{mine['minutes']:.3g}min/{peer}", name, "bits", pair[0], "lower", who, pair[1])
        mine, theirs = trained["ours"][-1], trained[peer][-1]
        for key, unit, better in (("notes_per_second", "notes/s", "higher"), ("parameters", "weights", "lower")):
            name = "training on one core" if better == "higher" else "size of the network"
            line(f"{key.replace('_', '-')}/{peer}", name, unit, mine[key], better, who, theirs[key])
    last = trained["classic"][-1]
    name = f"the original's recipe: loss on held-out tokens after {last['minutes']:.3g} minutes"
    note = f"music21's tokens, trained on {last['tokens']:,}; no bits per note; {once}"
    line("loss/classic", name, "nats per token", last["nats_per_token"], "lower", note=note)

    lines += told_apart.as_figures(found["told apart"], "ours", NAMES, "quality/told-apart", command)
    features = sets["ours"]["features"]
    for key, one in sets.items():
        note = f"{one['pieces']} pieces of the same length; {once}"
        slug = key.replace(", ", "-").replace(" ", "-")
        if key != "human, training":  # of which all is copied
            line(f"stuck/{slug}", f"stuck, {NAMES[key]}", "share of pieces", one["stuck"], "lower", note=note)
            for least in PASSAGE_LENGTHS:
                name = f"notes inside copied passages of {least} and more, {NAMES[key]}"
                share = one[f"share of all notes, {least} notes"]
                line(f"copied-{least}/{slug}", name, "share of notes", share, "lower", note=note)
        if key in ("human, held out", "ours"):
            continue
        each = "; ".join(f"{f} {features[f]['area']:.2f} / {one['features'][f]['area']:.2f}" for f in features)
        for measure, unit, better in (("area", "", "higher"), ("divergence", "nats", "lower")):
            name = f"{'overlapped area' if unit == '' else 'divergence'} with held-out human pieces, mean of {len(features)} features"
            pair = sets["ours"][measure], one[measure]
            full_note = f"{each}; {note}" if measure == "area" else note
            line(f"{measure}/{slug}", name, unit, pair[0], better, NAMES[key], pair[1], full_note)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    contestants.arguments(parser)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    options.root, options.work = options.root.resolve(), options.work.resolve()
    found = measured(options)
    print(table(found))
    if options.out:
        options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
