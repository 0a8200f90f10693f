"""A user's typed script, run and checked with `mypy --strict` against the wheel.

python user_script.py ROOT CORPUS RUN OUT
"""

import sys
from collections import Counter
from pathlib import Path

from catalog import Catalog
from dataset import Corpus, CorpusPiece, Notes, read_midi, write_midi
from training import Run, SamplingConfig, music


def longest(pieces: list[CorpusPiece]) -> CorpusPiece:
    """Return the piece with the most notes."""
    return max(pieces, key=lambda piece: len(piece.notes.pitch))


def pitches(pieces: list[Notes]) -> Counter[int]:
    """Count the pitches of `pieces`."""
    return Counter(pitch for notes in pieces for pitch in notes.pitch.tolist())


def main(root: Path, corpus: str, run: str, out: Path) -> None:
    """Continue the longest piece of a corpus twice, and print the result."""
    held = Corpus.open(root, corpus)
    first = longest(held.pieces())
    composed = music(Run.open(root, run), SamplingConfig(count=2, notes=40, seed=1), first.notes)
    out.write_bytes(write_midi(composed[0]))
    again = read_midi(out.read_bytes())
    print(f"{len(Catalog(root).pieces())} pieces known, {held.manifest.funnel.unique} in {corpus}")
    print(f"{len(again.pitch) - len(first.notes.pitch)} notes after {first.title}; {pitches(composed).most_common(1)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], Path(sys.argv[4]))
