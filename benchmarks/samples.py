"""Compare samples of a run with real pieces: loops and musical measures.

    python benchmarks/samples.py RUN CORPUS [--root data] [--count 100] [--notes 500] [--seed 1] [--out FILE]

Samples are drawn at the default settings. Each must end on a bar line, be read back unchanged from its MIDI file, and
have no bar more than four times and no chord more than 22 times in a row, people's 99th percentiles. For four measures, the
median of the samples must lie between the quartiles of the corpus's held-out pieces. Pieces are cut to their first
--notes notes, since repetition and density depend on length. The exit code is 1 if a condition fails.
"""

import argparse
import json
import time
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from told_apart_table import STUCK, longest_chord_run

from dataset.corpus.corpus import Corpus
from dataset.measures.keys import pitch_class_entropy
from dataset.measures.loops import loop_share
from dataset.measures.texture import polyphony, segments
from dataset.midi.midi_reader import read_midi
from dataset.midi.midi_writer import write_midi
from dataset.notes.model import Notes, seconds
from training.events.fields import bar_ticks
from training.generate import music
from training.run import Run
from training.sampling.sampler import SamplingConfig

MOST_BARS = 4  # repeats of one bar in a row
MEASURES = {
    "repeat share": loop_share,
    "polyphony": lambda notes: polyphony(segments(notes)),
    "pitch-class entropy": pitch_class_entropy,
    "notes per second": lambda notes: len(notes) / seconds(notes),
}


def first(notes: Notes, count: int) -> Notes:
    """Return the first notes of a piece, from the bar in which they start."""
    _, numerator, denominator = notes.time_signatures[0]
    bar = bar_ticks(numerator, denominator)
    start = int(notes.onset[0]) // bar * bar
    return Notes(
        notes.onset[:count] - start,
        notes.duration[:count],
        notes.pitch[:count],
        notes.velocity[:count],
        notes.tempos,
        notes.time_signatures,
    )


def longest_runs(notes: Notes) -> tuple[int, int]:
    """Return the longest runs of one bar and of one chord, or single note."""
    bar = bar_ticks(*notes.time_signatures[-1][1:])
    held = zip(notes.onset.tolist(), notes.pitch.tolist(), strict=True)
    bars = [(n, frozenset((o % bar, p) for o, p in group)) for n, group in groupby(held, lambda note: note[0] // bar)]
    most = run = 1
    for (n, here), (m, there) in zip(bars[1:], bars, strict=False):
        run = run + 1 if n == m + 1 and here == there else 1
        most = max(most, run)
    return most, longest_chord_run(notes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("corpus")
    parser.add_argument("--root", type=Path, default=Path("data"))
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--notes", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    since = time.perf_counter()
    made = music(
        Run.open(options.root, options.run), SamplingConfig(count=options.count, notes=options.notes, seed=options.seed)
    )
    took = time.perf_counter() - since
    wrong = []
    for number, notes in enumerate(made, start=1):
        bars, chords = longest_runs(notes)
        end = int((notes.onset + notes.duration).max())
        if bars > MOST_BARS or chords > STUCK:
            wrong.append(f"sample {number} is stuck: a bar {bars} times in a row, a chord {chords} times in a row")
        if end % bar_ticks(*notes.time_signatures[-1][1:]):
            wrong.append(f"sample {number} does not end on a bar line")
        if replace(read_midi(write_midi(notes)), hand=notes.hand) != notes:  # the file has a track for each hand
            wrong.append(f"sample {number} changes when read back from its file")
    corpus = Corpus.open(options.root, options.corpus)
    real = [first(piece.notes, options.notes) for split in ("validation", "test") for piece in corpus.pieces(split)]
    found: dict[str, Any] = {
        "samples": len(made),
        "notes_per_second": round(sum(map(len, made)) / took),
        "real": len(real),
    }
    for name, measure in MEASURES.items():
        low, middle, high = (
            round(float(q), 3) for q in np.percentile([measure(notes) for notes in real], (25, 50, 75))
        )
        median = round(float(np.median([measure(notes) for notes in made])), 3)
        found[name] = {"samples": median, "real": middle, "quartiles": [low, high]}
        if not low <= median <= high:
            wrong.append(f"{name}: the samples' median {median} is outside {low}-{high}")
    print(json.dumps(found, indent=1))
    if options.out:
        options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if wrong:
        raise SystemExit("\n".join(wrong))


if __name__ == "__main__":
    main()
