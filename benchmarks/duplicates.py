"""Accuracy and speed of finding duplicates, in real and made-up pieces.

    python benchmarks/duplicates.py [--root data] [--copies 200] [--seed 0] [--sizes 10000 30000 100000] [--out FILE.md]

First, --copies altered copies of each of ten kinds are added to the pieces of the section. Recall is the share of
copies that are linked to their original as the same notes (bytes, notes, near or contained). Precision is the share of
such links of a copy that lead to its original or a duplicate of it. Second, pieces of random music, as long as the
section's and one in ten an altered copy of another, are compared, each size in its own process: wall and CPU seconds,
peak memory, recall and precision. The exit code is 1 if a result misses its limit.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from figures import Figure, Setting

TOP = Path(__file__).parents[1]
sys.path.insert(0, str(TOP))

from catalog.storage.files import write_text  # noqa: E402
from catalog.store import Catalog  # noqa: E402
from dataset.duplicates.relations import SAME_NOTES, Candidate, fingerprint, relate  # noqa: E402
from dataset.midi.midi_reader import read  # noqa: E402
from dataset.notes.model import Notes  # noqa: E402
from tests.dataset.planted import KINDS, in_a_medley, kin_of, plant  # noqa: E402

MIN_PRECISION = 0.99
MAX_S, MAX_MB = 600.0, 8192.0
PLANTED = 10  # one piece in ten is a copy
COPIES, MADE = 20, 10_000  # copies of each kind and made-up pieces, when all benchmarks are run


def section(root: Path) -> list[Candidate]:
    """Return all pieces of the catalog with at least 16 notes."""
    catalog, columns = Catalog(root), ["sha256", "game", "series", "title", "sequencer"]
    pieces = [
        Candidate(sha256, read(catalog.read_blob(sha256)).notes, game, series, title, sequencer)
        for sha256, game, series, title, sequencer in zip(
            *catalog.pieces("bytes > 0", columns=columns).to_pydict().values(), strict=True
        )
    ]
    return [piece for piece in pieces if len(piece.notes) >= 16]


@dataclass(frozen=True, slots=True)
class Hidden:
    """Pieces followed by altered copies of some of them.

    Of each copy it has the kind, the original, and the original's duplicates.
    """

    pieces: list[Candidate]
    count: int  # number of originals; the rest are copies
    kinds: list[str]
    originals: list[int]
    families: list[set[int]]

    @classmethod
    def of(cls, pieces: list[Candidate], kin: list[set[int]], copies: int, seed: int) -> "Hidden":
        """Hide the given number of copies of each kind, no two of one piece."""
        random = np.random.default_rng([seed, 1])
        chosen = random.choice(len(pieces), copies * len(KINDS), replace=False).tolist()
        kinds = [kind for kind in KINDS for _ in range(copies)]
        hidden, families = list(pieces), []
        for number, (kind, original) in enumerate(zip(kinds, chosen, strict=True)):
            change, _ = KINDS[kind]
            others = random.choice(len(pieces), 3, replace=False).tolist()
            notes = change(pieces[original].notes, [pieces[other].notes for other in others], random)
            more = [kin[other] for other in others] if change is in_a_medley else []
            families.append(kin[original].union(*more))
            hidden.append(
                Candidate(f"copy {number}", notes, f"copy-{number}", f"copy-{number}", f"Copy {number}", "A Copyist")
            )
        return cls(hidden, len(pieces), kinds, chosen, families)

    def judged(self, pairs: set[tuple[int, int]]) -> dict[str, float]:
        """Return the recall of each kind and of all, and the precision."""
        prints = [fingerprint(piece.notes) for piece in self.pieces[: self.count]]
        hit: set[int] = set()
        claimed = false = 0
        for copy, other in pairs:
            if copy < self.count:
                continue
            claimed += 1
            mine = self.families[copy - self.count]
            if other < self.count and prints[other] == prints[self.originals[copy - self.count]]:
                hit.add(copy - self.count)
            elif not mine & (self.families[other - self.count] if other >= self.count else {other}):
                false += 1
        recall = {
            kind: sum(n in hit for n, each in enumerate(self.kinds) if each == kind) / self.kinds.count(kind)
            for kind in KINDS
        }
        return {**recall, "recall": len(hit) / len(self.kinds), "precision": 1 - false / claimed if claimed else 1.0}


def called(pieces: list[Candidate]) -> set[tuple[int, int]]:
    """Return the pairs classified as the same notes, later piece first."""
    links = [link for link in relate(pieces) if link.relation in SAME_NOTES]
    return {(max(link.first, link.second), min(link.first, link.second)) for link in links}


def figures(setting: Setting) -> list[Figure]:
    """Recall, precision and time for ten kinds of copies and for made-up pieces."""
    from minhash import PEERS, THRESHOLD

    pieces = section(setting.root)
    kin = kin_of(pieces, relate(pieces))
    copies = max(1, min(round(COPIES * setting.share), len(pieces) // len(KINDS)))
    ways: dict[str, Callable[[list[Candidate]], set[tuple[int, int]]]] = {"ours": called}
    for name, peer in PEERS.items():
        ways[name] = lambda all_, peer=peer: peer([piece.notes for piece in all_], THRESHOLD)
    found: dict[str, dict[str, list[float]]] = {way: {} for way in ways}
    for seed in range(setting.times):
        hidden = Hidden.of(pieces, kin, copies, seed)
        for way, find in ways.items():
            since = time.perf_counter()
            pairs = find(hidden.pieces)
            took = time.perf_counter() - since
            for what, value in {**hidden.judged(pairs), "time": took}.items():
                found[way].setdefault(what, []).append(value)
    count = round(MADE * setting.share)
    made_pieces, _ = made_candidates(count)
    for way, find in ways.items():
        for _ in range(setting.times if way != "datasketch" else 1):
            since = time.perf_counter()
            find(made_pieces)
            found[way].setdefault("made", []).append(time.perf_counter() - since)
    hid = f"{copies} copies of each of ten kinds hidden in {len(pieces)} pieces"
    names = {
        "recall": (f"altered copies found, {hid}", "recall", "higher"),
        "precision": ("reported pairs that are true duplicates", "precision", "higher"),
        "time": (f"finding duplicates among {len(pieces) + copies * len(KINDS):,} pieces", "s", "lower"),
        "made": (f"finding duplicates among {count:,} made-up pieces", "s", "lower"),
        **{kind: (f"altered copies found: {kind}", "recall", "higher") for kind in KINDS},
    }
    note = f"The peer uses the threshold {THRESHOLD}, its best of 0.1 to 0.5, with shingles of 4 notes."
    return [
        Figure(
            f"duplicates/{what.replace(' ', '-').replace('%', 'percent')}-{way}",
            name,
            unit,
            tuple(found["ours"][what]),
            f"{way} {version(way)}",
            tuple(found[way][what]),
            better=better,
            note=note if what in ("recall", "precision") else "",
        )
        for what, (name, unit, better) in names.items()
        for way in PEERS
    ]


def planted(root: Path, copies: int, seed: int) -> tuple[list[str], bool]:
    pieces = section(root)
    start = time.perf_counter()
    links = relate(pieces)
    alone = time.perf_counter() - start
    kin = kin_of(pieces, links)
    lines = [
        f"The section alone: {len(pieces)} pieces, {len(links)} links in {alone:.2f} s. {copies} copies a kind, seed {seed}.",
        "",
        "| change | asked | recall | precision | links | called | missed |",
        "|---|---|---|---|---|---|---|",
    ]
    good = True
    for kind, (_, least) in KINDS.items():
        outcome = plant(pieces, kin, kind, copies, seed)
        good &= outcome.recall >= least and outcome.precision >= MIN_PRECISION
        called = ", ".join(f"{name} {count}" for name, count in sorted(outcome.relations.items()))
        lines.append(
            f"| {kind} | {least} | {outcome.recall:.3f} | {outcome.precision:.3f} | {outcome.links} | {called} "
            f"| {len(outcome.missed)} |"
        )
        print(lines[-1], flush=True)
    return lines, good


def made(number: int) -> Notes:
    """Return random music: chords and a melody over a bass, in eighth notes.

    Lengths are those of real pieces.
    """
    random = np.random.default_rng(number)
    slices = int(np.clip(random.lognormal(6.0, 0.7), 12, 4000))
    onset = np.cumsum(random.choice([6, 12, 12, 24], slices))
    melody = np.clip(72 + np.cumsum(random.integers(-4, 5, slices)) % 24, 60, 96)
    bass = 36 + random.integers(0, 20, slices)
    both = random.random(slices) < 0.7
    columns = np.concatenate([onset, onset[both]]), np.concatenate([melody, bass[both]])
    return Notes.of(columns[0], np.full(len(columns[0]), 6), columns[1], np.full(len(columns[0]), 64))


def made_candidates(count: int) -> tuple[list[Candidate], dict[int, int]]:
    """Return `count` pieces and {copy: original}."""
    random = np.random.default_rng(count)
    changes = [change for kind, (change, _) in KINDS.items() if kind != "within a medley"]
    notes: list[Notes] = []
    originals: dict[int, int] = {}
    for number in range(count):
        if number % PLANTED == PLANTED - 1:
            originals[number] = int(random.integers(number - PLANTED + 1, number))
            change = changes[int(random.integers(len(changes)))]
            notes.append(change(notes[originals[number]], [], random))
        else:
            notes.append(made(number))
    return [Candidate(str(n), each, f"g{n}", f"s{n}", f"T{n}", None) for n, each in enumerate(notes)], originals


def scaled(count: int) -> dict[str, float]:
    """Compare the given number of made-up pieces in this process."""
    pieces, originals = made_candidates(count)
    before_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    start, cpu = time.perf_counter(), time.process_time()
    links = [link for link in relate(pieces) if link.relation in SAME_NOTES]
    wall = time.perf_counter() - start
    pairs = {(max(link.first, link.second), min(link.first, link.second)) for link in links}
    right = pairs & set(originals.items())
    return {
        "pieces": count,
        "notes": sum(len(piece.notes) for piece in pieces),
        "wall_s": wall,
        "cpu_s": time.process_time() - cpu,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "before_mb": before_mb,
        "recall": len(right) / len(originals),
        "false": len([pair for pair in pairs - right if originals.get(pair[0]) != originals.get(pair[1], pair[1])]),
        "links": len(pairs),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path("data"))
    parser.add_argument("--copies", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sizes", type=int, nargs="*", default=[10_000, 30_000, 100_000])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(scaled(options.one)))
        return 0
    command = " ".join(["python", *(os.path.relpath(word, TOP) if word == sys.argv[0] else word for word in sys.argv)])
    print(f"$ {command}")
    lines, good = planted(options.root, options.copies, options.seed) if options.copies else ([], True)
    lines += [
        "",
        "| pieces | notes | seconds | CPU s | us a piece / log2 n | peak MB | of it notes | recall | false links |",
    ]
    lines.append("|---|---|---|---|---|---|---|---|---|")
    for count in options.sizes:
        program = [sys.executable, __file__, "--one", str(count)]
        run = json.loads(subprocess.run(program, stdout=subprocess.PIPE, check=True).stdout)
        rate = 1e6 * run["wall_s"] / count / np.log2(count)
        good &= run["wall_s"] < MAX_S and run["peak_mb"] < MAX_MB
        lines.append(
            f"| {count:,} | {run['notes']:,} | {run['wall_s']:.1f} | {run['cpu_s']:.1f} | {rate:.1f} | {run['peak_mb']:,.0f} "
            f"| {run['before_mb']:,.0f} | {run['recall']:.4f} | {run['false']} of {run['links']:,} |"
        )
        print(lines[-1], flush=True)
    if options.out:
        head = [
            "# Duplicates: how well, how fast",
            "",
            "Written by this script; its docstring describes the measurements.",
        ]
        write_text(options.out, "\n".join([*head, "", f"    {command}", "", *lines, ""]))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
