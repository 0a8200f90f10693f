"""Copied passages: recall of planted copies, search time, and copies in samples.

    python benchmarks/novelty.py planted CORPUS [--root data] [--trials 1000]
    python benchmarks/novelty.py speed CORPUS [--root data] [--pieces 31000]
    python benchmarks/novelty.py samples RUN CORPUS [--root data] [--count 100] [--notes 500] [--max-copy N ...]

planted: passages of 12 to 64 notes from training pieces, in another key, at another time and with one wrong note, each
inserted into random notes. Recall is the share of passages reported with at most three notes missing. A reported
passage is correct if its notes are those of the piece that it names.

speed: seconds to index the corpus and to search it for a sample of 500 notes; and the same for made-up pieces of about
1,000 notes, with an index that is saved and opened again, and the memory of the searching process.

samples: how much of a run's samples, with and without a guard, and of the first --notes notes of its held-out pieces
by people is copied from its training pieces. The cost of the guard is also measured: bits per note under the network
itself, repeated bars or chords, and musical measures.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from figures import Figure, Setting
from samples import MEASURES, first, longest_runs

from dataset.corpus.corpus import Corpus
from training.classic.recipe import ClassicRecipe
from training.events.batches import EncodedPiece
from training.events.encoding import encode
from training.events.vocabulary import UNKNOWN
from training.generate import music
from training.note_lstm.trained import network as network_of
from training.note_lstm.trained import vocabulary as vocabulary_of
from training.novelty.figures import find_copies, medians
from training.novelty.passages import Index, NoteLine, Passage, distinct_passages, find
from training.novelty.training_index import IndexedPiece, TrainingIndex
from training.run import Run
from training.sampling.sampler import SamplingConfig, compose

LENGTHS = ((12, 15), (16, 23), (24, 39), (40, 64))
SAMPLE = 500  # notes
MADE = 31_000  # pieces, as on the whole site


def made(rng: np.random.Generator, length: int) -> NoteLine:
    """Return random notes with some chords."""
    steps = rng.choice([0, 0, 6, 12, 12, 24, 36], length)
    pitch = np.clip(60 + np.cumsum(rng.integers(-9, 10, length)) % 36, 0, 127)
    tick = np.cumsum(steps)
    order = np.lexsort((pitch, tick))
    keep = np.ones(length, bool)
    keep[1:] = (np.diff(tick[order]) != 0) | (np.diff(pitch[order]) != 0)
    return NoteLine(tick[order][keep].astype(np.int64), pitch[order][keep].astype(np.int16))


def with_passage(rng: np.random.Generator, source: NoteLine, place: int, length: int) -> tuple[NoteLine, int, int]:
    """Insert a passage into a made-up piece; return the piece, tick and shift."""
    around = made(rng, 200)
    begin = int(rng.integers(20, len(around.tick) - 20))
    pitch = source.pitch[place : place + length].copy()
    moved = (
        int(rng.integers(-int(pitch.min()), 127 - int(pitch.max()) + 1))
        if rng.random() < 0.3
        else int(rng.integers(-6, 7))
    )
    moved = int(np.clip(moved, -int(pitch.min()), 127 - int(pitch.max())))
    pitch += np.int16(moved)
    wrong = int(rng.integers(1, length - 1))
    pitch[wrong] = np.clip(pitch[wrong] + rng.choice([-7, -6, -5, -2, -1, 1, 2, 5, 6, 7]), 0, 127)
    tick = source.tick[place : place + length] - source.tick[place]
    at = int(around.tick[begin - 1]) + 12 + int(rng.integers(0, 48))
    ticks = np.concatenate(
        [around.tick[:begin], at + tick, at + tick[-1] + 24 + around.tick[begin:] - around.tick[begin]]
    )
    pitches = np.concatenate([around.pitch[:begin], pitch, around.pitch[begin:]])
    order = np.lexsort((pitches, ticks))
    return NoteLine(ticks[order], pitches[order]), at, moved


def is_right(lines: list[NoteLine], line: NoteLine, passage: Passage) -> bool:
    """Return whether the named notes of the named piece match the passage."""
    there = lines[passage.piece]
    own = slice(passage.first, passage.last + 1)
    ticks = (line.tick[own] - line.tick[passage.first]) * passage.ratio + there.tick[passage.there_first]
    held = set(zip(there.tick.tolist(), there.pitch.tolist(), strict=True))
    pairs = zip(ticks.tolist(), (line.pitch[own] - passage.transposition).tolist(), strict=True)
    return sum((round(tick), pitch) in held for tick, pitch in pairs) >= 0.8 * passage.notes


def planted(corpus: Corpus, trials: int, seed: int = 0) -> dict[str, Any]:
    lines = [line for line in (NoteLine.of(piece.notes) for piece in corpus.pieces("train")) if len(line.tick) > 100]
    index, rng = Index.of(lines), np.random.default_rng(seed)
    found: dict[str, Any] = {}
    claims = false = 0
    for least, most in LENGTHS:
        met = 0
        for _ in range(trials):
            number, length = int(rng.integers(len(lines))), int(rng.integers(least, most + 1))
            place = int(rng.integers(0, len(lines[number].tick) - length))
            line, at, _ = with_passage(rng, lines[number], place, length)
            passages = distinct_passages(index, line, find(index, line))
            right = [passage for passage in passages if is_right(lines, line, passage)]
            claims, false = claims + len(passages), false + len(passages) - len(right)
            begin = int(np.searchsorted(line.tick, at))
            met += any(p.notes >= length - 3 and p.last >= begin + length - 5 and p.first <= begin + 4 for p in right)
        found[f"recall at {least} to {most} notes"] = met / trials
        print(json.dumps({f"{least} to {most}": met / trials}), flush=True)
    found["precision"] = 1 - false / max(1, claims)
    found["told"] = claims
    return found


def clock(index: Index, lines: list[NoteLine]) -> dict[str, float]:
    took = []
    for line in lines:
        since = time.perf_counter()
        distinct_passages(index, line, find(index, line))
        took.append(time.perf_counter() - since)
    return {"median": round(float(np.median(took)), 5), "most": round(max(took), 5)}


SEARCH = r"""
import json, re, sys, time
import numpy as np
since = time.perf_counter()
from pathlib import Path
from training.novelty.passages import Line, find, told
from training.novelty.training_index import TrainingIndex
index = TrainingIndex.open(Path(sys.argv[1])).index
line = Line(*(np.load(f"{sys.argv[1]}/query-{name}.npy") for name in ("tick", "pitch")))
opened = time.perf_counter()
found = told(index, line, find(index, line))
print(json.dumps({"opened, s": round(opened - since, 3), "searched, s": round(time.perf_counter() - opened, 3),
    "peak, MB": int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) // 1024,
    "passages": len(found)}))
