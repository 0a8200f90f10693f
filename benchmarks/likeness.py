"""Does new music follow one training piece bar by bar, in its chords or in its rhythm?

    python benchmarks/likeness.py --corpus all --run RUN [--root data] [--count 150] [--seed 0] [--harmony other own]

The likeness of a piece to a corpus: its first BARS bars are laid beside any BARS bars of any training piece, for chords
in any transposition, and the highest mean of the likeness of bars is taken. Two bars are as like as their sets of pitch
classes, or of onsets, are by Jaccard. It is independent of notes in common, which `benchmarks/novelty.py` counts: another
tune over the same chords has likeness 1. Drafts of the run are compared with held-out pieces by people, which are of
other works than the training pieces.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from catalog.base.errors import VgpianoError
from dataset.corpus.corpus import Corpus
from dataset.notes.form import find_form
from dataset.notes.model import Notes
from training.generate import compose_samples, music
from training.run import Run
from training.run_critic import read_critic
from training.sampling.config import OTHER, OWN, SamplingConfig

BARS = 16
NOTES = 500  # notes of each draft
PLACE = 3  # ticks; onsets are of one place if they are of one 32nd
PLACES = 64  # of a bar, at most
QUARTILES = (25, 50, 75)

Table = npt.NDArray[Any]


def harmony(notes: Notes) -> Table:
    """Return the pitch classes that begin in each bar, [bars, 12], 0 or 1."""
    lines = find_form(notes).lines
    inside = notes.onset < lines[-1]
    held = np.zeros((len(lines) - 1, 12), np.float32)
    held[np.searchsorted(lines, notes.onset[inside], side="right") - 1, notes.pitch[inside] % 12] = 1
    return held


def rhythm(notes: Notes) -> Table:
    """Return the places of each bar at which notes begin, [bars, PLACES], 0 or 1."""
    lines = find_form(notes).lines
    onset = notes.onset[notes.onset < lines[-1]]
    bar = np.searchsorted(lines, onset, side="right") - 1
    held = np.zeros((len(lines) - 1, PLACES), np.float32)
    held[bar, np.minimum((onset - lines[bar]) // PLACE, PLACES - 1)] = 1
    return held


class Bars:
    """The bars of all pieces of a corpus, to which pieces are compared."""

    def __init__(self, pieces: Sequence[Table]) -> None:
        """Store the tables of pieces; those with fewer than BARS bars are left out."""
        self.bars = np.concatenate([piece for piece in pieces if len(piece) >= BARS])
        self.count = self.bars.sum(axis=1)
        self.begins = np.concatenate(
            [np.arange(len(piece)) <= len(piece) - BARS for piece in pieces if len(piece) >= BARS]
        )

    def likest(self, piece: Table, shifts: int = 1) -> float:
        """Return the highest likeness of the first BARS bars of a piece, with its columns rolled by 0 to `shifts` - 1."""
        return max(self._likest(np.roll(piece[:BARS], shift, axis=1)) for shift in range(shifts))

    def _likest(self, piece: Table) -> float:
        both = self.bars @ piece.T
        either = self.count[:, None] + piece.sum(axis=1) - both
        alike = np.where(either > 0, both / np.maximum(either, 1), 1.0)
        beginnings = len(alike) - BARS + 1
        mean = sum(alike[bar : bar + beginnings, bar] for bar in range(BARS)) / BARS
        return float(np.where(self.begins[:beginnings], mean, 0).max())


def table(training: Sequence[Notes], sets: dict[str, Sequence[Notes]]) -> str:
    """Return a Markdown table: for each set of pieces, the quartiles of their likeness to training pieces."""
    lines = ["| pieces | number | chords: quartiles | rhythm: quartiles |", "|---|---|---|---|"]
    banks = [(find, Bars([find(notes) for notes in training]), shifts) for find, shifts in ((harmony, 12), (rhythm, 1))]
    for name, pieces in sets.items():
        cells = []
        for find, bank, shifts in banks:
            tables = [made for made in map(find, pieces) if len(made) >= BARS]
            found = np.percentile([bank.likest(made, shifts) for made in tables], QUARTILES) if tables else ()
            cells.append(" · ".join(f"{value:.3f}" for value in found))
        lines.append(f"| {name} | {len(tables)} | {cells[0]} | {cells[1]} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path("data"), help="data root, for names of corpus and run")
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--run", required=True)
    parser.add_argument("--count", type=int, default=150, help="drafts")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--harmony", nargs="+", choices=(OTHER, OWN), default=(OTHER, OWN))
    options = parser.parse_args()
    try:
        corpus, run = Corpus.open(options.root, options.corpus), Run.open(options.root, options.run)
        held_out = [piece.notes for split in ("validation", "test") for piece in corpus.pieces(split)]
        sets: dict[str, Sequence[Notes]] = {"human, held out": held_out}
        for name in options.harmony:
            config = SamplingConfig(count=options.count, notes=NOTES, seed=options.seed, harmony=name)
            sets[f"drafts, --harmony {name}"] = music(run, config)
            if read_critic(run)[0] is not None:
                sets[f"chosen, --harmony {name}"] = compose_samples(run, config).pieces
        print(table([piece.notes for piece in corpus.pieces("train")], sets))
    except (VgpianoError, OSError) as error:
        sys.exit(f"likeness: {error}")


if __name__ == "__main__":
    main()