"""


def held_out(corpus: Corpus) -> list[NoteLine]:
    """Return the first SAMPLE notes of fifty held-out pieces."""
    held = [NoteLine.of(piece.notes) for split in ("validation", "test") for piece in corpus.pieces(split)]
    return [NoteLine(line.tick[:SAMPLE], line.pitch[:SAMPLE]) for line in held if len(line.tick) >= SAMPLE][:50]


def speed(corpus: Corpus, pieces: int, searched: int = 1) -> dict[str, Any]:
    since = time.perf_counter()
    index = TrainingIndex.of(corpus.pieces("train")).index
    found: dict[str, Any] = {"corpus, notes": len(index), "corpus, indexed in s": round(time.perf_counter() - since, 3)}
    found["corpus, a sample of 500 notes, s"] = clock(index, held_out(corpus))
    rng = np.random.default_rng(1)
    lines = [made(rng, int(rng.integers(400, 1600))) for _ in range(pieces)]
    since = time.perf_counter()
    large = Index.of(lines)
    found["made-up pieces"], found["made notes"] = pieces, len(large)
    found["made-up pieces, indexed in s"] = round(time.perf_counter() - since, 1)
    query = with_passage(rng, lines[pieces // 2], 100, 60)[0]
    with tempfile.TemporaryDirectory() as folder:
        indexed = [
            IndexedPiece(f"Piece {number}", "", "", "", f"{number:064x}", "", "", "", (), ())
            for number in range(pieces)
        ]
        sources = TrainingIndex(tuple(indexed), np.concatenate([line.tick for line in lines]).astype(np.int32), large)
        for file, data in sources.files().items():
            (Path(folder) / file).write_bytes(data)
        np.save(Path(folder) / "query-tick.npy", query.tick)
        np.save(Path(folder) / "query-pitch.npy", query.pitch)
        searches = []
        for _ in range(searched):
            done = subprocess.run([sys.executable, "-c", SEARCH, folder], capture_output=True, text=True, check=True)
            searches.append(json.loads(done.stdout))
        found["made-up pieces, each search in a process of its own"] = searches
    found["peak while indexing, MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return found


def figures(setting: Setting) -> list[Figure]:
    """Recall of planted passages; search times in the section and made-up pieces."""
    corpus = Corpus.open(setting.root, setting.corpus)
    trials, pieces = max(5, round(100 * setting.share)), max(100, round(MADE * setting.share))
    runs = [planted(corpus, trials, seed) for seed in range(setting.times)]
    index = TrainingIndex.of(corpus.pieces("train")).index
    sample = held_out(corpus)
    section = tuple(1000 * clock(index, sample)["median"] for _ in range(setting.times))
    large = speed(corpus, pieces, setting.times)
    searches = large["made-up pieces, each search in a process of its own"]
    if any(search["passages"] != 1 for search in searches):
        raise RuntimeError(f"one passage is planted in the made-up pieces: {searches}")
    made_of = f"against {pieces:,} made-up pieces of {large['made notes']:,} notes"
    changed = "transposed and with one wrong note"
    recall = [
        Figure(
            f"novelty/recall-{least}-{most}",
            f"planted copies of {least} to {most} notes found, {changed}",
            "recall",
            tuple(run[f"recall at {least} to {most} notes"] for run in runs),
            better="higher",
            note=f"{trials} each time.",
        )
        for least, most in LENGTHS
    ]
    precision = tuple(run["precision"] for run in runs)
    return [
        *recall,
        Figure("novelty/precision", "reported passages that are correct", "precision", precision, better="higher"),
        Figure(
            "novelty/search",
            f"search for copies of {SAMPLE} notes among {len(index):,} notes of the corpus",
            "ms",
            section,
            note="The median of fifty held-out pieces.",
        ),
        Figure(
            "novelty/made",
            f"opening an index and searching it, {made_of}",
            "s",
            tuple(one["opened, s"] + one["searched, s"] for one in searches),
        ),
        Figure(
            "novelty/made-memory",
            f"memory of that search, {made_of}",
            "peak MB",
            tuple(float(one["peak, MB"]) for one in searches),
        ),
        Figure(
            "novelty/made-index", f"indexing {pieces:,} made-up pieces", "s", (large["made-up pieces, indexed in s"],)
        ),
    ]


def samples(root: Path, name: str, corpus: Corpus, count: int, notes: int, limits: list[int]) -> dict[str, Any]:
    run = Run.open(root, name)
    learned = TrainingIndex.open(run.sources)
    held = [first(piece.notes, notes) for split in ("validation", "test") for piece in corpus.pieces(split)]
    found: dict[str, Any] = {"held-out human pieces": _figures(learned, held)}
    print(json.dumps(found), flush=True)
    if isinstance(run.recipe, ClassicRecipe):
        found["classic"] = _figures(learned, music(run, SamplingConfig(count=count, notes=notes, seed=1)))
        return found
    network, vocabulary = network_of(run), vocabulary_of(run)
    for most in limits:
        wish = SamplingConfig(count=count, notes=notes, seed=1, max_copy=most)
        since = time.perf_counter()
        made_pieces = compose(network, vocabulary, wish, None, learned.index if most else None)
        took = time.perf_counter() - since
        encoded = [EncodedPiece(events, (UNKNOWN, UNKNOWN)) for events in encode(made_pieces)]
        bits = network.bits(encoded).sum() / sum(len(piece.events) - 1 for piece in encoded)
        found[f"max-copy {most}"] = {
            **_figures(learned, made_pieces),
            "bits per note under the network": round(float(bits), 3),
            "notes/s": round(count * notes / took),
        }
        print(json.dumps({most: found[f"max-copy {most}"]}), flush=True)
    return found


def _figures(learned: TrainingIndex, pieces: list[Any]) -> dict[str, float]:
    told_of = [find_copies(learned, notes) for notes in pieces]
    runs = [longest_runs(notes) for notes in pieces]
    return {
        "pieces": len(pieces),
        "longest of all": max(one.longest for one in told_of),
        **{name: round(value, 4) for name, value in medians(told_of).items()},
        "a bar running, at most": max(bars for bars, _ in runs),
        "a chord running, at most": max(chords for _, chords in runs),
        **{name: round(float(np.median([each(notes) for notes in pieces])), 3) for name, each in MEASURES.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("planted", "speed", "samples"))
    parser.add_argument("names", nargs="+", metavar="CORPUS | RUN CORPUS")
    parser.add_argument("--root", type=Path, default=Path("data"))
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--pieces", type=int, default=MADE)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--notes", type=int, default=500)
    parser.add_argument("--max-copy", type=int, nargs="+", default=[0, 24])
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    corpus = Corpus.open(options.root, options.names[-1])
    if options.what == "planted":
        found = planted(corpus, options.trials)
    elif options.what == "speed":
        found = speed(corpus, options.pieces)
    else:
        found = samples(options.root, options.names[0], corpus, options.count, options.notes, options.max_copy)
    print(json.dumps(found, indent=1))
    if options.out:
        options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
